//! Why a session with a device fails.

use thiserror::Error;

use crate::endpoint::ReplyError;
use crate::security::SecurityError;
use crate::transport::TransportError;

/// Why a session with a device fails.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The device did not answer a handshake message. protocomm has no error message for this, so
    /// the state of the handshake interprets it.
    #[error("{means}")]
    HandshakeRefused {
        /// The interpretation.
        means: SecurityError,
        /// The transport's error.
        #[source]
        how: TransportError,
    },
    /// An earlier error put the two sides out of step.
    #[error("an earlier error closed the session")]
    Lost,
    /// The device's answer is not the expected reply.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The handshake or a message violated the protocol.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The answer did not arrive.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
