//! The errors of flows, with the data for their messages. Advice and exit codes are in `report`.

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

/// The error that ended a flow.
#[derive(Debug, Error)]
pub enum FlowError {
    /// Several devices match, and the run is non-interactive.
    #[error("{} devices fit", seen.len())]
    Ambiguous {
        /// The medium that was searched.
        medium: &'static Medium,
        /// The devices that match, the strongest signal first.
        seen: Vec<SeenDevice>,
    },
    /// The device announces plaintext although a secret was given for it. An attacker in between
    /// could announce that to read the Wi-Fi passphrase.
    #[error("the device announces no security, although a secret was given for it")]
    AnnouncedNoSecurity,
    /// The device announces that it needs no PoP although one was given. The same attack as
    /// announcing no security: without a PoP, any device can pose as this one.
    #[error("the device announces that it needs no proof of possession, although one was given")]
    AnnouncedNoPop,
    /// A part of the run succeeded before the error, and stays in effect.
    #[error("{source}; {completed}")]
    PartialSuccess {
        /// The part that succeeded.
        completed: Completed,
        /// The error that followed.
        source: Box<Self>,
    },
    /// The device signs no challenges until it restarts.
    #[error("challenge-response is switched off on the device")]
    ChallengeDisabled,
    /// The account was not reachable before the challenge expired.
    #[error("{node_id} signed, but the account could not be reached before the challenge expired")]
    ChallengeExpired {
        /// The node.
        node_id: String,
        /// The error of the last attempt.
        source: Option<CloudError>,
    },
    /// The device closed the connection instead of signing.
    #[error("the device did not sign the challenge")]
    ChallengeRefused {
        /// The transport's part of the error.
        source: TransportError,
    },
    /// The device has no certificate yet.
    #[error("the device must be claimed first")]
    ClaimRequired,
    /// A call to the account failed.
    #[error("{source}")]
    Cloud {
        /// The step that failed.
        step: FlowStep,
        /// The cloud's part of the error.
        source: CloudError,
    },
    /// The network requires a user identity, for which the protocol has no field.
    #[error("{ssid} is an enterprise network ({auth}), which cannot be joined by this protocol")]
    EnterpriseNetwork {
        /// The network.
        ssid: Ssid,
        /// Its authentication mode.
        auth: AuthMode,
    },
    /// The device reported that it failed to join.
    #[error("the device could not join {network}: {}{}", describe_reason(*reason), describe_visibility(*visibility))]
    JoinFailed {
        /// The network.
        network: NetworkName,
        /// The device's reason; `None` if it gives none.
        reason: Option<JoinFailure>,
        /// Whether a reset made the device forget the credentials.
        is_forgotten: bool,
        /// What the device's own scan shows of the network; `None` without a scan.
        visibility: Option<NetworkVisibility>,
    },
    /// The device was still joining at the time limit.
    #[error("the device was still trying to join {network} after {} s", waited.as_secs_f32())]
    JoinTimedOut {
        /// The network.
        network: NetworkName,
        /// The time limit.
        waited: Duration,
        /// Whether a reset made the device forget the credentials.
        is_forgotten: bool,
        /// What the device's own scan shows of the network; `None` without a scan.
        visibility: Option<NetworkVisibility>,
    },
    /// The account did not confirm the mapping within the time limit.
    #[error("the account has not confirmed {node_id} within {} s{}", waited.as_secs_f32(), describe_status(status.as_ref()))]
    MappingPending {
        /// The node.
        node_id: String,
        /// The time limit.
        waited: Duration,
        /// The last status that the account reported.
        status: Option<MappingStatus>,
    },
    /// A required value was not given, and the observer did not answer.
    #[error("{0} is missing")]
    MissingInput(Question),
    /// The user saw the list of devices, and chose none.
    #[error("no device was chosen")]
    Declined,
    /// No device in reach matches.
    #[error("{}", no_candidate_message(medium, seen))]
    NoCandidate {
        /// The medium that was searched.
        medium: &'static Medium,
        /// The devices that do not match, those with a name first.
        seen: Vec<SeenDevice>,
    },
    /// The device has no endpoint for mapping.
    #[error("the device's firmware cannot be mapped to an account")]
    NoMapping,
    /// The account ended the mapping without a confirmation.
    #[error("the account did not confirm {node_id}: {status}")]
    NotMapped {
        /// The node.
        node_id: String,
        /// The final status.
        status: MappingStatus,
    },
    /// The device does not accept Wi-Fi credentials.
    #[error("the device accepts Thread credentials only")]
    NoWifi,
    /// Mapping without Wi-Fi needs firmware that signs challenges.
    #[error("the device's firmware maps itself once it is online, so it needs Wi-Fi")]
    NoWifiNeedsChallenge,
    /// The device announced one node id and signed as another.
    #[error("the device announced itself as node {}, and signed as {signed}", crate::ident::printable(announced.as_bytes()))]
    OtherNode {
        /// The announced node id.
        announced: String,
        /// The node id of the signature.
        signed: String,
    },
    /// The journal could not record an irreversible step, so the step was not taken.
    #[error("the step could not be recorded, so it was not taken: {source}")]
    NotRecorded {
        /// The step.
        step: FlowStep,
        /// The journal's part of the error.
        source: JournalError,
    },
    /// An exchange over a session failed.
    #[error("{source}")]
    Session {
        /// The step that failed.
        step: FlowStep,
        /// The session's part of the error.
        source: SessionError,
    },
    /// A request failed over a protocol without sessions, or the protocol does not support it.
    #[error("{source}")]
    Protocol {
        /// The step that failed.
        step: FlowStep,
        /// The protocol's part of the error.
        source: ProvisionError,
    },
    /// A device could not be found or opened.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The user or the time limit of the whole run stopped it.
    #[error("{}", describe_stop(*reason))]
    Stopped {
        /// The reason.
        reason: StopReason,
        /// The step that was cut short.
        step: FlowStep,
        /// The state of the credentials on the device.
        credentials: CredentialState,
    },
    /// The device got Apply, and then contact was lost or its answers were not readable.
    #[error(
        "the device was given the credentials of {network}, but has not confirmed that it joined"
    )]
    Unconfirmed {
        /// The network.
        network: NetworkName,
        /// The last failure.
        source: Cause,
    },
    /// espctl supports no protocol of the device.
    #[error("the device speaks no protocol that espctl supports")]
    UnknownProtocol,
    /// The device announces a security scheme that espctl does not support.
    #[error("the device announces Security {number}, which espctl does not support")]
    UnknownScheme {
        /// The announced number.
        number: u64,
    },
    /// The device needs the user's id, which the login does not contain.
    #[error("the device needs the user's id, but the login does not contain it")]
    UserUnknown,
}

impl FlowError {
    /// Makes the error of an exchange over a session at this step.
    pub fn of_session(step: FlowStep) -> impl Fn(SessionError) -> Self {
        move |source| Self::Session { step, source }
    }

    /// The error of a request to a device at this step.
    pub(super) fn of_provisioner(step: FlowStep, error: ProvisionError) -> Self {
        match error {
            ProvisionError::LinkLost(Cause::Session(source))
            | ProvisionError::NotSent(Cause::Session(source))
            | ProvisionError::Refused {
                cause: Cause::Session(source),
                ..
            }
            | ProvisionError::Unanswered(Cause::Session(source)) => Self::Session { step, source },
            source => Self::Protocol { step, source },
        }
    }

    /// The step that failed or was cut short.
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
            Self::Cloud { step, .. }
            | Self::NotRecorded { step, .. }
            | Self::Protocol { step, .. }
            | Self::Session { step, .. }
            | Self::Stopped { step, .. } => *step,
        }
    }
}

/// The part of a run that succeeded before an error, and stays in effect.
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
    /// The device has the user's id and the secret key, but the account does not know of the mapping.
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
                write!(f, "the account does not know of the node {node_id}")
            }
        }
    }
}

/// The state of the credentials on the device after a stopped run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialState {
    /// The device stored the credentials and is joining. It would reject a reset.
    Applied,
    /// The device received credentials and has forgotten them.
    Forgotten,
    /// The device joined its network.
    Joined,
    /// The device received no credentials.
    Nothing,
    /// The device received credentials but did not store them, because it got no Apply.
    Unapplied,
    /// Contact was lost after Apply was sent.
    Unknown,
}

/// What a device's own scan shows of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkVisibility {
    /// The device does not see the network.
    NotSeen,
    /// The device sees it on channels above 14 only.
    OnlyFiveGhz,
    /// The device sees it on 2.4 GHz.
    Seen,
}

/// The step of a flow. Its text is followed by the device's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowStep {
    /// Register a mapping by secret key in the account.
    AddingMapping,
    /// Send Apply: the device joins the network that it stored.
    ApplyingWifi,
    /// Call an endpoint of the application.
    Calling,
    /// Wait until the device has joined.
    ConfirmingWifi,
    /// Find the device and connect to it.
    Connecting,
    /// Fetch a challenge from the account.
    FetchingChallenge,
    /// Poll the account for the result of a mapping that it knows, or may know.
    FollowingMapping,
    /// Read `proto-ver`.
    ReadingVersion,
    /// Make the device leave its network and accept another.
    Reopening,
    /// Make the device forget credentials that failed.
    Resetting,
    /// List the networks that the device sees.
    Scanning,
    /// Do the handshake.
    Securing,
    /// Send the user's id and the secret key to the device.
    SendingUser,
    /// Set tags, metadata and group of the mapped node.
    SettingUp,
    /// Send the network's credentials.
    SendingWifi,
    /// Make the device sign a challenge.
    Signing,
    /// Submit the signature to the account.
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

fn describe_reason(reason: Option<JoinFailure>) -> String {
    reason.map_or_else(
        || "it gives no reason".to_owned(),
        |reason| reason.to_string(),
    )
}

fn describe_status(status: Option<&MappingStatus>) -> String {
    status.map_or_else(String::new, |status| format!(" (last status: {status})"))
}

const fn describe_visibility(visibility: Option<NetworkVisibility>) -> &'static str {
    match visibility {
        Some(NetworkVisibility::NotSeen) => "; its own scan does not show the network",
        Some(NetworkVisibility::OnlyFiveGhz) => "; its own scan shows the network on 5 GHz only",
        Some(NetworkVisibility::Seen) | None => "",
    }
}

const fn describe_stop(reason: StopReason) -> &'static str {
    match reason {
        StopReason::Expired => "the time for the whole run is up",
        StopReason::Interrupted => "interrupted",
    }
}

/// Uses the medium's own words if it has some: over a serial line, the search is for a port.
fn no_candidate_message(medium: &Medium, seen: &[SeenDevice]) -> String {
    match (medium.words.nothing_found, seen) {
        (Some(words), _) => words.to_owned(),
        (None, []) => format!("no device found over {medium}"),
        (None, [_, ..]) => format!("no such device found over {medium}"),
    }
}
