//! Stories that a device can be told to act out, by name. Not how: each turns a few knobs of the
//! manager or of the node, and what they do is documented there and in `docs/reference/faults.md`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::firmware::Firmware;
use super::node::Association;
use super::node_key::KeyKind;
use super::world::Failure;
use crate::proto::EndpointName;

/// What goes otherwise than it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// The application never takes the manager back to its start.
    AppNeverResets,
    /// The application takes the manager back to its start right after a failure.
    AppResets,
    /// Every attempt fails and is told with the number of those left: five at first.
    AttemptsCountdown,
    /// Every attempt ends with the reason `AUTH_EXPIRE`.
    AuthExpire,
    /// The device signs no challenge from its start on, as after a client's disable.
    ChalRespDisabled,
    /// The access point changes channel when the device joins: it is out of reach for a while.
    ChannelChange,
    /// The device says for ever that it is connecting, as it does without DHCP.
    EndlessConnecting,
    /// The device never tells the cloud which user it was told of.
    NoUserMappingMessage,
    /// No attempt finds the network.
    NotFound,
    /// Challenges are signed by PKCS #1 v1.5 instead of PSS.
    Pkcs1Signature,
    /// Challenges are signed with r and s one after the other instead of a DER sequence.
    RawSignature,
    /// The client's reset is accepted while the device joins, too, as by an application that
    /// handles it itself.
    ResetAccepted,
    /// The client's reset is refused in every state.
    ResetRefused,
    /// The service goes when the device joins, and never comes back.
    ServiceGone,
    /// Every attempt fails for the passphrase.
    WrongPassphrase,
    /// Every attempt fails for an unrelated reason, which is told as an authentication error.
    WrongReason,
    /// The device tells the cloud another secret key than it was told.
    WrongSecretKey,
    /// Signatures are well-formed, and over other bytes than the challenge.
    WrongSignature,
}

impl Scenario {
    /// Every one, and its name.
    pub const ALL: [(&'static str, Self); 18] = [
        ("app-never-resets", Self::AppNeverResets),
        ("app-resets", Self::AppResets),
        ("attempts-countdown", Self::AttemptsCountdown),
        ("auth-expire", Self::AuthExpire),
        ("chal-resp-disabled", Self::ChalRespDisabled),
        ("channel-change", Self::ChannelChange),
        ("endless-connecting", Self::EndlessConnecting),
        ("no-user-mapping-message", Self::NoUserMappingMessage),
        ("not-found", Self::NotFound),
        ("pkcs1-signature", Self::Pkcs1Signature),
        ("raw-signature", Self::RawSignature),
        ("reset-accepted", Self::ResetAccepted),
        ("reset-refused", Self::ResetRefused),
        ("service-gone", Self::ServiceGone),
        ("wrong-passphrase", Self::WrongPassphrase),
        ("wrong-reason", Self::WrongReason),
        ("wrong-secret-key", Self::WrongSecretKey),
        ("wrong-signature", Self::WrongSignature),
    ];

    /// Why these cannot be acted out together, by this firmware.
    pub fn check(scenarios: &[Self], firmware: Firmware) -> Result<(), ImpossibleScenario> {
        let rules = firmware.rules();
        for scenario in scenarios {
            let needs_count = matches!(scenario, Self::AttemptsCountdown | Self::WrongReason);
            if needs_count && !rules.counts_attempts {
                return Err(ImpossibleScenario::NoAttempts {
                    scenario: *scenario,
                    firmware,
                });
            }
            let is_reset = matches!(scenario, Self::ResetAccepted | Self::ResetRefused);
            if is_reset && !rules.has_control {
                return Err(ImpossibleScenario::NoReset {
                    scenario: *scenario,
                    firmware,
                });
            }
        }
        let never = scenarios.contains(&Self::AppNeverResets);
        if never && scenarios.contains(&Self::AppResets) {
            return Err(ImpossibleScenario::Contradiction {
                one: Self::AppNeverResets,
                other: Self::AppResets,
            });
        }
        if scenarios.contains(&Self::ResetAccepted) && scenarios.contains(&Self::ResetRefused) {
            return Err(ImpossibleScenario::Contradiction {
                one: Self::ResetAccepted,
                other: Self::ResetRefused,
            });
        }
        let mut outcomes = scenarios.iter().filter(|one| {
            // These two are about joining, too.
            one.failure().is_some() || matches!(one, Self::ChannelChange | Self::ServiceGone)
        });
        if let (Some(one), Some(other)) = (outcomes.next(), outcomes.next()) {
            return Err(ImpossibleScenario::Contradiction {
                one: *one,
                other: *other,
            });
        }
        Ok(())
    }

    /// Why these cannot be acted out by a device that is this RainMaker node, or none.
    pub fn check_node(
        scenarios: &[Self],
        node: Option<(Association, KeyKind)>,
    ) -> Result<(), ImpossibleScenario> {
        for scenario in scenarios {
            let (association, kind) = match scenario {
                Self::Pkcs1Signature => (Association::ChallengeResponse, Some(KeyKind::Rsa)),
                Self::RawSignature => (Association::ChallengeResponse, Some(KeyKind::Ec)),
                Self::ChalRespDisabled | Self::WrongSignature => {
                    (Association::ChallengeResponse, None)
                }
                Self::NoUserMappingMessage | Self::WrongSecretKey => {
                    (Association::UserMapping, None)
                }
                _ => continue,
            };
            let Some((_, has)) = node.filter(|(has, _)| *has == association) else {
                return Err(ImpossibleScenario::NoEndpoint {
                    scenario: *scenario,
                    endpoint: association.endpoint(),
                });
            };
            if let Some(needed) = kind.filter(|needed| *needed != has) {
                return Err(ImpossibleScenario::OtherKey {
                    scenario: *scenario,
                    needed,
                });
            }
        }
        for about_one_thing in [
            &[
                Self::Pkcs1Signature,
                Self::RawSignature,
                Self::WrongSignature,
            ][..],
            &[Self::NoUserMappingMessage, Self::WrongSecretKey],
        ] {
            let mut those = scenarios.iter().filter(|one| about_one_thing.contains(one));
            if let (Some(one), Some(other)) = (those.next(), those.next()) {
                return Err(ImpossibleScenario::Contradiction {
                    one: *one,
                    other: *other,
                });
            }
        }
        Ok(())
    }

    /// Why these cannot be acted out by a device that is on its network already.
    pub fn check_on_network(scenarios: &[Self]) -> Result<(), ImpossibleScenario> {
        let is_about_challenges = |one: &Self| {
            matches!(
                one,
                Self::ChalRespDisabled
                    | Self::Pkcs1Signature
                    | Self::RawSignature
                    | Self::WrongSignature
            )
        };
        match scenarios.iter().find(|one| !is_about_challenges(one)) {
            Some(scenario) => Err(ImpossibleScenario::NotProvisioning {
                scenario: *scenario,
            }),
            None => Ok(()),
        }
    }

    /// How it makes every attempt fail, if it does.
    pub(super) const fn failure(self) -> Option<Failure> {
        match self {
            Self::WrongPassphrase | Self::AttemptsCountdown => Some(Failure::WrongPassphrase),
            Self::NotFound => Some(Failure::NotFound),
            Self::AuthExpire => Some(Failure::AuthExpired),
            Self::EndlessConnecting => Some(Failure::Endless),
            Self::WrongReason => Some(Failure::Unrelated),
            Self::AppNeverResets
            | Self::AppResets
            | Self::ChalRespDisabled
            | Self::ChannelChange
            | Self::NoUserMappingMessage
            | Self::Pkcs1Signature
            | Self::RawSignature
            | Self::ResetAccepted
            | Self::ResetRefused
            | Self::ServiceGone
            | Self::WrongSecretKey
            | Self::WrongSignature => None,
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(_, scenario)| scenario == self);
        f.pad(name.map_or("?", |(name, _)| name))
    }
}

impl FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(text: &str) -> Result<Self, UnknownScenario> {
        Self::ALL
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, scenario)| *scenario)
            .ok_or(UnknownScenario)
    }
}

/// A text that names no scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownScenario;

impl std::error::Error for UnknownScenario {}

impl fmt::Display for UnknownScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = Scenario::ALL.iter().map(|(name, _)| *name).collect();
        write!(f, "expected one of {}", names.join(", "))
    }
}

/// Why scenarios cannot be acted out.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ImpossibleScenario {
    /// Each says how the same thing goes, and they differ.
    #[error("{one} and {other} exclude each other")]
    Contradiction {
        /// The first.
        one: Scenario,
        /// The second.
        other: Scenario,
    },
    /// The device has no such endpoint.
    #[error("{scenario} needs a device with {endpoint}")]
    NoEndpoint {
        /// Which one.
        scenario: Scenario,
        /// The endpoint that it is about.
        endpoint: EndpointName,
    },
    /// The device has a key of another kind.
    #[error("{scenario} needs a node key of kind {needed}")]
    OtherKey {
        /// Which one.
        scenario: Scenario,
        /// The kind that it is about.
        needed: KeyKind,
    },
    /// The firmware has no limit of attempts.
    #[error("{scenario} needs firmware that counts attempts, and {firmware} does not")]
    NoAttempts {
        /// Which one.
        scenario: Scenario,
        /// Of which firmware.
        firmware: Firmware,
    },
    /// The device is on its network already.
    #[error("{scenario} is about provisioning, and not about a device on its network")]
    NotProvisioning {
        /// Which one.
        scenario: Scenario,
    },
    /// The firmware has no reset that could be refused.
    #[error("{scenario} needs firmware with prov-ctrl, and {firmware} has none")]
    NoReset {
        /// Which one.
        scenario: Scenario,
        /// Of which firmware.
        firmware: Firmware,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_there_and_back() {
        for (name, scenario) in Scenario::ALL {
            assert_eq!(name.parse(), Ok(scenario));
            assert_eq!(scenario.to_string(), name);
        }
        let error = "nonsense".parse::<Scenario>().unwrap_err().to_string();
        assert!(error.contains("channel-change"), "{error}");
    }

    #[test]
    fn what_a_firmware_cannot_do_or_nobody_can_is_refused() {
        use Scenario::{AppResets, AttemptsCountdown, ChannelChange, NotFound, ResetRefused};
        let today = Firmware::NetworkProvisioning;
        for (scenarios, firmware, possible) in [
            (&[AttemptsCountdown, ResetRefused][..], today, true),
            (&[NotFound, AppResets], Firmware::V44, true),
            (&[AttemptsCountdown], Firmware::V5, false),
            (&[ResetRefused], Firmware::V44, false),
            (&[NotFound, ChannelChange], today, false),
        ] {
            let checked = Scenario::check(scenarios, firmware);
            assert_eq!(checked.is_ok(), possible, "{scenarios:?} {firmware}");
        }
    }

    #[test]
    fn a_device_on_its_network_acts_out_what_is_about_challenges() {
        let about_challenges = [
            "chal-resp-disabled",
            "pkcs1-signature",
            "raw-signature",
            "wrong-signature",
        ];
        for (name, scenario) in Scenario::ALL {
            let possible = Scenario::check_on_network(&[scenario]).is_ok();
            assert_eq!(possible, about_challenges.contains(&name), "{name}");
        }
    }

    #[test]
    fn what_is_about_a_node_needs_one_of_that_kind() {
        use Scenario::{
            NoUserMappingMessage, Pkcs1Signature, RawSignature, WrongSecretKey, WrongSignature,
        };
        let signs = |kind| Some((Association::ChallengeResponse, kind));
        let tells = Some((Association::UserMapping, KeyKind::Ec));
        for (scenarios, node, possible) in [
            (&[Scenario::NotFound][..], None, true),
            (&[WrongSignature], None, false),
            (&[WrongSignature], tells, false),
            (&[WrongSecretKey], tells, true),
            (&[WrongSecretKey], signs(KeyKind::Ec), false),
            (&[WrongSecretKey, NoUserMappingMessage], tells, false),
            (&[RawSignature], signs(KeyKind::Ec), true),
            (&[RawSignature], signs(KeyKind::Rsa), false),
            (&[Pkcs1Signature], signs(KeyKind::Rsa), true),
            (&[RawSignature, WrongSignature], signs(KeyKind::Ec), false),
        ] {
            let checked = Scenario::check_node(scenarios, node);
            assert_eq!(checked.is_ok(), possible, "{scenarios:?} {node:?}");
        }
    }
}
