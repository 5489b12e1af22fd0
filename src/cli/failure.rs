//! From an error to what a person reads and a script gets: message, causes, hints, stable id and,
//! with it, exit code. The match has no wildcard, so a new kind of error does not compile until
//! someone has chosen all of these for it. Lower layers say what happened; only here is advice
//! given. What an id means in general is `error_id`'s.

mod account;
mod bluetooth;
mod cloud;
mod console;
mod device;
mod interfaces;
mod search;

use std::error::Error as StdError;

use serde_json::{Value, json};

use self::device::{PRE_RELEASE, session, transport};
pub(super) use self::search::command_for;
use super::device_args::Asked;
use super::error_id::ErrorId;
use super::exit::Exit;
use crate::cloud::mapping::MappingStatus;
use crate::endpoint::ReplyError;
use crate::endpoint::wifi_config::JoinFailure;
use crate::flows::find::Target;
use crate::flows::{Before, Doing, FlowError, Left, Question, StopReason};
use crate::security::SecurityError;
use crate::session::SessionError;
use crate::transport::{Medium, TransportError};

/// A run that did not reach its end.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) exit: Exit,
    /// Stable, in kebab case: what scripts compare.
    pub(super) id: ErrorId,
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

    /// Says otherwise what was being done.
    #[must_use]
    pub(super) fn while_doing(mut self, doing: String) -> Self {
        self.doing = Some(doing);
        self
    }

    /// Something that this program should have been able to do.
    pub(super) fn fault(error: &anyhow::Error) -> Self {
        Self {
            causes: error.chain().skip(1).map(ToString::to_string).collect(),
            ..Self::new(ErrorId::Fault, error.to_string())
                .hint("--support-bundle FILE writes all that a report needs into one file")
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
                asked.target.medium
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

impl Advice {
    /// With one more hint.
    fn and(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
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
        FlowError::Session {
            doing: Doing::Securing,
            source: SessionError::Transport(TransportError::TooLong { .. }),
        } if let Some(words) = asked.target.medium.words.no_room_for_sec2 => words.to_owned(),
        FlowError::MissingInput(Question::Password) => Question::Pop.to_string() + " is missing",
        _ => error.to_string(),
    }
}

fn advise(error: &FlowError, asked: &Asked) -> Advice {
    let medium = asked.target.medium;
    match error {
        FlowError::After { before, source } => {
            let mut advice = advise(source, asked);
            // What follows begins with it.
            advice.hints.retain(|hint| hint != LOOK);
            advice.hints.push(
                match before {
                    Before::Joined { .. } => REOPEN,
                    Before::Told { .. } => {
                        "the device was told its owner, and the account was not: run the command again"
                    }
                    Before::Mapped { .. } => {
                        "to give it Wi-Fi, run the command again: mapping it twice does no harm. \
                         `espctl node remove` takes it out of the account"
                    }
                }
                .to_owned(),
            );
            advice
        }
        FlowError::Ambiguous { seen, .. } => search::ambiguous(medium, seen),
        FlowError::Declined => advice(ErrorId::Interrupted, ["nothing was changed"]),
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
        FlowError::ChallengeDisabled => advice(
            ErrorId::ChallengeDisabled,
            [
                "it was mapped before, or switched off by hand: `espctl node list`; restart it to map it anew",
            ],
        ),
        FlowError::ChallengeExpired { .. } => advice(
            ErrorId::ChallengeExpired,
            ["next time, connect this computer to the internet as soon as the device is done"],
        ),
        FlowError::ChallengeRefused { .. } => advice(
            ErrorId::ChallengeRefused,
            ["it probably was never claimed, and has no key to sign with"],
        ),
        FlowError::ClaimRequired => advice(
            ErrorId::ClaimRequired,
            [
                "claim it with the RainMaker phone app, or flash a certificate with `rainmaker.py claim`",
                "it was sent nothing: Wi-Fi before claiming would have to be undone by a reset",
            ],
        ),
        FlowError::Cloud { doing, source } => {
            let mut advice = cloud::advise(source);
            let may_be_mapped = match doing {
                Doing::FollowingMapping => true,
                Doing::AddingMapping | Doing::VerifyingAssociation => source.may_have_arrived(),
                _ => false,
            };
            if may_be_mapped {
                advice.hints.push(LOOK.to_owned());
            }
            advice
        }
        FlowError::EnterpriseNetwork { .. } => advice(
            ErrorId::EnterpriseNetwork,
            ["choose a network with a passphrase, or an open one"],
        ),
        FlowError::JoinFailed {
            reason, forgotten, ..
        } => join_failed(*reason, *forgotten, &asked.target),
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
        FlowError::MappingPending { .. } => advice(ErrorId::MappingPending, [LOOK]),
        FlowError::MissingInput(question) => missing(question, &asked.target),
        FlowError::NoCandidate { seen, .. } => search::nobody(asked, seen),
        FlowError::NoMapping => advice(
            ErrorId::NoMapping,
            ["--no-cloud gives it Wi-Fi without an account"],
        ),
        FlowError::NotMapped { status, .. } => not_mapped(status),
        FlowError::NoWifiNeedsChallenge => advice(
            ErrorId::NoWifiNeedsChallenge,
            ["leave --no-wifi out and give --ssid"],
        ),
        FlowError::NoWifi => advice(ErrorId::ThreadOnly, []),
        FlowError::OtherNode { .. } => advice(
            ErrorId::OtherNode,
            [
                "nothing was mapped; look again (`espctl discover`), or give its address with --device-ip if it is surely this one",
            ],
        ),
        FlowError::ScanUnfinished { .. } => advice(
            ErrorId::ScanUnfinished,
            ["name the network with --ssid and --passphrase; restart the device if that fails too"],
        ),
        FlowError::Session { doing, source } => session(*doing, source, asked),
        FlowError::Transport(error) => transport(Doing::Connecting, error, asked),
        FlowError::Unconfirmed { source, .. } => unconfirmed(source, medium),
        FlowError::UnknownScheme { .. } => advice(
            ErrorId::UnknownScheme,
            ["look for a newer espctl, or try --sec-ver 2"],
        ),
        FlowError::UserUnknown => advice(
            ErrorId::LoginLacksUser,
            ["run `espctl login`, or set ESPCTL_ID_TOKEN beside ESPCTL_ACCESS_TOKEN"],
        ),
    }
}

fn not_mapped(status: &MappingStatus) -> Advice {
    match status {
        MappingStatus::TimedOut => advice(
            ErrorId::MappingTimedOut,
            [
                "the device could not tell the cloud: has its network internet access, and port 8883 open?",
            ],
        ),
        MappingStatus::Discarded => advice(
            ErrorId::MappingDiscarded,
            ["another request for this device came in between: is somebody else mapping it?"],
        ),
        MappingStatus::Confirmed | MappingStatus::Requested | MappingStatus::Other(_) => {
            advice(ErrorId::MappingPending, [])
        }
    }
}

fn unconfirmed(error: &SessionError, medium: &Medium) -> Advice {
    let mut advice = advice(
        ErrorId::Unconfirmed,
        [
            "the device may well have joined: look for it on the network before trying again",
            medium.words.joined,
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
        Left::Joined => "the device has joined its network",
        Left::Nothing => "the device was given no credentials",
        Left::Unapplied => "the device was given credentials and has not stored them",
        Left::Unknown => {
            "contact was lost: the device keeps the credentials stored, and may have joined"
        }
    };
    let is_mapping = matches!(
        doing,
        Doing::AddingMapping | Doing::FollowingMapping | Doing::VerifyingAssociation
    );
    let exit = match (reason, doing, left) {
        (StopReason::Interrupted, ..) if is_mapping => {
            return advice(ErrorId::Interrupted, [on_device, LOOK]);
        }
        (StopReason::Interrupted, _, Left::Applied) => {
            return advice(ErrorId::Interrupted, [on_device, STILL_JOINING]);
        }
        (StopReason::Interrupted, ..) => return advice(ErrorId::Interrupted, [on_device]),
        (
            StopReason::Expired,
            Doing::AddingMapping
            | Doing::FetchingChallenge
            | Doing::FollowingMapping
            | Doing::SettingUp
            | Doing::VerifyingAssociation,
            _,
        ) => Exit::Cloud,
        (StopReason::Expired, _, Left::Unknown) => Exit::Unconfirmed,
        (StopReason::Expired, _, Left::Applied | Left::Forgotten | Left::Joined) => Exit::Wifi,
        (StopReason::Expired, Doing::Connecting, _) => Exit::NoDevice,
        (StopReason::Expired, ..) => Exit::Device,
    };
    let mut advice = advice(ErrorId::Expired, [on_device, LIMITS]);
    if is_mapping {
        advice.hints.push(LOOK.to_owned());
    }
    Advice { exit, ..advice }
}

fn join_failed(reason: Option<JoinFailure>, forgotten: bool, target: &Target) -> Advice {
    let stored = stored(forgotten);
    match reason {
        Some(JoinFailure::Authentication) => advice(
            ErrorId::WifiAuthFailed,
            [
                "check the passphrase; firmware with a limit of attempts says this for other reasons too",
                stored,
            ],
        ),
        Some(JoinFailure::NetworkNotFound) => advice(ErrorId::WifiNotFound, [])
            .and(format!(
                "check the name; most devices hear 2.4 GHz only: see {}",
                command_for("device wifi", target)
            ))
            .and(stored),
        Some(JoinFailure::Other(_)) | None => advice(ErrorId::WifiJoinFailed, [stored]),
    }
}

fn missing(question: &Question, target: &Target) -> Advice {
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
            [if target.medium.has_network_already {
                "give --pop, --pop-file or ESPCTL_POP; on the network it is another one than on the label: the app shows it to its owner"
            } else {
                "give --pop, --pop-file or ESPCTL_POP; it is printed on the device or in its QR code"
            }],
        ),
        Question::Ssid => advice(
            ErrorId::MissingSsid,
            ["give --ssid, --ssid-hex or ESPCTL_SSID"],
        )
        .and(format!(
            "{} lists what the device sees",
            command_for("device wifi", target)
        )),
    }
}

/// The chain behind an error, without the links that only repeat their source.
fn causes(error: &FlowError) -> Vec<String> {
    if let FlowError::After { source, .. } = error {
        return causes(source);
    }
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

const LOOK: &str = "`espctl node list` shows whether the node is in the account after all";
const REOPEN: &str = "`espctl node list` shows whether it is in the account; if not, reset the device to its factory settings (a device that has joined is closed to this) and run the command again";
const STILL_STORED: &str = "the device keeps the credentials stored, and may still join: firmware forgets none while it joins";
const STILL_JOINING: &str = "before another run, wait until it has joined or failed, or restart it";
const LIMITS: &str = "--timeout is for the whole run, --join-timeout for joining alone";

#[cfg(test)]
mod tests;
