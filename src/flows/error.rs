//! The errors of flows, with the data for their messages. Advice and exit codes are in `report`.

use std::time::Duration;

use derive_more::Display;
use thiserror::Error;

use super::journal::JournalError;
use super::{Question, StopReason};
use crate::cloud::CloudError;
use crate::cloud::mapping::MappingStatus;
use crate::endpoint::wifi_config::JoinFailure;
use crate::endpoint::wifi_scan::AuthMode;
use crate::ident::Ssid;
use crate::provisioner::{Cause, NetworkName, ProvisionError};
use crate::session::SessionError;
use crate::transport::{Candidate, Medium, TransportError};

/// The error that ended a flow.
#[derive(Debug, Error)]
pub enum FlowError {
    /// Several devices match, and the run is non-interactive.
    #[error("{} devices fit", seen.len())]
    Ambiguous {
        /// The medium that was searched.
        medium: &'static Medium,
        /// The devices that match, the strongest signal first.
        seen: Vec<Candidate>,
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
    ChallengeRefused(#[source] TransportError),
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
    /// The device did not join.
    #[error("{}", describe_join(network, *problem, *visibility))]
    NotJoined {
        /// The network.
        network: NetworkName,
        /// The problem.
        problem: JoinProblem,
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
        seen: Vec<Candidate>,
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
    #[error("{reason}")]
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
    /// The device announces a security scheme with this number, which espctl does not support.
    #[error("the device announces Security {0}, which espctl does not support")]
    UnknownScheme(u64),
    /// The device needs the user's id, which the login does not contain.
    #[error("the device needs the user's id, but the login does not contain it")]
    UserUnknown,
}

impl FlowError {
    /// Makes the error of an exchange over a session at this step.
    pub fn of_session(step: FlowStep) -> impl Fn(SessionError) -> Self {
        move |source| Self::Session { step, source }
    }

    /// Makes the error of a request to a device at this step.
    pub(super) fn of_provisioner(step: FlowStep) -> impl Fn(ProvisionError) -> Self {
        move |error| match error.cause {
            Cause::Session(source) => Self::Session { step, source },
            _ => Self::Protocol {
                step,
                source: error,
            },
        }
    }

    /// Makes the error of a call to the account at this step.
    pub(super) fn of_cloud(step: FlowStep) -> impl Fn(CloudError) -> Self {
        move |source| Self::Cloud { step, source }
    }

    /// Adds that a part of the run succeeded before.
    pub(super) fn after(mut self, completed: Completed) -> Self {
        if let Self::Stopped { credentials, .. } = &mut self
            && matches!(completed, Completed::Joined(_))
        {
            *credentials = CredentialState::Joined;
            return self;
        }
        let source = Box::new(self);
        Self::PartialSuccess { completed, source }
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
            | Self::UnknownScheme(_) => FlowStep::ReadingVersion,
            Self::ChallengeDisabled | Self::ChallengeRefused(_) | Self::OtherNode { .. } => {
                FlowStep::Signing
            }
            Self::ChallengeExpired { .. } => FlowStep::VerifyingAssociation,
            Self::MappingPending { .. } | Self::NotMapped { .. } => FlowStep::AddingMapping,
            Self::NoMapping | Self::UserUnknown => FlowStep::SendingUser,
            Self::EnterpriseNetwork { .. } => FlowStep::SendingWifi,
            Self::NotJoined { .. } | Self::Unconfirmed { .. } => FlowStep::ConfirmingWifi,
            Self::MissingInput(question) => match question {
                Question::Pop | Question::Password => FlowStep::Securing,
                Question::NewPassphrase(_) | Question::Passphrase(_) | Question::Ssid => {
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
#[derive(Clone, Debug, Display, PartialEq, Eq)]
pub enum Completed {
    /// The device joined this network.
    #[display("the device has joined {_0}")]
    Joined(NetworkName),
    /// The node with this id is in the account.
    #[display("the node {_0} is in your account")]
    Mapped(String),
    /// The device, the node with this id, has the user's id and the secret key, but the account does
    /// not know of the mapping.
    #[display("the account does not know of the node {_0}")]
    SecretSent(String),
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

/// Why a device did not join a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinProblem {
    /// The device reported a failure, for this reason if it gives one.
    Reported(Option<JoinFailure>),
    /// The device was still joining at this time limit.
    TimedOut(Duration),
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
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq)]
pub enum FlowStep {
    /// Register a mapping by secret key in the account.
    #[display("confirming in the account the mapping of")]
    AddingMapping,
    /// Send Apply: the device joins the network that it stored.
    #[display("applying the Wi-Fi credentials on")]
    ApplyingWifi,
    /// Call an endpoint of the application.
    #[display("calling an endpoint of")]
    Calling,
    /// Wait until the device has joined.
    #[display("waiting for the Wi-Fi connection of")]
    ConfirmingWifi,
    /// Find the device and connect to it.
    #[display("connecting to")]
    Connecting,
    /// Fetch a challenge from the account.
    #[display("fetching a challenge from the account for")]
    FetchingChallenge,
    /// Poll the account for the result of a mapping that it knows, or may know.
    #[display("following in the account the mapping of")]
    FollowingMapping,
    /// Read `proto-ver`.
    #[display("reading the version of")]
    ReadingVersion,
    /// Make the device leave its network and accept another.
    #[display("reopening provisioning on")]
    Reopening,
    /// Make the device forget credentials that failed.
    #[display("resetting")]
    Resetting,
    /// List the networks that the device sees.
    #[display("scanning for Wi-Fi networks with")]
    Scanning,
    /// Do the handshake.
    #[display("securing the session with")]
    Securing,
    /// Send the user's id and the secret key to the device.
    #[display("sending the user's id to")]
    SendingUser,
    /// Set tags, metadata and group of the mapped node.
    #[display("setting up in the account")]
    SettingUp,
    /// Send the network's credentials.
    #[display("sending the Wi-Fi credentials to")]
    SendingWifi,
    /// Make the device sign a challenge.
    #[display("having a challenge signed by")]
    Signing,
    /// Submit the signature to the account.
    #[display("verifying in the account the signature of")]
    VerifyingAssociation,
}

fn describe_join(
    network: &NetworkName,
    problem: JoinProblem,
    visibility: Option<NetworkVisibility>,
) -> String {
    let reason = match problem {
        JoinProblem::TimedOut(limit) => {
            let limit = limit.as_secs_f32();
            return format!("the device was still trying to join {network} after {limit} s");
        }
        JoinProblem::Reported(None) => "it gives no reason".to_owned(),
        JoinProblem::Reported(Some(reason)) => reason.to_string(),
    };
    let scan = match visibility {
        Some(NetworkVisibility::NotSeen) => "; its own scan does not show the network",
        Some(NetworkVisibility::OnlyFiveGhz) => "; its own scan shows the network on 5 GHz only",
        Some(NetworkVisibility::Seen) | None => "",
    };
    format!("the device could not join {network}: {reason}{scan}")
}

fn describe_status(status: Option<&MappingStatus>) -> String {
    status.map_or_else(String::new, |status| format!(" (last status: {status})"))
}

/// Uses the medium's own words if it has some: over a serial line, the search is for a port.
fn no_candidate_message(medium: &Medium, seen: &[Candidate]) -> String {
    match (medium.words.nothing_found, seen) {
        (Some(words), _) => words.to_owned(),
        (None, []) => format!("no device found over {medium}"),
        (None, [_, ..]) => format!("no such device found over {medium}"),
    }
}
