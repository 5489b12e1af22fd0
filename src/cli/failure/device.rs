//! What to do about an error of a conversation with a device: of its transport, its security, its
//! replies. The matches have no wildcard, as in the file above it.

use super::{Advice, advice};
use crate::cli::device_args::Asked;
use crate::cli::error_id::ErrorId;
use crate::endpoint::ReplyError;
use crate::flows::Doing;
use crate::security::{Misbehaviour, SecurityError, SecurityScheme};
use crate::session::SessionError;
use crate::transport::{BluetoothProblem, TransportError, TransportKind};

pub(super) fn session(doing: Doing, error: &SessionError, asked: &Asked) -> Advice {
    match error {
        SessionError::HandshakeRefused { means, .. } | SessionError::Security(means) => {
            security(means, asked)
        }
        SessionError::Lost => advice(ErrorId::SessionLost, ["run the command again"]),
        SessionError::Reply(error) => reply(doing, error),
        SessionError::Transport(error) => transport(doing, error, asked.target.kind),
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
    let kind = asked.target.kind;
    let mut advice = if asked.access.password.is_some() || asked.access.pop.is_none() {
        let check = "check --sec2-username and --sec2-password; they are set in the firmware";
        advice(ErrorId::WrongPassword, [check])
    } else {
        let check = match kind {
            TransportKind::OnNetwork => {
                "check --pop: on the network it is another one than on the label; the app shows it to its owner"
            }
            TransportKind::Ble | TransportKind::SoftAp => {
                "check --pop; it is printed on the device or in its QR code"
            }
        };
        advice(ErrorId::WrongPop, [check])
    };
    if !kind.needs_an_owner_only() {
        let lock = "five wrong tries close provisioning until the device restarts";
        advice.hints.push(lock.to_owned());
    }
    if kind == TransportKind::OnNetwork && scheme == SecurityScheme::Sec1 {
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

pub(super) fn transport(doing: Doing, error: &TransportError, kind: TransportKind) -> Advice {
    match error {
        TransportError::Bluetooth { problem, .. } => bluetooth(problem),
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
        TransportError::NoSuchEndpoint { .. } => advice(
            ErrorId::NoSuchEndpoint,
            ["the firmware does not offer this; `espctl device info` shows what it does"],
        ),
        TransportError::NotADevice { .. } => advice(
            ErrorId::NotADevice,
            [
                "is it the device you mean? one that has been provisioned offers nothing any more",
                "an old picture of it may be kept by this computer: `bluetoothctl remove ADDRESS` (on Linux), then run the command again",
            ],
        ),
        TransportError::NotPaired { .. } => advice(
            ErrorId::NotPaired,
            [
                "an old pairing may be kept on one side: remove the device from this computer's Bluetooth settings and run the command again",
                "on Windows, pair with it in the settings first",
            ],
        ),
        TransportError::PermissionDenied { .. } => advice(
            ErrorId::PermissionDenied,
            ["a firewall or a sandbox on this computer may forbid it"],
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
        TransportError::Unreachable { .. } => advice(ErrorId::Unreachable, [reach(kind)]),
    }
}

fn bluetooth(problem: &BluetoothProblem) -> Advice {
    match problem {
        BluetoothProblem::Blocked => advice(
            ErrorId::BluetoothBlocked,
            ["sudo rfkill unblock bluetooth; or look for a switch, or flight mode"],
        ),
        BluetoothProblem::Denied => advice(
            ErrorId::BluetoothDenied,
            [if cfg!(target_os = "macos") {
                "allow it to your terminal: System Settings, Privacy & Security, Bluetooth"
            } else {
                "sudo usermod -aG bluetooth $USER, then log in again"
            }],
        ),
        BluetoothProblem::Failed => advice(
            ErrorId::BluetoothFailed,
            [if cfg!(target_os = "linux") {
                "sudo systemctl restart bluetooth"
            } else {
                "switch Bluetooth off and on in the system's settings"
            }],
        ),
        BluetoothProblem::NoAdapter => advice(
            ErrorId::NoBluetoothAdapter,
            [
                "`ls /sys/class/bluetooth` shows those that Linux knows; --transport softap needs Wi-Fi only",
            ],
        ),
        BluetoothProblem::NoSuchAdapter { .. } => advice(
            ErrorId::NoBluetoothAdapter,
            ["leave --adapter out to take the first that is switched on"],
        ),
        BluetoothProblem::NoBus => advice(
            ErrorId::NoBluetoothService,
            [
                "sudo systemctl start dbus; in a container, mount the host's /run/dbus/system_bus_socket",
            ],
        ),
        BluetoothProblem::NoService => advice(
            ErrorId::NoBluetoothService,
            ["sudo systemctl enable --now bluetooth; the package is bluez"],
        ),
        BluetoothProblem::Off => advice(
            ErrorId::BluetoothOff,
            [if cfg!(target_os = "linux") {
                "bluetoothctl power on"
            } else {
                "switch it on in the system's settings"
            }],
        ),
    }
}

/// How to get a device into reach, by medium.
pub(super) fn reach(kind: TransportKind) -> &'static str {
    match kind {
        TransportKind::Ble => {
            "the device must be powered and within a few metres, and wait to be provisioned: one that has Wi-Fi already does not advertise until it is reset"
        }
        TransportKind::OnNetwork => {
            "the device must be on this network and powered, with challenge-response switched on; or say where it is with --device-ip and --device-port"
        }
        TransportKind::SoftAp => {
            "join the device's hotspot (PROV_…) with this computer, or say where it is with --device-ip and --device-port"
        }
    }
}

pub(super) const PRE_RELEASE: &str =
    "network_provisioning before 1.0 answers like this, and cannot be supported";
