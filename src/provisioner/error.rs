//! The errors of provisioning, by what is known about the device afterwards.

use std::time::Duration;

use thiserror::Error;

use crate::endpoint::ReplyError;
use crate::session::SessionError;
use crate::transport::TransportError;

/// Why a request to a device failed.
#[derive(Debug, Error)]
pub enum ProvisionError {
    /// An earlier request was interrupted, and nothing can be sent until the device is reconnected.
    #[error("{0}")]
    LinkLost(Cause),
    /// The device did not receive the request: nothing has changed.
    #[error("{0}")]
    NotSent(Cause),
    /// The device refused the request: nothing has changed.
    #[error("{cause}")]
    Refused {
        /// Whether another state of the device would allow the request.
        is_wrong_state: bool,
        /// The device's answer.
        cause: Cause,
    },
    /// The scan did not end in time.
    #[error("the device did not finish its scan within {} s", waited.as_secs_f32())]
    ScanUnfinished {
        /// The time limit.
        waited: Duration,
    },
    /// There is no answer, or no valid one: the device may have carried out the request.
    #[error("{0}")]
    Unanswered(Cause),
    /// The protocol or the device has no such request.
    #[error("the device cannot {what}")]
    Unsupported {
        /// The request, as an infinitive.
        what: &'static str,
    },
}

/// The protocol's error.
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
        match error {
            SessionError::Lost => Self::LinkLost(error.into()),
            SessionError::Reply(ReplyError::Refused { status }) => Self::Refused {
                is_wrong_state: status.is_wrong_state(),
                cause: error.into(),
            },
            SessionError::Transport(
                TransportError::NoSuchEndpoint { .. }
                | TransportError::PermissionDenied { .. }
                | TransportError::Unreachable { .. },
            ) => Self::NotSent(error.into()),
            SessionError::HandshakeRefused { .. }
            | SessionError::Reply(_)
            | SessionError::Security(_)
            | SessionError::Transport(_) => Self::Unanswered(error.into()),
        }
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
