//! The id and the advice for an error of a conversation with a device: of its transport, its
//! security, its replies.

use super::bluetooth;
use crate::endpoint::ReplyError;
use crate::flows::FlowStep;
use crate::host::BluetoothError;
use crate::report::context::{Context, GivenSecret};
use crate::report::error_table::ErrorId;
use crate::report::failure::Failure;
use crate::security::{Misbehaviour, SecurityError, SecurityScheme};
use crate::session::SessionError;
use crate::transport::{Address, ConsoleProblem, HostPart, TransportError};

pub(super) fn session(step: FlowStep, error: &SessionError, context: Context) -> Failure {
    match error {
        SessionError::HandshakeRefused { means, .. } | SessionError::Security(means) => {
            security(means, context)
        }
        SessionError::Lost => Failure::advised(ErrorId::SessionLost, &context),
        SessionError::Reply(error) => Failure::advised(reply(step, error), &context),
        SessionError::Transport(error) => transport(step, error, context),
    }
}

fn security(error: &SecurityError, mut context: Context) -> Failure {
    let id = match error {
        SecurityError::CredentialsMismatch { scheme } => return wrong_secret(*scheme, context),
        SecurityError::CounterExhausted => ErrorId::SessionExhausted,
        SecurityError::PeerIncompatible { .. } => ErrorId::WrongScheme,
        SecurityError::PeerMisbehaved { how, .. } => match how {
            Misbehaviour::NoProofOfItsOwn => ErrorId::DeviceNotAuthentic,
            Misbehaviour::NotAuthentic => ErrorId::MessageNotAuthentic,
            Misbehaviour::BadStatus(_)
            | Misbehaviour::EmptyUsername
            | Misbehaviour::KeyOutOfRange
            | Misbehaviour::Undecodable
            | Misbehaviour::UnexpectedMessage
            | Misbehaviour::WrongLength { .. } => ErrorId::HandshakeBroken,
        },
        SecurityError::WrongKindOfCredentials { scheme } => {
            context.error.scheme = Some(*scheme);
            ErrorId::WrongCredentials
        }
    };
    Failure::advised(id, &context)
}

fn wrong_secret(scheme: SecurityScheme, mut context: Context) -> Failure {
    context.error.scheme = Some(scheme);
    let id = match context.secret {
        GivenSecret::Pop => ErrorId::WrongPop,
        GivenSecret::None | GivenSecret::Password => ErrorId::WrongPassword,
    };
    let has_tried_faults = scheme == SecurityScheme::Sec2 && context.has_sec2_compat;
    let tried = "the two known firmware faults were also tried";
    Failure::advised(id, &context).hints(has_tried_faults.then_some(tried))
}

fn reply(step: FlowStep, error: &ReplyError) -> ErrorId {
    match error {
        ReplyError::Malformed { .. } if step == FlowStep::ReadingVersion => ErrorId::NotADevice,
        ReplyError::Malformed { .. } | ReplyError::Unexpected { .. } => ErrorId::UnexpectedReply,
        ReplyError::Refused { .. } if step == FlowStep::SendingUser => ErrorId::UserRefused,
        ReplyError::Refused { status } if status.is_wrong_state() => ErrorId::WrongState,
        ReplyError::Refused { .. } => ErrorId::Refused,
    }
}

pub(super) fn transport(step: FlowStep, error: &TransportError, mut context: Context) -> Failure {
    add_address(&mut context, error);
    let id = match error {
        TransportError::Bluetooth(BluetoothError { problem, .. }) => {
            return bluetooth::diagnose(problem, context);
        }
        TransportError::Console { problem, port, .. } => {
            context.address = Some(Address::new(&**port));
            match &**problem {
                ConsoleProblem::Garbled(_) => ErrorId::GarbledAnswer,
                ConsoleProblem::InUse => ErrorId::PortInUse,
                ConsoleProblem::NoPort => ErrorId::NoSerialPort,
                ConsoleProblem::NoPrompt(_) => ErrorId::NoConsole,
                ConsoleProblem::NotText => ErrorId::NotText,
                ConsoleProblem::Other => ErrorId::OtherConsole,
                ConsoleProblem::Restarted(_) => ErrorId::Restarted,
            }
        }
        TransportError::Disconnected { .. } => ErrorId::Disconnected,
        TransportError::Malformed { .. } | TransportError::NotADevice { .. } => ErrorId::NotADevice,
        TransportError::NoSuchEndpoint { .. } => ErrorId::NoSuchEndpoint,
        TransportError::NotPaired { .. } => ErrorId::NotPaired,
        TransportError::PermissionDenied { .. } => ErrorId::PermissionDenied,
        TransportError::Refused { .. } => ErrorId::HungUp,
        TransportError::ServiceDiscoveryTimedOut { .. } => ErrorId::Silent,
        TransportError::TooLong { .. } => ErrorId::MessageTooLong,
        // A device that never answered may be another kind of device; later, it hangs.
        TransportError::TimedOut { .. } if step == FlowStep::ReadingVersion => ErrorId::Silent,
        TransportError::TimedOut { .. } => ErrorId::TimedOut,
        TransportError::Unavailable { .. } => ErrorId::TransportUnavailable,
        TransportError::Unreachable { .. } => ErrorId::Unreachable,
    };
    let reach = match id {
        ErrorId::Disconnected | ErrorId::Silent | ErrorId::Unreachable => {
            context.own_words().map(|words| words.reach)
        }
        _ => None,
    };
    Failure::advised(id, &context).before(reach)
}

/// Adds the address that the error names, such as a port of this computer, so that advice can repeat it.
/// Advice repeats a network address only if the user gave it.
fn add_address(context: &mut Context, error: &TransportError) {
    let is_on_network = matches!(
        context.needed_part(),
        Some(HostPart::Hotspot | HostPart::LocalNetwork)
    );
    if let TransportError::NotADevice { address }
    | TransportError::NotPaired { address, .. }
    | TransportError::PermissionDenied { address, .. }
    | TransportError::ServiceDiscoveryTimedOut { address, .. }
    | TransportError::Unreachable { address, .. } = error
        && !is_on_network
    {
        context.address = Some(address.clone());
    }
}
