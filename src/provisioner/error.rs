//! How provisioning a device fails, by what is known of the device afterwards.

use std::time::Duration;

use thiserror::Error;

use crate::endpoint::ReplyError;
use crate::session::SessionError;
use crate::transport::TransportError;

/// Why a request to a device failed.
#[derive(Debug, Error)]
pub enum ProvisionError {
    /// An earlier request was cut off, and nothing can be sent before the device is reconnected.
    #[error("{0}")]
    LinkLost(Cause),
    /// The device did not get the request: nothing has changed.
    #[error("{0}")]
    NotSent(Cause),
    /// The device said no: nothing has changed.
    #[error("{cause}")]
    Refused {
        /// Whether another state of the device would allow the request.
        is_wrong_state: bool,
        /// What it said.
        cause: Cause,
    },
    /// The scan did not end.
    #[error("the device did not finish its scan within {} s", waited.as_secs_f32())]
    ScanUnfinished {
        /// The limit.
        waited: Duration,
    },
    /// There is no answer, or none that makes sense: the device may have done what was asked.
    #[error("{0}")]
    Unanswered(Cause),
    /// The protocol, or this device, has no such request.
    #[error("the device cannot {what}")]
    Unsupported {
        /// The request, as an infinitive.
        what: &'static str,
    },
}

/// What a protocol says about a failure.
#[derive(Debug, Error)]
pub enum Cause {
    /// Over protocomm.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The device's own words, over another protocol.
    #[error("{protocol}: {words}")]
    Said {
        /// The name of the protocol.
        protocol: &'static str,
        /// What the device said. Already printable.
        words: String,
    },
}

impl Cause {
    /// Whether the device answered, but not with the reply: asked again, it would do the same.
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
    /// Another device answered, or the device refused: it will do so again.
    #[error("{0}")]
    Final(Cause),
    /// The device does not answer now: it may do so a moment later.
    #[error("the device does not answer")]
    Unreachable,
}
