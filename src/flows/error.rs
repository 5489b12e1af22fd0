//! How a flow can end badly, by whose fault it is and with the data to say so. What to do about
//! it, and the exit code, are `report`'s.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

use super::journal::JournalError;
use super::seen_device::SeenDevice;
use super::{Question, StopReason};
use crate::cloud::CloudError;
use crate::cloud::mapping::MappingStatus;
use crate::endpoint::wifi_config::JoinFailure;
use crate::endpoint::wifi_scan::AuthMode;
use crate::ident::Ssid;
use crate::provisioner::{Cause, NetworkName, ProvisionError};
use crate::session::SessionError;
use crate::transport::{Medium, TransportError};

/// Why a flow did not reach its end.
#[derive(Debug, Error)]
pub enum FlowError {
    /// Several devices fit, and nobody is there to choose.
    #[error("{} devices fit", seen.len())]
    Ambiguous {
        /// Where we looked.
        medium: &'static Medium,
        /// The devices that the search found instead.
        seen: Vec<SeenDevice>,
    },
    /// The device announces plaintext although a secret was given for it. Somebody in between
    /// could announce that to learn the Wi-Fi passphrase.
    #[error("the device announces no security, although a secret was given for it")]
    AnnouncedNoSecurity,
    /// The device announces that it needs no PoP although one was given. The same trick as
    /// announcing no security: without the PoP anybody can be the device.
    #[error("the device announces that it needs no proof of possession, although one was given")]
    AnnouncedNoPop,
    /// Something was achieved before the error, and stays.
    #[error("{source}; {completed}")]
    PartialSuccess {
        /// What was completed before the error.
        completed: Completed,
        /// The error.
        source: Box<Self>,
    },
    /// The device signs no challenges until it restarts.
    #[error("challenge-response is switched off on the device")]
    ChallengeDisabled,
    /// The account was not in reach while a signature counted.
    #[error("{node_id} signed, but the account could not be reached before the challenge expired")]
    ChallengeExpired {
        /// The node.
        node_id: String,
        /// What was tried last.
        source: Option<CloudError>,
    },
    /// The device hung up instead of signing.
    #[error("the device did not sign the challenge")]
    ChallengeRefused {
        /// How that was seen.
        source: TransportError,
    },
    /// The device has no certificate yet.
    #[error("the device must be claimed first")]
    ClaimRequired,
    /// A call to the account failed.
    #[error("{source}")]
    Cloud {
        /// What was being done.
        step: FlowStep,
        /// The cloud's part of the error.
        source: CloudError,
    },
    /// The network wants an identity, for which the protocol has no field.
    #[error("{ssid} is an enterprise network ({auth}), which cannot be joined by this protocol")]
    EnterpriseNetwork {
        /// The network.
        ssid: Ssid,
        /// What it asks for.
        auth: AuthMode,
    },
    /// The device gave up joining.
    #[error("the device could not join {network}: {}{}", reason_of(*reason), sight_of(*visibility))]
    JoinFailed {
        /// The network.
        network: NetworkName,
        /// What the device says; `None` when it does not.
        reason: Option<JoinFailure>,
        /// Whether the device has been made to forget the credentials.
        forgotten: bool,
        /// What its own scan shows of the network, where it made one.
        visibility: Option<NetworkVisibility>,
    },
    /// The device was still trying when the time was up.
    #[error("the device was still trying to join {network} after {} s", waited.as_secs_f32())]
    JoinTimedOut {
        /// The network.
        network: NetworkName,
        /// The limit.
        waited: Duration,
        /// Whether the device has been made to forget the credentials.
        forgotten: bool,
        /// What its own scan shows of the network, where it made one.
        visibility: Option<NetworkVisibility>,
    },
    /// The account did not say in time whether the node is the user's.
    #[error("the account has not confirmed {node_id} within {} s{}", waited.as_secs_f32(), status_of(status.as_ref()))]
    MappingPending {
        /// The node.
        node_id: String,
        /// The limit.
        waited: Duration,
        /// What it said last.
        status: Option<MappingStatus>,
    },
    /// Something that only a person could give, and nobody gave.
    #[error("{0} is missing")]
    MissingInput(Question),
    /// Somebody was shown the devices, and wanted none.
    #[error("no device was chosen")]
    Declined,
    /// No device in reach, or not the one that is wanted.
    #[error("{}", nobody(medium, seen))]
    NoCandidate {
        /// Where we looked.
        medium: &'static Medium,
        /// Others that were seen, those with a name first.
        seen: Vec<SeenDevice>,
    },
    /// The device has no endpoint by which it could be mapped.
    #[error("the device's firmware cannot be mapped to an account")]
    NoMapping,
    /// The account gave the mapping up.
    #[error("the account did not confirm {node_id}: {status}")]
    NotMapped {
        /// The node.
        node_id: String,
        /// Its last word.
        status: MappingStatus,
    },
    /// The device cannot be given Wi-Fi.
    #[error("the device takes Thread credentials only")]
    NoWifi,
    /// Mapping alone needs firmware that signs challenges.
    #[error("the device's firmware maps itself once it is online, so it needs Wi-Fi")]
    NoWifiNeedsChallenge,
    /// The device did not finish its scan.
    #[error("the device did not finish its Wi-Fi scan within {} s", waited.as_secs_f32())]
    ScanUnfinished {
        /// The limit.
        waited: Duration,
    },
    /// The device announced one node id and signed as another.
    #[error("the device announced itself as node {}, and signed as {signed}", crate::ident::printable(announced.as_bytes()))]
    OtherNode {
        /// As announced.
        announced: String,
        /// As signed.
        signed: String,
    },
    /// A step that cannot be taken back could not be recorded, and was not taken.
    #[error("the step could not be recorded, so it was not taken: {source}")]
    NotRecorded {
        /// The step.
        step: FlowStep,
        /// The journal's part of the error.
        source: JournalError,
    },
    /// A conversation failed.
    #[error("{source}")]
    Session {
        /// What was being done.
        step: FlowStep,
        /// The session's part of the error.
        source: SessionError,
    },
    /// A request failed, over a protocol without sessions, or that this protocol does not have.
    #[error("{source}")]
    Protocol {
        /// What was being done.
        step: FlowStep,
        /// The protocol's part of the error.
        source: ProvisionError,
    },
    /// A device could not be found or opened.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The run was ended from outside.
    #[error("{}", stop_of(*reason))]
    Stopped {
        /// Why the run stops.
        reason: StopReason,
        /// What it cut short.
        step: FlowStep,
        /// What is left on the device.
        credentials: CredentialState,
    },
    /// Credentials were applied, and then contact was lost or its answers could not be read.
    #[error(
        "the device was given the credentials of {network}, but has not confirmed that it joined"
    )]
    Unconfirmed {
        /// The network.
        network: NetworkName,
        /// What was the last to fail.
        source: Cause,
    },
    /// The device speaks no protocol of this program.
    #[error("the device speaks no protocol that espctl supports")]
    UnknownProtocol,
    /// The device announces a scheme that does not exist here.
    #[error("the device announces Security {number}, which this program does not know")]
    UnknownScheme {
        /// As announced.
        number: u64,
    },
    /// The login does not say who the user is.
    #[error("the device has to be told its user, and the login does not say who that is")]
    UserUnknown,
}

impl FlowError {
    /// What became of a request to a device.
    pub(super) fn of_provisioner(step: FlowStep, error: ProvisionError) -> Self {
        match error {
            ProvisionError::LinkLost(Cause::Session(source))
            | ProvisionError::NotSent(Cause::Session(source))
            | ProvisionError::Refused {
                cause: Cause::Session(source),
                ..
            }
            | ProvisionError::Unanswered(Cause::Session(source)) => Self::Session { step, source },
            ProvisionError::ScanUnfinished { waited } => Self::ScanUnfinished { waited },
            source => Self::Protocol { step, source },
        }
    }

    /// The step that was under way.
    pub const fn step(&self) -> FlowStep {
        match self {
            Self::PartialSuccess { source, .. } => source.step(),
            Self::AnnouncedNoPop
            | Self::AnnouncedNoSecurity
            | Self::ClaimRequired
            | Self::NoWifi
            | Self::NoWifiNeedsChallenge
            | Self::UnknownScheme { .. } => FlowStep::ReadingVersion,
            Self::ChallengeDisabled | Self::ChallengeRefused { .. } | Self::OtherNode { .. } => {
                FlowStep::Signing
            }
            Self::ChallengeExpired { .. } => FlowStep::VerifyingAssociation,
            Self::MappingPending { .. } | Self::NotMapped { .. } => FlowStep::AddingMapping,
            Self::NoMapping | Self::UserUnknown => FlowStep::SendingUser,
            Self::EnterpriseNetwork { .. } => FlowStep::SendingWifi,
            Self::JoinFailed { .. } | Self::JoinTimedOut { .. } | Self::Unconfirmed { .. } => {
                FlowStep::ConfirmingWifi
            }
            Self::MissingInput(question) => match question {
                Question::Pop | Question::Password => FlowStep::Securing,
                Question::NewPassphrase { .. } | Question::Passphrase { .. } | Question::Ssid => {
                    FlowStep::SendingWifi
                }
            },
            Self::Ambiguous { .. }
            | Self::Declined
            | Self::NoCandidate { .. }
            | Self::UnknownProtocol
            | Self::Transport(_) => FlowStep::Connecting,
            Self::ScanUnfinished { .. } => FlowStep::Scanning,
            Self::Cloud { step, .. }
            | Self::NotRecorded { step, .. }
            | Self::Protocol { step, .. }
            | Self::Session { step, .. }
            | Self::Stopped { step, .. } => *step,
        }
    }
}

/// What was achieved before an error, and stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completed {
    /// The device joined its network.
    Joined {
        /// The network.
        network: NetworkName,
    },
    /// The node is in the account.
    Mapped {
        /// The node's id in the account.
        node_id: String,
    },
    /// The device knows whose it is, and will say so once it is online; the account was not told.
    SecretSent {
        /// The node's id in the account.
        node_id: String,
    },
}

impl fmt::Display for Completed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Joined { network } => write!(f, "the device has joined {network}"),
            Self::Mapped { node_id } => write!(f, "the node {node_id} is in your account"),
            Self::SecretSent { node_id } => {
                write!(f, "the account was not told of the node {node_id}")
            }
        }
    }
}

/// What is left on a device by a run that was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// It stored the credentials, is joining, and would not be told to forget them.
    Applied,
    /// It was given credentials, and has forgotten them.
    Forgotten,
    /// It joined its network.
    Joined,
    /// It was given none.
    Nothing,
    /// It was given some that it did not store, because they were not applied.
    Unapplied,
    /// It was told to join, and contact was lost.
    Unknown,
}

/// What a device's own scan shows of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkVisibility {
    /// The device does not see the network.
    NotSeen,
    /// Only channels above 14.
    OnlyFiveGhz,
    /// It is there.
    Seen,
}

/// The step of a flow. Reads on with the device's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowStep {
    /// Have the account wait for the node.
    AddingMapping,
    /// Have the stored network joined.
    ApplyingWifi,
    /// Ask an endpoint of the application.
    Calling,
    /// Wait until it is joined.
    ConfirmingWifi,
    /// Find the device and open a path to it.
    Connecting,
    /// Ask the account for a challenge.
    FetchingChallenge,
    /// Ask the account what came of a mapping that it was told of, or may have been.
    FollowingMapping,
    /// Read `proto-ver`.
    ReadingVersion,
    /// Have it leave its network and wait for another.
    Reopening,
    /// Have it forget credentials that failed.
    Resetting,
    /// List networks.
    Scanning,
    /// The handshake.
    Securing,
    /// Tell the device whose it is.
    SendingUser,
    /// Do what comes after the mapping.
    SettingUp,
    /// Hand over a network.
    SendingWifi,
    /// Have it sign a challenge.
    Signing,
    /// Hand in the signature.
    VerifyingAssociation,
}

impl fmt::Display for FlowStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AddingMapping => "confirming in the account the mapping of",
            Self::ApplyingWifi => "applying the Wi-Fi credentials on",
            Self::Calling => "calling an endpoint of",
            Self::ConfirmingWifi => "waiting for the Wi-Fi connection of",
            Self::Connecting => "connecting to",
            Self::FetchingChallenge => "fetching a challenge from the account for",
            Self::FollowingMapping => "following in the account the mapping of",
            Self::ReadingVersion => "reading the version of",
            Self::Reopening => "reopening provisioning on",
            Self::Resetting => "resetting",
            Self::Scanning => "scanning for Wi-Fi networks with",
            Self::Securing => "securing the session with",
            Self::SendingUser => "sending the user's id to",
            Self::SettingUp => "setting up in the account",
            Self::SendingWifi => "sending the Wi-Fi credentials to",
            Self::Signing => "having a challenge signed by",
            Self::VerifyingAssociation => "verifying in the account the signature of",
        })
    }
}

fn reason_of(reason: Option<JoinFailure>) -> String {
    reason.map_or_else(
        || "it does not say why".to_owned(),
        |reason| reason.to_string(),
    )
}

fn status_of(status: Option<&MappingStatus>) -> String {
    status.map_or_else(String::new, |status| format!(" (its last word: {status})"))
}

const fn sight_of(visibility: Option<NetworkVisibility>) -> &'static str {
    match visibility {
        Some(NetworkVisibility::NotSeen) => "; its own scan does not show the network",
        Some(NetworkVisibility::OnlyFiveGhz) => "; its own scan shows the network on 5 GHz only",
        Some(NetworkVisibility::Seen) | None => "",
    }
}

const fn stop_of(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Expired => "the time for the whole run is up",
        StopReason::Interrupted => "interrupted",
    }
}

/// In the words of the medium: over a serial line, what is looked for is the port.
fn nobody(medium: &Medium, seen: &[SeenDevice]) -> String {
    match (medium.words.nothing_found, seen) {
        (Some(words), _) => words.to_owned(),
        (None, []) => format!("no device found over {medium}"),
        (None, [_, ..]) => format!("no such device found over {medium}"),
    }
}
