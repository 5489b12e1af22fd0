//! A request that a device understands, the reply to it, and why there can be none.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::proto::EndpointName;
use crate::proto::protocomm::Status;

/// One request that a device understands, and what it answers.
///
/// Its debug form goes into transcripts: secrets in it are types that do not print.
pub trait Command: fmt::Debug {
    /// Where it goes.
    const ENDPOINT: EndpointName;
    /// What comes back.
    type Reply: fmt::Debug;

    /// The message, before encryption. Never empty: devices cannot handle zero bytes
    /// (`security1.c`, `malloc(0)`).
    fn encode(&self) -> Zeroizing<Vec<u8>>;

    /// Reads the answer, after decryption.
    fn decode(response: &[u8]) -> Result<Self::Reply, ReplyError>;
}

/// Why an answer is not the reply that was asked for.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReplyError {
    /// Not a message of this endpoint, or one cut short.
    #[error("the answer of {endpoint} cannot be decoded")]
    Malformed {
        /// The endpoint's name.
        endpoint: &'static str,
    },
    /// The device understood and said no.
    #[error("the device refused: {status}")]
    Refused {
        /// Its reason.
        status: DeviceStatus,
    },
    /// A well-formed message, but of another type, or without the part that matters.
    #[error("the device answered with something else than {expected}")]
    Unexpected {
        /// What was asked for.
        expected: &'static str,
    },
}

/// A status other than success, by which a device refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceStatus {
    number: i32,
    /// In the messages of its endpoint.
    name: Option<&'static str>,
    wrong_state: bool,
}

impl DeviceStatus {
    /// One of protocomm's own.
    fn of_protocomm(number: i32) -> Self {
        let known = |number| Status::try_from(number).ok();
        Self {
            wrong_state: known(number) == Some(Status::InternalError),
            ..Self::named(number, |number| known(number).map(|one| one.as_str_name()))
        }
    }

    /// One of an endpoint with a list of its own.
    pub(super) fn named(number: i32, name: impl FnOnce(i32) -> Option<&'static str>) -> Self {
        Self {
            number,
            name: name(number),
            wrong_state: false,
        }
    }

    /// The number on the wire.
    pub const fn number(self) -> i32 {
        self.number
    }

    /// `InternalError`: what the provisioning manager says to a command that does not fit its
    /// state.
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

/// Turns a status field into a refusal, unless it says success.
pub(super) fn check_status(status: i32) -> Result<(), ReplyError> {
    match status {
        0 => Ok(()),
        other => Err(ReplyError::Refused {
            status: DeviceStatus::of_protocomm(other),
        }),
    }
}
