//! Named scenarios of an emulated device: each changes a few details of the manager or of the node, which
//! document the effects, as does `docs/reference/faults.md`.

use strum::{Display, EnumString, VariantNames};
use thiserror::Error;

use super::firmware::Firmware;
use super::node_key::KeyKind;
use super::offering::Association;
use super::world::Failure;
use crate::emulator::parse::ParseValueError;

/// A deviation from the usual course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantNames)]
#[strum(
    serialize_all = "kebab-case",
    parse_err_ty = ParseValueError,
    parse_err_fn = unknown
)]
pub enum Scenario {
    /// The application never resets the manager.
    AppNeverResets,
    /// The application resets the manager right after a failure.
    AppResets,
    /// Every attempt fails, and the device reports the number of remaining attempts: five at first.
    AttemptsCountdown,
    /// Every attempt ends with the reason `AUTH_EXPIRE`.
    AuthExpire,
    /// The device signs no challenge from its start on, as after a client's disable.
    ChalRespDisabled,
    /// The access point changes its channel when the device joins: the device is unreachable for a
    /// while.
    ChannelChange,
    /// The device reports without end that it is connecting, as it does without DHCP.
    EndlessConnecting,
    /// The device never reports the user of a mapping to the cloud.
    NoUserMappingMessage,
    /// No attempt finds the network.
    NotFound,
    /// Challenges are signed by PKCS #1 v1.5 instead of PSS.
    Pkcs1Signature,
    /// Challenges are signed with r and s one after the other instead of a DER sequence.
    RawSignature,
    /// The client's reset is also accepted while the device joins, as by an application that
    /// handles it itself.
    ResetAccepted,
    /// The client's reset is refused in every state.
    ResetRefused,
    /// The service disappears when the device joins, and never returns.
    ServiceGone,
    /// Every attempt fails because of the passphrase.
    WrongPassphrase,
    /// Every attempt fails for an unrelated reason, which is reported as an authentication error.
    WrongReason,
    /// The device reports another secret key to the cloud than it received.
    WrongSecretKey,
    /// Signatures are well-formed, and of other bytes than the challenge.
    WrongSignature,
}

impl Scenario {
    /// Checks that this firmware supports these scenarios, together.
    pub fn check(scenarios: &[Self], firmware: Firmware) -> Result<(), ScenarioError> {
        let rules = firmware.rules();
        for (number, scenario) in scenarios.iter().enumerate() {
            let need = match scenario {
                Self::AttemptsCountdown | Self::WrongReason if !rules.counts_attempts => {
                    "that counts attempts, and {firmware} does not"
                }
                Self::ResetAccepted | Self::ResetRefused if !rules.has_control => {
                    "with prov-ctrl, and {firmware} has none"
                }
                _ => "",
            };
            if !need.is_empty() {
                let need = need.replace("{firmware}", &firmware.to_string());
                return Err(ScenarioError(format!("{scenario} needs firmware {need}")));
            }
            let mut earlier = scenarios.iter().take(number);
            let is_same_group = |other: &&Self| {
                scenario
                    .group()
                    .is_some_and(|group| other.group() == Some(group))
            };
            if let Some(first) = earlier.find(is_same_group) {
                return Err(ScenarioError(format!(
                    "{first} and {scenario} exclude each other"
                )));
            }
        }
        Ok(())
    }

    /// Checks that a device with this RainMaker node, or without one, supports these scenarios.
    pub fn check_node(
        scenarios: &[Self],
        node: Option<(Association, KeyKind)>,
    ) -> Result<(), ScenarioError> {
        for scenario in scenarios {
            let (association, needed) = match scenario {
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
            let kind = node
                .filter(|(has, _)| *has == association)
                .map(|(_, kind)| kind);
            let need = match (kind, needed) {
                (None, _) => format!("a device with {}", association.endpoint()),
                (Some(kind), Some(needed)) if kind != needed => {
                    format!("a node key of kind {needed}")
                }
                _ => continue,
            };
            return Err(ScenarioError(format!("{scenario} needs {need}")));
        }
        Ok(())
    }

    /// Checks that a device that is already on its network supports these scenarios.
    pub fn check_on_network(scenarios: &[Self]) -> Result<(), ScenarioError> {
        let is_of_challenges = |scenario: &Self| {
            *scenario == Self::ChalRespDisabled
                || scenario.group() == Some(ExclusiveGroup::Signature)
        };
        match scenarios
            .iter()
            .find(|scenario| !is_of_challenges(scenario))
        {
            Some(scenario) => Err(ScenarioError(format!(
                "{scenario} is about provisioning, and not about a device on its network"
            ))),
            None => Ok(()),
        }
    }

    const fn group(self) -> Option<ExclusiveGroup> {
        Some(match self {
            Self::AppNeverResets | Self::AppResets => ExclusiveGroup::Application,
            Self::ResetAccepted | Self::ResetRefused => ExclusiveGroup::Reset,
            Self::ChannelChange | Self::ServiceGone => ExclusiveGroup::Joining,
            Self::Pkcs1Signature | Self::RawSignature | Self::WrongSignature => {
                ExclusiveGroup::Signature
            }
            Self::NoUserMappingMessage | Self::WrongSecretKey => ExclusiveGroup::UserMapping,
            _ if self.failure().is_some() => ExclusiveGroup::Joining,
            _ => return None,
        })
    }

    /// How it makes every attempt fail, if it does.
    pub(super) const fn failure(self) -> Option<Failure> {
        match self {
            Self::WrongPassphrase | Self::AttemptsCountdown => Some(Failure::WrongPassphrase),
            Self::NotFound => Some(Failure::NotFound),
            Self::AuthExpire => Some(Failure::AuthExpired),
            Self::EndlessConnecting => Some(Failure::Endless),
            Self::WrongReason => Some(Failure::Unrelated),
            _ => None,
        }
    }
}

/// Scenarios that exclude each other, because they decide the same thing differently.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ExclusiveGroup {
    Application,
    Joining,
    Reset,
    Signature,
    UserMapping,
}

fn unknown(_: &str) -> ParseValueError {
    format!("one of {}", Scenario::VARIANTS.join(", ")).into()
}

/// Why a device does not support the scenarios.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ScenarioError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_shown() {
        for name in Scenario::VARIANTS {
            let scenario: Scenario = name.parse().unwrap();
            assert_eq!(scenario.to_string(), *name);
        }
        assert_eq!("raw-signature".parse(), Ok(Scenario::RawSignature));
        let error = "nonsense".parse::<Scenario>().unwrap_err().to_string();
        assert!(error.contains("channel-change"), "{error}");
    }

    #[test]
    fn refuses_unsupported_and_exclusive_scenarios() {
        use Scenario::{
            AppResets, AttemptsCountdown, ChannelChange, NoUserMappingMessage, NotFound,
            RawSignature, ResetRefused, WrongSecretKey, WrongSignature,
        };
        let today = Firmware::NetworkProvisioning;
        for (scenarios, firmware, possible) in [
            (&[AttemptsCountdown, ResetRefused][..], today, true),
            (&[NotFound, AppResets], Firmware::V44, true),
            (&[AttemptsCountdown], Firmware::V5, false),
            (&[ResetRefused], Firmware::V44, false),
            (&[NotFound, ChannelChange], today, false),
            (&[WrongSecretKey, NoUserMappingMessage], today, false),
            (&[RawSignature, WrongSignature], today, false),
        ] {
            let checked = Scenario::check(scenarios, firmware);
            assert_eq!(checked.is_ok(), possible, "{scenarios:?} {firmware}");
        }
    }

    #[test]
    fn device_on_network_supports_challenge_scenarios() {
        let challenge_scenarios = [
            "chal-resp-disabled",
            "pkcs1-signature",
            "raw-signature",
            "wrong-signature",
        ];
        for name in Scenario::VARIANTS {
            let scenario = name.parse().unwrap();
            let possible = Scenario::check_on_network(&[scenario]).is_ok();
            assert_eq!(possible, challenge_scenarios.contains(name), "{name}");
        }
    }

    #[test]
    fn node_scenarios_require_matching_node() {
        use Scenario::{Pkcs1Signature, RawSignature, WrongSecretKey, WrongSignature};
        let signs = |kind| Some((Association::ChallengeResponse, kind));
        let maps = Some((Association::UserMapping, KeyKind::Ec));
        for (scenarios, node, possible) in [
            (&[Scenario::NotFound][..], None, true),
            (&[WrongSignature], None, false),
            (&[WrongSignature], maps, false),
            (&[WrongSecretKey], maps, true),
            (&[WrongSecretKey], signs(KeyKind::Ec), false),
            (&[RawSignature], signs(KeyKind::Ec), true),
            (&[RawSignature], signs(KeyKind::Rsa), false),
            (&[Pkcs1Signature], signs(KeyKind::Rsa), true),
        ] {
            let checked = Scenario::check_node(scenarios, node);
            assert_eq!(checked.is_ok(), possible, "{scenarios:?} {node:?}");
        }
    }
}
