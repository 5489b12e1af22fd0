//! The outcome of a request: an answer or a refusal.

use std::time::Duration;

use prost::{Message, encoding};
use thiserror::Error;

use super::firmware::Rules;
use crate::proto::protocomm::Status;
use crate::security::SecurityError;

/// The answer of a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer, sealed if the endpoint's messages are.
    pub bytes: Vec<u8>,
    /// How long the device is busy before it sends the answer. It does nothing else meanwhile.
    pub after: Duration,
}

/// Why a request is not answered. Each medium shows this in its own way.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No endpoint has this name.
    #[error("no such endpoint")]
    NoSuchEndpoint,
    /// The handler crashed the device.
    #[error("a command without its body, which brings it down")]
    Crashed,
    /// The endpoint's handler failed.
    #[error("{why}")]
    Failed {
        /// For the log: a client does not see the reason.
        why: &'static str,
    },
    /// The security scheme failed.
    #[error(transparent)]
    Security(#[from] SecurityError),
}

/// Reads a request.
pub(super) fn decode<M: Message + Default>(request: &[u8]) -> Result<M, Refusal> {
    M::decode(request).map_err(|_| refuse("a message that cannot be read"))
}

/// Encodes the response to a command: in every protocol, a message of the next type.
pub(super) fn respond(command: i32, status: Status, body: &impl Message) -> Vec<u8> {
    encode(command.saturating_add(1), status.into(), body)
}

/// Encodes a message. All protocols after the handshake have its type in field 1, a status in field 2, and
/// its body in the field of the type's number plus ten.
pub(super) fn encode(kind: i32, status: i32, body: &impl Message) -> Vec<u8> {
    let mut message = Vec::new();
    for (field, value) in [(1, kind), (2, status)] {
        // As every default value, zero is left out.
        if value != 0 {
            encoding::int32::encode(field, &value, &mut message);
        }
    }
    let field = kind.saturating_add(10).cast_unsigned();
    encoding::message::encode(field, body, &mut message);
    message
}

pub(super) const fn refuse(why: &'static str) -> Refusal {
    Refusal::Failed { why }
}

pub(super) fn unknown_command() -> Refusal {
    refuse("a command that does not exist")
}

/// Refuses a command without its body: older firmware reads beyond it, and crashes.
pub(super) fn without_body(rules: Rules) -> Refusal {
    if rules.crashes_without_body {
        Refusal::Crashed
    } else {
        refuse("a command without its body")
    }
}

/// The status of a command that the manager accepted or refused.
pub(super) const fn status_of(accepted: bool) -> Status {
    if accepted {
        Status::Success
    } else {
        Status::InternalError
    }
}
