//! Named scenarios of an emulated device: each changes a few details of the manager or of the node, which
//! document the effects, as does `docs/reference/faults.md`.

use clap::ValueEnum;
use strum::Display;

use super::firmware::Firmware;
use super::node_key::KeyKind;
use super::offering::Association;
use super::world::Failure;

/// A deviation from the usual course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, ValueEnum)]
#[strum(serialize_all = "kebab-case")]
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
    /// Those that decide the same thing differently, and so exclude each other.
    const EXCLUSIVE: [&[Self]; 5] = [
        &[Self::AppNeverResets, Self::AppResets],
        &[
            Self::AttemptsCountdown,
            Self::AuthExpire,
            Self::ChannelChange,
            Self::EndlessConnecting,
            Self::NotFound,
            Self::ServiceGone,
            Self::WrongPassphrase,
            Self::WrongReason,
        ],
        &[Self::NoUserMappingMessage, Self::WrongSecretKey],
        &[
            Self::Pkcs1Signature,
            Self::RawSignature,
            Self::WrongSignature,
        ],
        &[Self::ResetAccepted, Self::ResetRefused],
    ];

    /// Checks that this firmware supports these scenarios, together.
    pub fn check(scenarios: &[Self], firmware: Firmware) -> Result<(), String> {
        let rules = firmware.rules();
        for scenario in scenarios {
            let need = match scenario {
                Self::AttemptsCountdown | Self::WrongReason if !rules.counts_attempts => {
                    format!("that counts attempts, and {firmware} does not")
                }
                Self::ResetAccepted | Self::ResetRefused if !rules.has_control => {
                    format!("with prov-ctrl, and {firmware} has none")
                }
                _ => continue,
            };
            return Err(format!("{scenario} needs firmware {need}"));
        }
        for group in Self::EXCLUSIVE {
            let mut members = scenarios.iter().filter(|scenario| group.contains(scenario));
            if let (Some(first), Some(second)) = (members.next(), members.next()) {
                return Err(format!("{first} and {second} exclude each other"));
            }
        }
        Ok(())
    }

    /// Checks that a device with this RainMaker node, or without one, supports these scenarios.
    pub fn check_node(
        scenarios: &[Self],
        node: Option<(Association, KeyKind)>,
    ) -> Result<(), String> {
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
            match (node.filter(|(has, _)| *has == association), needed) {
                (None, _) => {
                    let endpoint = association.endpoint();
                    return Err(format!("{scenario} needs a device with {endpoint}"));
                }
                (Some((_, kind)), Some(needed)) if kind != needed => {
                    return Err(format!("{scenario} needs a node key of kind {needed}"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Checks that a device that is already on its network supports these scenarios.
    pub fn check_on_network(scenarios: &[Self]) -> Result<(), String> {
        match scenarios
            .iter()
            .find(|scenario| !scenario.is_of_challenges())
        {
            Some(scenario) => Err(format!(
                "{scenario} is about provisioning, and not about a device on its network"
            )),
            None => Ok(()),
        }
    }

    const fn is_of_challenges(self) -> bool {
        matches!(
            self,
            Self::ChalRespDisabled
                | Self::Pkcs1Signature
                | Self::RawSignature
                | Self::WrongSignature
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_shown() {
        for scenario in Scenario::value_variants() {
            let name = scenario.to_string();
            assert_eq!(Scenario::from_str(&name, false), Ok(*scenario));
        }
        let named = Scenario::from_str("raw-signature", false);
        assert_eq!(named, Ok(Scenario::RawSignature));
        assert!(Scenario::from_str("nonsense", false).is_err());
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
        for scenario in Scenario::value_variants() {
            let name = scenario.to_string();
            let possible = Scenario::check_on_network(&[*scenario]).is_ok();
            assert_eq!(possible, challenge_scenarios.contains(&&*name), "{name}");
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
