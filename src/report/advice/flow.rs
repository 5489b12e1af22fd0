//! The id and the advice for an error of a flow.

use super::causes::causes_of;
use super::{cloud, device, search};
use crate::cloud::mapping::MappingStatus;
use crate::endpoint::wifi_config::JoinFailure;
use crate::flows::{
    Completed, CredentialState, FlowError, FlowStep, JoinProblem, Question, StopReason,
};
use crate::provisioner::{Cause, RequestFate};
use crate::report::context::{Context, GivenSecret};
use crate::report::error_table::ErrorId;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::remedies::{FACTORY_RESET, LIST_NODES, UPDATE_FIRMWARE};
use crate::security::{SecurityError, SecurityScheme};
use crate::session::SessionError;
use crate::transport::TransportError;

impl Failure {
    /// An error of a flow.
    pub(crate) fn of_flow(error: &FlowError, context: &Context) -> Self {
        let medium = context
            .medium
            .map_or_else(String::new, |medium| format!(" over {medium}"));
        let innermost = match error {
            FlowError::PartialSuccess { source, .. } => source,
            _ => error,
        };
        Self {
            step: Some(format!("{} {}{medium}", error.step(), context.label)),
            causes: causes_of(innermost),
            message: message(error, context),
            ..diagnose(error, context)
        }
    }
}

/// The error's own message, except if users know a secret or a limit by another name.
fn message(error: &FlowError, context: &Context) -> String {
    match error {
        FlowError::Session {
            source:
                SessionError::HandshakeRefused {
                    means: SecurityError::CredentialsMismatch { .. },
                    ..
                },
            ..
        } if context.secret == GivenSecret::Pop => {
            "the device rejected this proof of possession".to_owned()
        }
        FlowError::Session {
            step: FlowStep::Securing,
            source: SessionError::Transport(TransportError::TooLong { .. }),
        } if let Some(words) = context
            .medium
            .and_then(|medium| medium.words.no_room_for_sec2) =>
        {
            words.to_owned()
        }
        FlowError::MissingInput(Question::Password) => Question::Pop.to_string() + " is missing",
        _ => error.to_string(),
    }
}

fn diagnose(error: &FlowError, context: &Context) -> Failure {
    let mut context = context.clone();
    context.error.step = Some(error.step());
    let mut hint = None;
    let id = match error {
        FlowError::PartialSuccess { completed, source } => {
            let failure = diagnose(source, &context).without(LIST_NODES);
            return match completed {
                Completed::Joined(_) => failure.hint(LIST_NODES).hint(FACTORY_RESET),
                Completed::SecretSent(_) => failure.hint(MAP_AGAIN),
                Completed::Mapped(_) => {
                    let has_joined = matches!(
                        **source,
                        FlowError::Stopped {
                            credentials: CredentialState::Joined,
                            ..
                        }
                    );
                    let needs_wifi = !has_joined && !context.is_on_network();
                    failure.hints(needs_wifi.then_some(JOIN_LATER)).hint(UNMAP)
                }
            };
        }
        FlowError::Ambiguous { seen, .. } => return search::ambiguous(context, seen),
        FlowError::Declined => {
            hint = Some("nothing was changed");
            ErrorId::Interrupted
        }
        FlowError::AnnouncedNoPop => ErrorId::AnnouncedNoPop,
        FlowError::AnnouncedNoSecurity => ErrorId::AnnouncedNoSecurity,
        FlowError::ChallengeDisabled => ErrorId::ChallengeDisabled,
        FlowError::ChallengeExpired { .. } => ErrorId::ChallengeExpired,
        FlowError::ChallengeRefused(_) => ErrorId::ChallengeRefused,
        FlowError::ClaimRequired => ErrorId::ClaimRequired,
        FlowError::Cloud { step, source } => {
            let failure = cloud::diagnose(source, context);
            let may_be_mapped = match step {
                FlowStep::FollowingMapping => true,
                FlowStep::AddingMapping | FlowStep::VerifyingAssociation => {
                    source.may_have_arrived()
                }
                _ => false,
            };
            return failure.hints(may_be_mapped.then_some(LIST_NODES));
        }
        FlowError::EnterpriseNetwork { .. } => ErrorId::EnterpriseNetwork,
        FlowError::NotJoined {
            problem,
            is_forgotten,
            ..
        } => {
            let (id, not_forgotten) = match problem {
                JoinProblem::TimedOut(_) => (ErrorId::JoinTimedOut, STILL_STORED),
                JoinProblem::Reported(reason) => {
                    let id = match reason {
                        Some(JoinFailure::Authentication) => ErrorId::WifiAuthFailed,
                        Some(JoinFailure::NetworkNotFound) => ErrorId::WifiNotFound,
                        Some(JoinFailure::Other(_)) | None => ErrorId::WifiJoinFailed,
                    };
                    (id, NOT_FORGOTTEN)
                }
            };
            hint = Some(if *is_forgotten {
                FORGOTTEN
            } else {
                not_forgotten
            });
            id
        }
        FlowError::MappingPending { .. } => ErrorId::MappingPending,
        FlowError::MissingInput(question) => match question {
            Question::NewPassphrase(_) | Question::Passphrase(_) => ErrorId::MissingPassphrase,
            Question::Password => {
                context.error.scheme = Some(SecurityScheme::Sec2);
                ErrorId::MissingPop
            }
            Question::Pop => ErrorId::MissingPop,
            Question::Ssid => ErrorId::MissingSsid,
        },
        FlowError::NoCandidate { seen, .. } => return search::no_candidate(&context, seen),
        FlowError::NoMapping => ErrorId::NoMapping,
        FlowError::NotMapped { status, .. } => match status {
            MappingStatus::TimedOut => ErrorId::MappingTimedOut,
            MappingStatus::Discarded => ErrorId::MappingDiscarded,
            MappingStatus::Confirmed | MappingStatus::Requested | MappingStatus::Other(_) => {
                ErrorId::MappingPending
            }
        },
        FlowError::NotRecorded { .. } => ErrorId::NotRecorded,
        FlowError::NoWifiNeedsChallenge => ErrorId::NoWifiNeedsChallenge,
        FlowError::NoWifi => ErrorId::ThreadOnly,
        FlowError::OtherNode { .. } => ErrorId::OtherNode,
        FlowError::Protocol { source, .. } => match (&source.cause, source.fate) {
            (Cause::Unsupported { .. }, _) => ErrorId::NoSuchEndpoint,
            (Cause::ScanUnfinished { .. }, _) => ErrorId::ScanUnfinished,
            (_, RequestFate::Refused { .. }) => ErrorId::Refused,
            (_, RequestFate::LinkLost) => ErrorId::SessionLost,
            (_, RequestFate::NotSent | RequestFate::Unanswered) => ErrorId::UnexpectedReply,
        },
        FlowError::Session { step, source } => return device::session(*step, source, context),
        FlowError::Stopped {
            reason,
            step,
            credentials,
        } => return stopped(*reason, *step, *credentials, context),
        FlowError::Transport(error) => {
            return device::transport(FlowStep::Connecting, error, context);
        }
        FlowError::Unconfirmed { source, .. } => {
            hint = source.is_misunderstood().then_some(UPDATE_FIRMWARE);
            ErrorId::Unconfirmed
        }
        FlowError::UnknownProtocol => ErrorId::NotADevice,
        FlowError::UnknownScheme(_) => ErrorId::UnknownScheme,
        FlowError::UserUnknown => ErrorId::LoginLacksUser,
    };
    Failure::advised(id, &context).hints(hint)
}

/// The failure of a stopped run. A time limit has the exit code of the step that it cut short.
fn stopped(
    reason: StopReason,
    step: FlowStep,
    credentials: CredentialState,
    mut context: Context,
) -> Failure {
    use CredentialState::{Applied, Forgotten, Joined, Nothing, Unapplied, Unknown};
    context.error.credentials = Some(credentials);
    let state = match credentials {
        Applied => STILL_STORED,
        Forgotten => FORGOTTEN,
        Joined => "the device has joined its network",
        Nothing => "the device received no credentials",
        Unapplied => "the device received credentials but has not stored them",
        Unknown => "contact was lost: the device keeps the credentials stored and may have joined",
    };
    let is_mapping = matches!(
        step,
        FlowStep::AddingMapping | FlowStep::FollowingMapping | FlowStep::VerifyingAssociation
    );
    let failure = match reason {
        StopReason::Interrupted => Failure::advised(ErrorId::Interrupted, &context),
        StopReason::Expired => Failure {
            exit: match (step, credentials) {
                (FlowStep::FetchingChallenge | FlowStep::SettingUp, _) => Exit::Cloud,
                _ if is_mapping => Exit::Cloud,
                (_, Unknown) => Exit::Unconfirmed,
                (_, Applied | Forgotten | Joined) => Exit::Wifi,
                (FlowStep::Connecting, _) => Exit::NoDevice,
                _ => Exit::Device,
            },
            ..Failure::advised(ErrorId::Expired, &context)
        },
    };
    let list_nodes = is_mapping.then_some(LIST_NODES);
    failure.before([state]).hints(list_nodes)
}

const MAP_AGAIN: &str =
    "run the command again: the device knows its owner, but the account does not know the device";
const JOIN_LATER: &str =
    "run the command again to give the device Wi-Fi: mapping it twice does no harm";
const UNMAP: &str =
    "remove the node from your account with `espctl node remove` if it should not stay there";
const FORGOTTEN: &str = "the device has forgotten the credentials and waits for others";
const NOT_FORGOTTEN: &str = "the device did not confirm that it forgot the credentials: it may have done so by itself, or keeps them stored";
const STILL_STORED: &str = "the device keeps the credentials stored and may still join: firmware forgets none while it joins";
