//! A typed request to a device, its reply, and the errors of replies.

use std::fmt;

use prost::Message;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::proto::EndpointName;
use crate::proto::protocomm::Status;

/// A request that a device understands, with the type of its reply.
///
/// Transcripts contain its debug form, so secrets must be in types that do not print them.
pub trait Command: fmt::Debug {
    /// The endpoint of the command.
    const ENDPOINT: EndpointName;
    /// The reply of the device.
    type Reply: fmt::Debug;

    /// Encodes the message, before encryption. Never empty: devices fail on zero bytes
    /// (`security1.c`, `malloc(0)`).
    fn encode(&self) -> Zeroizing<Vec<u8>>;

    /// Decodes the answer, after decryption.
    fn decode(response: &[u8]) -> Result<Self::Reply, ReplyError>;
}

/// Why an answer is not the expected reply.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReplyError {
    /// The answer is not a message of this endpoint, or is truncated.
    #[error("the answer of {endpoint} cannot be decoded")]
    Malformed {
        /// The endpoint's name.
        endpoint: &'static str,
    },
    /// The device understood the command and refused it.
    #[error("the device refused: {status}")]
    Refused {
        /// The device's status.
        status: DeviceStatus,
    },
    /// A valid message of another type, or without the expected part.
    #[error("the device answered with a message that is not {expected}")]
    Unexpected {
        /// The expected message.
        expected: &'static str,
    },
}

/// A status other than success, with which a device refuses a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    number: i32,
    /// The name in the endpoint's messages.
    name: Option<&'static str>,
    wrong_state: bool,
}

impl DeviceStatus {
    /// The number in the message.
    pub const fn number(self) -> i32 {
        self.number
    }

    /// Whether it is `InternalError`, the provisioning manager's answer to a command that is not
    /// allowed in its state.
    pub const fn is_wrong_state(self) -> bool {
        self.wrong_state
    }
}

impl fmt::Display for DeviceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => f.write_str(name),
            None => write!(f, "status {}", self.number),
        }
    }
}

/// The answer is a valid message, but not the expected one.
pub(super) const fn unexpected(expected: &'static str) -> ReplyError {
    ReplyError::Unexpected { expected }
}

/// Decodes a message of the endpoint.
pub(super) fn decode_message<M: Message + Default>(
    endpoint: &'static str,
    response: &[u8],
) -> Result<M, ReplyError> {
    M::decode(response).map_err(|_| ReplyError::Malformed { endpoint })
}

/// Returns an error for any status of protocomm other than success.
pub(super) fn check_status(number: i32) -> Result<(), ReplyError> {
    let status = Status::try_from(number).ok();
    check(DeviceStatus {
        number,
        name: status.map(|status| status.as_str_name()),
        wrong_state: status == Some(Status::InternalError),
    })
}

/// Returns an error for any status other than success of an endpoint with its own list of statuses.
pub(super) fn check_named_status(
    number: i32,
    name: Option<&'static str>,
) -> Result<(), ReplyError> {
    check(DeviceStatus {
        number,
        name,
        wrong_state: false,
    })
}

/// All lists begin with success.
const fn check(status: DeviceStatus) -> Result<(), ReplyError> {
    match status.number {
        0 => Ok(()),
        _ => Err(ReplyError::Refused { status }),
    }
}
