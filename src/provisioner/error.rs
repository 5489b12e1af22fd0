//! The errors of provisioning, by what is known about the device afterwards.

use std::time::Duration;

use thiserror::Error;

use crate::endpoint::ReplyError;
use crate::session::SessionError;
use crate::transport::TransportError;

/// A request to a device that failed.
#[derive(Debug, Error)]
#[error("{cause}")]
pub struct ProvisionError {
    /// What is known about the request.
    pub fate: RequestFate,
    /// Why it failed.
    pub cause: Cause,
}

/// What became of a request that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestFate {
    /// An earlier request was interrupted, and nothing can be sent until the device is reconnected.
    LinkLost,
    /// The device did not receive the request: nothing has changed.
    NotSent,
    /// The device refused the request: nothing has changed.
    Refused {
        /// Whether another state of the device would allow the request.
        is_wrong_state: bool,
    },
    /// There is no answer, or no valid one: the device may have carried out the request.
    Unanswered,
}

/// Why a request failed.
#[derive(Debug, Error)]
pub enum Cause {
    /// An error of protocomm.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The device's message, over another protocol.
    #[error("{protocol}: {text}")]
    Message {
        /// The name of the protocol.
        protocol: &'static str,
        /// The message. Already printable.
        text: String,
    },
    /// The scan did not end in time.
    #[error("the device did not finish its scan within {} s", waited.as_secs_f32())]
    ScanUnfinished {
        /// The time limit.
        waited: Duration,
    },
    /// The protocol or the device has no such request.
    #[error("the device cannot {what}")]
    Unsupported {
        /// The request, as an infinitive.
        what: &'static str,
    },
}

impl ProvisionError {
    /// The protocol or the device has no request to do this, an infinitive.
    pub const fn unsupported(what: &'static str) -> Self {
        Self {
            fate: RequestFate::NotSent,
            cause: Cause::Unsupported { what },
        }
    }

    /// Whether the device may have carried out the request.
    pub fn may_be_done(&self) -> bool {
        matches!(self.fate, RequestFate::LinkLost | RequestFate::Unanswered)
    }
}

impl Cause {
    /// Whether the device answered with something other than the reply: a retry would not help.
    pub const fn is_misunderstood(&self) -> bool {
        matches!(
            self,
            Self::Session(SessionError::Reply(
                ReplyError::Malformed { .. } | ReplyError::Unexpected { .. }
            ))
        )
    }
}

impl From<SessionError> for ProvisionError {
    fn from(error: SessionError) -> Self {
        let fate = match &error {
            SessionError::Lost => RequestFate::LinkLost,
            SessionError::Reply(ReplyError::Refused { status }) => RequestFate::Refused {
                is_wrong_state: status.is_wrong_state(),
            },
            SessionError::Transport(
                TransportError::NoSuchEndpoint { .. }
                | TransportError::PermissionDenied { .. }
                | TransportError::Unreachable { .. },
            ) => RequestFate::NotSent,
            SessionError::HandshakeRefused { .. }
            | SessionError::Reply(_)
            | SessionError::Security(_)
            | SessionError::Transport(_) => RequestFate::Unanswered,
        };
        let cause = error.into();
        Self { fate, cause }
    }
}

/// Why a device could not be reconnected.
#[derive(Debug, Error)]
pub enum ReconnectError {
    /// Another device answered, or the device refused: a retry would not help.
    #[error("{0}")]
    Final(Cause),
    /// The device does not answer now; a later attempt may succeed.
    #[error("the device does not answer")]
    Unreachable,
}
