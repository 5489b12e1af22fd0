//! Stories that a device can act out, by name: each turns a few knobs of the manager or of the node.
//! What they do is documented there and in `docs/reference/faults.md`.

use strum::{Display, EnumString, VariantNames};
use thiserror::Error;

use super::firmware::Firmware;
use super::node_key::KeyKind;
use super::offering::Association;
use super::world::Failure;

/// What goes otherwise than it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantNames)]
#[strum(
    serialize_all = "kebab-case",
    parse_err_ty = UnknownScenario,
    parse_err_fn = unknown
)]
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
    /// Checks that this firmware can act these out, together.
    pub fn check(scenarios: &[Self], firmware: Firmware) -> Result<(), ImpossibleScenario> {
        let rules = firmware.rules();
        for scenario in scenarios {
            match scenario {
                Self::AttemptsCountdown | Self::WrongReason if !rules.counts_attempts => {
                    return impossible(format!(
                        "{scenario} needs firmware that counts attempts, and {firmware} does not"
                    ));
                }
                Self::ResetAccepted | Self::ResetRefused if !rules.has_control => {
                    return impossible(format!(
                        "{scenario} needs firmware with prov-ctrl, and {firmware} has none"
                    ));
                }
                _ => {}
            }
        }
        one_at_most(scenarios, |one| {
            matches!(one, Self::AppNeverResets | Self::AppResets)
        })?;
        one_at_most(scenarios, |one| {
            matches!(one, Self::ResetAccepted | Self::ResetRefused)
        })?;
        // The last two are also about joining.
        one_at_most(scenarios, |one| {
            one.failure().is_some() || matches!(one, Self::ChannelChange | Self::ServiceGone)
        })
    }

    /// Checks that a device with this RainMaker node, or without one, can act these out.
    pub fn check_node(
        scenarios: &[Self],
        node: Option<(Association, KeyKind)>,
    ) -> Result<(), ImpossibleScenario> {
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
            let Some((_, kind)) = node.filter(|(has, _)| *has == association) else {
                let endpoint = association.endpoint();
                return impossible(format!("{scenario} needs a device with {endpoint}"));
            };
            if let Some(needed) = needed.filter(|needed| *needed != kind) {
                return impossible(format!("{scenario} needs a node key of kind {needed}"));
            }
        }
        one_at_most(scenarios, |one| one.is_of_signature())?;
        one_at_most(scenarios, |one| {
            matches!(one, Self::NoUserMappingMessage | Self::WrongSecretKey)
        })
    }

    /// Checks that a device that is on its network already can act these out.
    pub fn check_on_network(scenarios: &[Self]) -> Result<(), ImpossibleScenario> {
        let is_about_challenges =
            |one: &Self| *one == Self::ChalRespDisabled || one.is_of_signature();
        match scenarios.iter().find(|one| !is_about_challenges(one)) {
            Some(scenario) => impossible(format!(
                "{scenario} is about provisioning, and not about a device on its network"
            )),
            None => Ok(()),
        }
    }

    const fn is_of_signature(self) -> bool {
        matches!(
            self,
            Self::Pkcs1Signature | Self::RawSignature | Self::WrongSignature
        )
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

/// Rejects two scenarios of one group: each decides the same thing differently.
fn one_at_most(
    scenarios: &[Scenario],
    is_in_group: impl Fn(&Scenario) -> bool,
) -> Result<(), ImpossibleScenario> {
    let mut group = scenarios.iter().filter(|one| is_in_group(one));
    match (group.next(), group.next()) {
        (Some(first), Some(second)) => {
            impossible(format!("{first} and {second} exclude each other"))
        }
        _ => Ok(()),
    }
}

fn impossible(why: String) -> Result<(), ImpossibleScenario> {
    Err(ImpossibleScenario(why))
}

/// A text that names no scenario.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("expected one of {}", Scenario::VARIANTS.join(", "))]
pub struct UnknownScenario;

fn unknown(_: &str) -> UnknownScenario {
    UnknownScenario
}

/// Why scenarios cannot be acted out.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct ImpossibleScenario(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_there_and_back() {
        for name in Scenario::VARIANTS {
            let scenario: Scenario = name.parse().unwrap();
            assert_eq!(scenario.to_string(), *name);
        }
        assert_eq!("raw-signature".parse(), Ok(Scenario::RawSignature));
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
        for name in Scenario::VARIANTS {
            let scenario = name.parse().unwrap();
            let possible = Scenario::check_on_network(&[scenario]).is_ok();
            assert_eq!(possible, about_challenges.contains(name), "{name}");
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
