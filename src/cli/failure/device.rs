//! What to do about an error of a conversation with a device: of its transport, its security, its
//! replies. The matches have no wildcard, as in the file above it.

use super::search::{command_for, forget, unreachable};
use super::{Advice, advice, bluetooth, console};
use crate::cli::device_args::Asked;
use crate::cli::error_id::ErrorId;
use crate::endpoint::ReplyError;
use crate::flows::Doing;
use crate::security::{Misbehaviour, SecurityError, SecurityScheme};
use crate::session::SessionError;
use crate::transport::{HostPart, No, TransportError};

pub(super) fn session(doing: Doing, error: &SessionError, asked: &Asked) -> Advice {
    match error {
        SessionError::HandshakeRefused { means, .. } | SessionError::Security(means) => {
            security(means, asked)
        }
        SessionError::Lost => advice(ErrorId::SessionLost, ["run the command again"]),
        SessionError::Reply(error) => reply(doing, error),
        SessionError::Transport(error) => transport(doing, error, asked),
    }
}

fn security(error: &SecurityError, asked: &Asked) -> Advice {
    match error {
        SecurityError::CredentialsMismatch { scheme } => wrong_secret(*scheme, asked),
        SecurityError::CounterExhausted => {
            advice(ErrorId::SessionExhausted, ["run the command again"])
        }
        SecurityError::PeerIncompatible { .. } => {
            let mut advice = advice(
                ErrorId::WrongScheme,
                ["a device that was locked by wrong tries looks the same: restart it"],
            );
            if asked.access.scheme.is_some() {
                let first = "leave --sec-ver out (or the label's security) to use what the device announces";
                advice.hints.insert(0, first.to_owned());
            }
            advice
        }
        SecurityError::PeerMisbehaved { how, .. } => match how {
            Misbehaviour::NoProofOfItsOwn => advice(
                ErrorId::DeviceNotAuthentic,
                ["this may be another device, posing as yours: check what you are connected to"],
            ),
            Misbehaviour::NotAuthentic => {
                advice(ErrorId::MessageNotAuthentic, ["run the command again"])
            }
            Misbehaviour::BadStatus(_)
            | Misbehaviour::EmptyUsername
            | Misbehaviour::KeyOutOfRange
            | Misbehaviour::Undecodable
            | Misbehaviour::UnexpectedMessage
            | Misbehaviour::WrongLength { .. } => advice(
                ErrorId::HandshakeBroken,
                ["check that this is the device you mean"],
            ),
        },
        SecurityError::WrongKindOfCredentials { .. } => advice(
            ErrorId::WrongCredentials,
            ["Security 2 needs a user name and a password"],
        ),
    }
}

fn wrong_secret(scheme: SecurityScheme, asked: &Asked) -> Advice {
    let medium = asked.target.medium;
    let mut advice = if asked.access.password.is_some() || asked.access.pop.is_none() {
        let check = "check --sec2-username and --sec2-password; they are set in the firmware";
        advice(ErrorId::WrongPassword, [check])
    } else {
        let check = if medium.has_network_already {
            "check --pop: on the network it is another one than on the label; the app shows it to its owner"
        } else {
            "check --pop; it is printed on the device or in its QR code"
        };
        advice(ErrorId::WrongPop, [check])
    };
    if !medium.has_network_already {
        let lock = "five wrong tries close provisioning until the device restarts";
        advice.hints.push(lock.to_owned());
    }
    if medium.has_network_already && scheme == SecurityScheme::Sec1 {
        let none = "by default this firmware has no PoP there: leave --pop out";
        advice.hints.push(none.to_owned());
    }
    if scheme == SecurityScheme::Sec2 {
        advice.hints.push(if asked.access.sec2_compat {
            "the two known firmware faults were tried too".to_owned()
        } else {
            "if it is surely right, --sec2-compat tries two known firmware faults, one try each"
                .to_owned()
        });
    }
    advice
}

fn reply(doing: Doing, error: &ReplyError) -> Advice {
    match error {
        ReplyError::Malformed { .. } if doing == Doing::ReadingVersion => advice(
            ErrorId::NotADevice,
            ["something else than an ESP device may answer at this address"],
        ),
        ReplyError::Malformed { .. } | ReplyError::Unexpected { .. } => {
            advice(ErrorId::UnexpectedReply, [PRE_RELEASE])
        }
        ReplyError::Refused { .. } if doing == Doing::SendingUser => advice(
            ErrorId::UserRefused,
            ["look at the device's log, restart it and run the command again"],
        ),
        ReplyError::Refused { status } if status.is_wrong_state() => advice(
            ErrorId::WrongState,
            match doing {
                Doing::ApplyingWifi => {
                    ["the device holds credentials already: reset it, or restart it"]
                }
                Doing::Resetting => [
                    "a device resets after it failed to join, and in no other state; restarting it does the same",
                ],
                Doing::Reopening => [
                    "a device reopens provisioning after it joined, and only if its firmware keeps the service running",
                ],
                _ => ["wait a second and run the command again, or restart the device"],
            },
        ),
        ReplyError::Refused { .. } => advice(ErrorId::Refused, []),
    }
}

pub(super) fn transport(doing: Doing, error: &TransportError, asked: &Asked) -> Advice {
    match error {
        TransportError::Bluetooth(error) => bluetooth::advise(&error.problem),
        TransportError::Console { problem, .. } => console::advise(problem, asked),
        // BlueZ does not say why a link goes with the first request.
        TransportError::Disconnected { .. }
            if asked.target.medium.needs == Some(HostPart::Bluetooth)
                && doing == Doing::ReadingVersion =>
        {
            advice(
                ErrorId::Disconnected,
                ["move closer and run the command again", MAYBE_PAIRING],
            )
        }
        TransportError::TimedOut { .. }
            if asked.target.medium.needs == Some(HostPart::Bluetooth)
                && doing == Doing::ReadingVersion =>
        {
            advice(
                ErrorId::Silent,
                [
                    "restart the device and run the command again",
                    MAYBE_PAIRING,
                ],
            )
        }
        TransportError::Disconnected { .. } | TransportError::TimedOut { .. }
            if asked.target.medium.needs == Some(HostPart::SerialPorts) =>
        {
            console::lost(doing, error)
        }
        TransportError::Disconnected { .. } => advice(
            ErrorId::Disconnected,
            ["move closer and run the command again"],
        ),
        TransportError::Malformed { .. } => advice(
            ErrorId::NotADevice,
            ["something else than an ESP device may answer at this address"],
        ),
        TransportError::NoSuchEndpoint { .. }
            if matches!(doing, Doing::Resetting | Doing::Reopening) =>
        {
            advice(
                ErrorId::NoSuchEndpoint,
                ["firmware before ESP-IDF 5.1 lacks it: restart the device instead"],
            )
        }
        TransportError::NoSuchEndpoint { .. } => advice(ErrorId::NoSuchEndpoint, []).and(format!(
            "the firmware does not offer this; {} shows what it does",
            command_for("device info", &asked.target)
        )),
        TransportError::NotADevice { address } => advice(
            ErrorId::NotADevice,
            ["is it the device you mean? one that has been provisioned offers nothing any more"],
        )
        .and(format!(
            "its services may be remembered from other firmware: {}, then run the command again",
            forget(address)
        )),
        TransportError::NotPaired { address, .. } => advice(ErrorId::NotPaired, []).and(format!(
            "an old pairing may be kept on one side: {}, then {}",
            forget(address),
            if cfg!(windows) {
                "pair with it there and run the command again"
            } else {
                "run the command again"
            }
        )),
        TransportError::PermissionDenied { address, .. }
            if asked.target.medium.needs == Some(HostPart::SerialPorts) =>
        {
            console::not_permitted(address.as_str())
        }
        TransportError::PermissionDenied { .. } => advice(
            ErrorId::PermissionDenied,
            ["a firewall or a sandbox on this computer may forbid it"],
        ),
        TransportError::Refused {
            how: No::Prompt, ..
        } => advice(
            ErrorId::HungUp,
            [
                "the board's log says why: look at it with a monitor such as `idf.py monitor`",
                "or it has closed provisioning: restart it",
            ],
        ),
        TransportError::Refused { .. } => advice(
            ErrorId::HungUp,
            [
                "another client may be talking to it: devices serve one at a time",
                "or it has closed provisioning: restart it",
            ],
        ),
        TransportError::Unresolved { address, .. } => Advice {
            hints: vec![format!(
                "what this computer remembers of it may be old: `bluetoothctl remove {address}`; or restart the device"
            )],
            ..advice(ErrorId::Silent, [])
        },
        TransportError::TooLong { .. }
            if asked.target.medium.needs == Some(HostPart::SerialPorts) =>
        {
            console::too_long(doing)
        }
        TransportError::TooLong { .. } => advice(
            ErrorId::MessageTooLong,
            ["firmware with Security 2 or NimBLE has more room; or use another transport"],
        ),
        // Silence at first contact is nobody; later it is a device that hangs.
        TransportError::TimedOut { .. } if doing == Doing::ReadingVersion => advice(
            ErrorId::Silent,
            ["something takes connections there and says nothing: is it the device?"],
        ),
        TransportError::TimedOut { .. } => advice(
            ErrorId::TimedOut,
            ["restart the device and run the command again"],
        ),
        TransportError::Unavailable { .. } => advice(
            ErrorId::TransportUnavailable,
            ["the causes say what is missing; --device-ip needs no discovery"],
        ),
        TransportError::Unreachable { address, .. } => unreachable(asked.target.medium, address),
    }
}

const MAYBE_PAIRING: &str = "it may want to be paired: `bluetoothctl pair ADDRESS` shows whether it does, and `bluetoothctl remove ADDRESS` ends an old pairing";

pub(super) const PRE_RELEASE: &str =
    "network_provisioning before 1.0 answers like this, and cannot be supported";
