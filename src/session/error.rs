//! Why a conversation with a device fails.

use thiserror::Error;

use crate::endpoint::ReplyError;
use crate::security::SecurityError;
use crate::transport::TransportError;

/// Why a conversation failed.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The device did not answer a handshake message. protocomm has no error message for that,
    /// so the waiting state says what it means.
    #[error("{means}")]
    HandshakeRefused {
        /// The interpretation.
        means: SecurityError,
        /// What was seen.
        #[source]
        how: TransportError,
    },
    /// An earlier error left the two ends out of step.
    #[error("the session ended with the error before")]
    Lost,
    /// The device's answer is not the reply.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The handshake or a message broke the rules.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The answer did not arrive.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
