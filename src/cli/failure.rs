//! From an error to what a person reads and a script gets: message, causes, hints, stable id and,
//! with it, exit code. The match has no wildcard, so a new kind of error does not compile until
//! someone has chosen all of these for it. Lower layers say what happened; only here is advice
//! given. What an id means in general is `error_id`'s.

mod account;
mod cloud;

use std::error::Error as StdError;

use serde_json::{Value, json};

use super::device_args::Asked;
use super::error_id::ErrorId;
use super::exit::Exit;
use crate::endpoint::ReplyError;
use crate::endpoint::wifi_config::JoinFailure;
use crate::flows::{Doing, FlowError, Left, Question, StopReason};
use crate::security::{Misbehaviour, SecurityError, SecurityScheme};
use crate::session::SessionError;
use crate::transport::{TransportError, TransportKind};

/// A run that did not reach its end.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) exit: Exit,
    /// Stable, in kebab case: what scripts compare.
    pub(super) id: ErrorId,
    /// What happened.
    pub(super) message: String,
    /// What was being done, with which device.
    pub(super) doing: Option<String>,
    /// What lies behind the message, outermost first.
    pub(super) causes: Vec<String>,
    /// What to do next.
    pub(super) hints: Vec<String>,
}

impl Failure {
    /// A failure with the exit code of its kind.
    pub(super) fn new(id: ErrorId, message: impl Into<String>) -> Self {
        Self {
            exit: id.exit(),
            id,
            message: message.into(),
            doing: None,
            causes: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Adds what lies behind it.
    #[must_use]
    pub(super) fn cause(mut self, cause: &dyn std::fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Adds advice.
    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Something that this program should have been able to do.
    pub(super) fn fault(error: &anyhow::Error) -> Self {
        Self {
            causes: error.chain().skip(1).map(ToString::to_string).collect(),
            ..Self::new(ErrorId::Fault, error.to_string())
        }
    }

    /// The run ended well, and nobody can know.
    pub(super) fn output_lost(error: &std::io::Error) -> Self {
        Self::new(ErrorId::OutputLost, "the outcome could not be written").cause(error)
    }

    /// Ctrl-C.
    pub(super) fn interrupted() -> Self {
        Self::new(ErrorId::Interrupted, "interrupted")
    }

    /// A second Ctrl-C.
    pub(super) fn interrupted_twice() -> Self {
        Self::interrupted().hint("stopped at once: whatever the device was given stays with it")
    }

    /// A flow's error, in the light of what was asked for.
    pub(super) fn of_flow(error: &FlowError, asked: &Asked) -> Self {
        let Advice { exit, id, hints } = advise(error, asked);
        Self {
            doing: Some(format!(
                "{} {} over {}",
                error.doing(),
                asked.label,
                asked.target.kind
            )),
            causes: causes(error),
            exit,
            hints,
            ..Self::new(id, message(error, asked))
        }
    }

    /// The `error` object of the JSON result.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "id": self.id.as_str(),
            "message": self.message,
            "while": self.doing,
            "causes": self.causes,
            "hints": self.hints,
            "exit": self.exit.code(),
        })
    }
}

/// What to do about an error.
struct Advice {
    exit: Exit,
    id: ErrorId,
    hints: Vec<String>,
}

fn advice<const N: usize>(id: ErrorId, hints: [&str; N]) -> Advice {
    Advice {
        exit: id.exit(),
        id,
        hints: hints.map(str::to_owned).to_vec(),
    }
}

/// The error's own words, but for a password that is the PoP: people know it by that name.
fn message(error: &FlowError, asked: &Asked) -> String {
    match error {
        FlowError::Session {
            source:
                SessionError::HandshakeRefused {
                    means: SecurityError::CredentialsMismatch { .. },
                    ..
                },
            ..
        } if asked.access.password.is_none() && asked.access.pop.is_some() => {
            "the device did not accept this proof of possession".to_owned()
        }
        FlowError::MissingInput(Question::Password) => Question::Pop.to_string() + " is missing",
        _ => error.to_string(),
    }
}

fn advise(error: &FlowError, asked: &Asked) -> Advice {
    let kind = asked.target.kind;
    match error {
        FlowError::AnnouncedNoPop => advice(
            ErrorId::AnnouncedNoPop,
            [
                "somebody between you and the device could announce this to read the passphrase",
                "if the firmware is known to need none, leave the PoP out (--pop '' with a QR code)",
            ],
        ),
        FlowError::AnnouncedNoSecurity => advice(
            ErrorId::AnnouncedNoSecurity,
            [
                "somebody between you and the device could announce this to read the passphrase",
                "if the firmware is known to use Security 0, say so with --sec-ver 0",
            ],
        ),
        FlowError::EnterpriseNetwork { .. } => advice(
            ErrorId::EnterpriseNetwork,
            ["choose a network with a passphrase, or an open one"],
        ),
        FlowError::JoinFailed {
            reason, forgotten, ..
        } => join_failed(*reason, *forgotten),
        FlowError::Stopped {
            reason,
            doing,
            left,
        } => stopped(*reason, *doing, *left),
        FlowError::JoinTimedOut { forgotten, .. } => advice(
            ErrorId::JoinTimedOut,
            [
                "likely: a 5 GHz-only network, WPA3 or protected management frames, a MAC filter, no DHCP",
                if *forgotten {
                    stored(true)
                } else {
                    STILL_STORED
                },
                "--join-timeout gives it longer",
            ],
        ),
        FlowError::MissingInput(question) => missing(question),
        FlowError::NoCandidate { .. } => advice(ErrorId::NoDevice, [reach(kind)]),
        FlowError::NoWifi => advice(ErrorId::ThreadOnly, []),
        FlowError::ScanUnfinished { .. } => advice(
            ErrorId::ScanUnfinished,
            ["name the network with --ssid and --passphrase; restart the device if that fails too"],
        ),
        FlowError::Session { doing, source } => session(*doing, source, asked),
        FlowError::Transport(error) => transport(Doing::Connecting, error, kind),
        FlowError::Unconfirmed { source, .. } => unconfirmed(source),
        FlowError::UnknownScheme { .. } => advice(
            ErrorId::UnknownScheme,
            ["look for a newer espctl, or try --sec-ver 2"],
        ),
        FlowError::UnsupportedTransport(_) => advice(ErrorId::UnsupportedTransport, []),
    }
}

fn unconfirmed(error: &SessionError) -> Advice {
    let mut advice = advice(
        ErrorId::Unconfirmed,
        [
            "the device may well have joined: look for it on the network before trying again",
            "its hotspot vanishes when provisioning succeeded",
        ],
    );
    if matches!(
        error,
        SessionError::Reply(ReplyError::Malformed { .. } | ReplyError::Unexpected { .. })
    ) {
        advice.hints.push(PRE_RELEASE.to_owned());
    }
    advice
}

/// What is left on the device.
const fn stored(forgotten: bool) -> &'static str {
    if forgotten {
        "the device has forgotten the credentials and waits for others"
    } else {
        "the device could not be told to forget the credentials: it has done so by itself, or keeps them stored"
    }
}

/// A run that was ended from outside: a limit has the exit code of what it cut short.
fn stopped(reason: StopReason, doing: Doing, left: Left) -> Advice {
    let on_device = match left {
        Left::Applied => STILL_STORED,
        Left::Forgotten => "the device has forgotten the credentials and waits for others",
        Left::Nothing => "the device was given no credentials",
        Left::Unapplied => "the device was given credentials and has not stored them",
        Left::Unknown => {
            "contact was lost: the device keeps the credentials stored, and may have joined"
        }
    };
    let exit = match (reason, doing, left) {
        (StopReason::Interrupted, ..) => return advice(ErrorId::Interrupted, [on_device]),
        (StopReason::Expired, _, Left::Unknown) => Exit::Unconfirmed,
        (StopReason::Expired, _, Left::Applied | Left::Forgotten) => Exit::Wifi,
        (StopReason::Expired, Doing::Connecting, _) => Exit::NoDevice,
        (StopReason::Expired, ..) => Exit::Device,
    };
    Advice {
        exit,
        ..advice(ErrorId::Expired, [on_device, LIMITS])
    }
}

fn join_failed(reason: Option<JoinFailure>, forgotten: bool) -> Advice {
    let stored = stored(forgotten);
    match reason {
        Some(JoinFailure::Authentication) => advice(
            ErrorId::WifiAuthFailed,
            [
                "check the passphrase; firmware with a limit of attempts says this for other reasons too",
                stored,
            ],
        ),
        Some(JoinFailure::NetworkNotFound) => advice(
            ErrorId::WifiNotFound,
            [
                "check the name; most devices hear 2.4 GHz only: see `espctl device wifi`",
                stored,
            ],
        ),
        Some(JoinFailure::Other(_)) | None => advice(ErrorId::WifiJoinFailed, [stored]),
    }
}

fn missing(question: &Question) -> Advice {
    match question {
        Question::NewPassphrase { .. } | Question::Passphrase { .. } => advice(
            ErrorId::MissingPassphrase,
            [
                "give --passphrase, --passphrase-file or ESPCTL_PASSPHRASE; --open for an open network",
            ],
        ),
        Question::Password => advice(
            ErrorId::MissingPop,
            [
                "give --pop, --pop-file or ESPCTL_POP; or, where the firmware has its own, --sec2-password, --sec2-password-file or ESPCTL_SEC2_PASSWORD",
            ],
        ),
        Question::Pop => advice(
            ErrorId::MissingPop,
            ["give --pop, --pop-file or ESPCTL_POP; it is printed on the device or in its QR code"],
        ),
        Question::Ssid => advice(
            ErrorId::MissingSsid,
            ["give --ssid, --ssid-hex or ESPCTL_SSID"],
        ),
    }
}

fn session(doing: Doing, error: &SessionError, asked: &Asked) -> Advice {
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
    const LOCK: &str = "five wrong tries close provisioning until the device restarts";
    let mut advice = if asked.access.password.is_some() || asked.access.pop.is_none() {
        let check = "check --sec2-username and --sec2-password; they are set in the firmware";
        advice(ErrorId::WrongPassword, [check, LOCK])
    } else {
        let check = "check --pop; it is printed on the device or in its QR code";
        advice(ErrorId::WrongPop, [check, LOCK])
    };
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

fn transport(doing: Doing, error: &TransportError, kind: TransportKind) -> Advice {
    match error {
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
        // Silence at first contact is nobody; later it is a device that hangs.
        TransportError::TimedOut { .. } if doing == Doing::ReadingVersion => advice(
            ErrorId::Silent,
            ["something takes connections there and says nothing: is it the device?"],
        ),
        TransportError::TimedOut { .. } => advice(
            ErrorId::TimedOut,
            ["restart the device and run the command again"],
        ),
        TransportError::Unreachable { .. } => advice(ErrorId::Unreachable, [reach(kind)]),
    }
}

/// How to get a device into reach, by medium.
fn reach(kind: TransportKind) -> &'static str {
    match kind {
        TransportKind::SoftAp => {
            "join the device's hotspot (PROV_…) with this computer, or say where it is with --device-ip and --device-port"
        }
    }
}

/// The chain behind an error, without the links that only repeat their source.
fn causes(error: &FlowError) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = cause.to_string();
        if text != last {
            causes.push(text.clone());
            last = text;
        }
        next = cause.source();
    }
    causes
}

const STILL_STORED: &str = "the device keeps the credentials stored, and may still join: firmware forgets none while it joins";
const LIMITS: &str = "--timeout is for the whole run, --join-timeout for joining alone";
const PRE_RELEASE: &str =
    "network_provisioning before 1.0 answers like this, and cannot be supported";

#[cfg(test)]
mod tests;
