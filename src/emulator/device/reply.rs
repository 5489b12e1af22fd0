//! The outcome of a request: an answer or a refusal.

use std::time::Duration;

use prost::Message;
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

/// The type of the message that responds to a command: in every protocol, the next number.
pub(super) const fn response_to(command: i32) -> i32 {
    command.saturating_add(1)
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
