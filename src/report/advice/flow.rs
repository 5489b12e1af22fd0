//! The id and the advice for an error of a flow.

use super::causes::causes_of;
use super::{cloud, device, search};
use crate::cloud::mapping::MappingStatus;
use crate::endpoint::wifi_config::JoinFailure;
use crate::flows::{Before, Doing, FlowError, Left, Question, StopReason};
use crate::provisioner::ProvisionError;
use crate::report::context::{Context, GivenSecret};
use crate::report::diagnosis::Diagnosis;
use crate::report::exit::Exit;
use crate::report::failure::Failure;
use crate::report::remedies::{FACTORY_RESET, LOOK, UPDATE_FIRMWARE};
use crate::report::remedy::{Remedy, command, retry};
use crate::report::table::ErrorId;
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
            FlowError::After { source, .. } => source,
            _ => error,
        };
        Self {
            step: Some(format!("{} {}{medium}", error.doing(), context.label)),
            causes: causes_of(innermost),
            ..diagnose(error, context).failure(message(error, context))
        }
    }
}

/// The error's own words, except where people know a secret or a limit by another name.
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
            doing: Doing::Securing,
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

fn diagnose(error: &FlowError, context: &Context) -> Diagnosis {
    let mut context = context.clone();
    context.error.step = Some(error.doing());
    match error {
        FlowError::After { before, source } => {
            let diagnosis = diagnose(source, &context).without(&LOOK);
            match before {
                Before::Joined { .. } => diagnosis.remedy(&LOOK).remedy(&FACTORY_RESET),
                Before::Told { .. } => diagnosis.remedy(&TELL_ACCOUNT),
                Before::Mapped { .. } => diagnosis.remedy(&JOIN_LATER).remedy(&UNMAP),
            }
        }
        FlowError::Ambiguous { seen, .. } => search::ambiguous(context, seen),
        FlowError::Declined => {
            Diagnosis::new(ErrorId::Interrupted, context).after(["nothing was changed"])
        }
        FlowError::AnnouncedNoPop => Diagnosis::new(ErrorId::AnnouncedNoPop, context),
        FlowError::AnnouncedNoSecurity => Diagnosis::new(ErrorId::AnnouncedNoSecurity, context),
        FlowError::ChallengeDisabled => Diagnosis::new(ErrorId::ChallengeDisabled, context),
        FlowError::ChallengeExpired { .. } => Diagnosis::new(ErrorId::ChallengeExpired, context),
        FlowError::ChallengeRefused { .. } => Diagnosis::new(ErrorId::ChallengeRefused, context),
        FlowError::ClaimRequired => Diagnosis::new(ErrorId::ClaimRequired, context),
        FlowError::Cloud { doing, source } => {
            let may_be_mapped = match doing {
                Doing::FollowingMapping => true,
                Doing::AddingMapping | Doing::VerifyingAssociation => source.may_have_arrived(),
                _ => false,
            };
            let diagnosis = cloud::diagnose(source, context);
            if may_be_mapped {
                diagnosis.remedy(&LOOK)
            } else {
                diagnosis
            }
        }
        FlowError::EnterpriseNetwork { .. } => Diagnosis::new(ErrorId::EnterpriseNetwork, context),
        FlowError::JoinFailed {
            reason, forgotten, ..
        } => {
            let id = match reason {
                Some(JoinFailure::Authentication) => ErrorId::WifiAuthFailed,
                Some(JoinFailure::NetworkNotFound) => ErrorId::WifiNotFound,
                Some(JoinFailure::Other(_)) | None => ErrorId::WifiJoinFailed,
            };
            let state = if *forgotten { FORGOTTEN } else { NOT_FORGOTTEN };
            Diagnosis::new(id, context).after([state])
        }
        FlowError::JoinTimedOut { forgotten, .. } => {
            let state = if *forgotten { FORGOTTEN } else { STILL_STORED };
            Diagnosis::new(ErrorId::JoinTimedOut, context).after([state])
        }
        FlowError::MappingPending { .. } => Diagnosis::new(ErrorId::MappingPending, context),
        FlowError::MissingInput(question) => missing(question, context),
        FlowError::NoCandidate { seen, .. } => search::no_candidate(context, seen),
        FlowError::NoMapping => Diagnosis::new(ErrorId::NoMapping, context),
        FlowError::NotMapped { status, .. } => Diagnosis::new(
            match status {
                MappingStatus::TimedOut => ErrorId::MappingTimedOut,
                MappingStatus::Discarded => ErrorId::MappingDiscarded,
                MappingStatus::Confirmed | MappingStatus::Requested | MappingStatus::Other(_) => {
                    ErrorId::MappingPending
                }
            },
            context,
        ),
        FlowError::NoWifiNeedsChallenge => Diagnosis::new(ErrorId::NoWifiNeedsChallenge, context),
        FlowError::NoWifi => Diagnosis::new(ErrorId::ThreadOnly, context),
        FlowError::OtherNode { .. } => Diagnosis::new(ErrorId::OtherNode, context),
        FlowError::Protocol { source, .. } => Diagnosis::new(
            match source {
                ProvisionError::Refused { .. } => ErrorId::Refused,
                ProvisionError::Unsupported { .. } => ErrorId::NoSuchEndpoint,
                ProvisionError::ScanUnfinished { .. } => ErrorId::ScanUnfinished,
                ProvisionError::LinkLost(_) => ErrorId::SessionLost,
                ProvisionError::NotSent(_) | ProvisionError::Unanswered(_) => {
                    ErrorId::UnexpectedReply
                }
            },
            context,
        ),
        FlowError::ScanUnfinished { .. } => Diagnosis::new(ErrorId::ScanUnfinished, context),
        FlowError::Session { doing, source } => device::session(*doing, source, context),
        FlowError::Stopped {
            reason,
            doing,
            left,
        } => stopped(*reason, *doing, *left, context),
        FlowError::Transport(error) => device::transport(Doing::Connecting, error, context),
        FlowError::Unconfirmed { source, .. } => {
            let diagnosis = Diagnosis::new(ErrorId::Unconfirmed, context);
            if source.is_misunderstood() {
                diagnosis.remedy(&UPDATE_FIRMWARE)
            } else {
                diagnosis
            }
        }
        FlowError::UnknownScheme { .. } => Diagnosis::new(ErrorId::UnknownScheme, context),
        FlowError::UserUnknown => Diagnosis::new(ErrorId::LoginLacksUser, context),
    }
}

/// A run that was ended from outside: a limit has the exit code of the step that it cut short.
fn stopped(reason: StopReason, step: Doing, left: Left, mut context: Context) -> Diagnosis {
    context.error.left = Some(left);
    let state = match left {
        Left::Applied => STILL_STORED,
        Left::Forgotten => FORGOTTEN,
        Left::Joined => "the device has joined its network",
        Left::Nothing => "the device received no credentials",
        Left::Unapplied => "the device received credentials but has not stored them",
        Left::Unknown => {
            "contact was lost: the device keeps the credentials stored and may have joined"
        }
    };
    let is_mapping = matches!(
        step,
        Doing::AddingMapping | Doing::FollowingMapping | Doing::VerifyingAssociation
    );
    let diagnosis = match reason {
        StopReason::Interrupted => Diagnosis::new(ErrorId::Interrupted, context),
        StopReason::Expired => Diagnosis::new(ErrorId::Expired, context).exit(match (step, left) {
            (Doing::FetchingChallenge | Doing::SettingUp, _) => Exit::Cloud,
            _ if is_mapping => Exit::Cloud,
            (_, Left::Unknown) => Exit::Unconfirmed,
            (_, Left::Applied | Left::Forgotten | Left::Joined) => Exit::Wifi,
            (Doing::Connecting, _) => Exit::NoDevice,
            _ => Exit::Device,
        }),
    };
    let diagnosis = diagnosis.before([state]);
    if is_mapping {
        diagnosis.remedy(&LOOK)
    } else {
        diagnosis
    }
}

fn missing(question: &Question, mut context: Context) -> Diagnosis {
    let id = match question {
        Question::NewPassphrase { .. } | Question::Passphrase { .. } => ErrorId::MissingPassphrase,
        Question::Password => {
            context.error.scheme = Some(SecurityScheme::Sec2);
            ErrorId::MissingPop
        }
        Question::Pop => ErrorId::MissingPop,
        Question::Ssid => ErrorId::MissingSsid,
    };
    Diagnosis::new(id, context)
}

const TELL_ACCOUNT: Remedy =
    retry("{}: the device knows its owner, but the account does not know the device");
const JOIN_LATER: Remedy = retry("{} to give the device Wi-Fi: mapping it twice does no harm");
const UNMAP: Remedy = command(
    "espctl node remove",
    "remove the node from your account with {} if it should not stay there",
);
const FORGOTTEN: &str = "the device has forgotten the credentials and waits for others";
const NOT_FORGOTTEN: &str = "the device did not confirm that it forgot the credentials: it may have done so by itself, or keeps them stored";
const STILL_STORED: &str = "the device keeps the credentials stored and may still join: firmware forgets none while it joins";
