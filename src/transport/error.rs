//! Why a request did not come back with an answer, or no path was opened. What to do about it is
//! `report`'s.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::address::Address;
use crate::host::BluetoothError;
use crate::proto::EndpointName;

/// Why a request did not come back with an answer.
#[derive(Debug, Error)]
pub enum TransportError {
    /// This computer's Bluetooth cannot be used.
    #[error(transparent)]
    Bluetooth(#[from] BluetoothError),
    /// A serial port, or what is at its other end, is not what it has to be.
    #[error("{port}: {problem}")]
    Console {
        /// The port's path.
        port: Arc<str>,
        /// What is wrong.
        problem: Box<ConsoleProblem>,
        /// What the system says, if anything.
        source: Option<io::Error>,
    },
    /// The path broke before the answer was complete.
    #[error("the connection broke during a request to {endpoint}")]
    Disconnected {
        /// The request that was under way.
        endpoint: EndpointName,
        /// What the system says, if anything.
        source: Option<io::Error>,
    },
    /// An answer that this medium does not allow.
    #[error("the answer of {endpoint} is not what a device sends: {what}")]
    Malformed {
        /// The request that was under way.
        endpoint: EndpointName,
        /// What is wrong with it.
        what: String,
    },
    /// The device has no such endpoint.
    #[error("the device has no endpoint {endpoint}")]
    NoSuchEndpoint {
        /// The one that was asked for.
        endpoint: EndpointName,
    },
    /// This computer may not open the path.
    #[error("this computer does not allow a connection to {address}")]
    PermissionDenied {
        /// The device's address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// This computer and the device could not be paired, and the device wants that.
    #[error("the device at {address} wants to be paired, and this computer could not pair with it")]
    NotPaired {
        /// The device's address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
    /// Something that offers no protocomm endpoint.
    #[error("what is at {address} offers no provisioning over Bluetooth")]
    NotADevice {
        /// Where it is.
        address: Address,
    },
    /// The link opened, and the device did not say what it offers.
    #[error("the device at {address} took the connection, and did not tell its services within {} s", waited.as_secs_f32())]
    Unresolved {
        /// The device's address.
        address: Address,
        /// The limit.
        waited: Duration,
    },
    /// The device received the request and chose not to answer: how protocomm says no.
    #[error("the device {how} instead of answering a request to {endpoint}")]
    Refused {
        /// The request that was under way.
        endpoint: EndpointName,
        /// In which way.
        how: No,
    },
    /// A message is longer than the device takes over this medium, or its answer is.
    #[error("a message of {endpoint} is too long for the device: {bytes} bytes, or its answer")]
    TooLong {
        /// The request that was under way.
        endpoint: EndpointName,
        /// How long the request was.
        bytes: usize,
    },
    /// No answer within the limit.
    #[error("no answer from {endpoint} within {} s", waited.as_secs_f32())]
    TimedOut {
        /// The request that was under way.
        endpoint: EndpointName,
        /// The limit.
        waited: Duration,
    },
    /// This computer lacks something that the medium needs.
    #[error("this computer cannot use {what}")]
    Unavailable {
        /// What it lacks.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// Nobody takes connections there.
    #[error("nobody answers at {address}")]
    Unreachable {
        /// The device's address.
        address: Address,
        /// What the system says.
        source: io::Error,
    },
}

/// How a device says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum No {
    /// By an error of the attribute protocol, with its number.
    Att(u8),
    /// By closing the connection.
    HungUp,
    /// By a prompt without an answer.
    Prompt,
    /// By an error whose number the system keeps to itself.
    Unnumbered,
}

impl No {
    /// Whether protocomm says no like this: it hangs up, or reports an invalid PDU (`NimBLE`) or an
    /// application's error (Bluedroid). Other numbers are the stack's own troubles.
    const fn may_be_protocomms(self) -> bool {
        match self {
            Self::Att(number) => matches!(number, 0x04 | 0x80..=0x9f),
            Self::HungUp | Self::Prompt | Self::Unnumbered => true,
        }
    }
}

impl fmt::Display for No {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Att(number) => write!(f, "reported an error (ATT 0x{number:02x})"),
            Self::HungUp => f.write_str("hung up"),
            Self::Prompt => f.write_str("went on to its next prompt"),
            Self::Unnumbered => f.write_str("reported an error"),
        }
    }
}

/// What can be wrong with a serial port and the board at it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConsoleProblem {
    /// An answer that something else on the same line broke into.
    #[error("the answer of {0} was broken by what the board printed meanwhile")]
    Garbled(EndpointName),
    /// Another program has the port.
    #[error("the serial port is in use by another program")]
    InUse,
    /// It cannot be opened, or is not there.
    #[error("the serial port cannot be used")]
    NoPort,
    /// Nothing came that is a prompt.
    #[error("no protocomm console answers within {} s", .0.as_secs_f32())]
    NoPrompt(Duration),
    /// What comes is no text.
    #[error("what arrives is no text: another speed, or no console")]
    NotText,
    /// Another program's prompt.
    #[error("the console is not protocomm's, but an application's")]
    Other,
    /// The board started anew.
    #[error("the board restarted during a request to {0}")]
    Restarted(EndpointName),
}

impl TransportError {
    /// Whether the device may lack the endpoint: a console says nothing of those, either.
    pub fn may_be_missing_endpoint(&self) -> bool {
        matches!(
            self,
            Self::NoSuchEndpoint { .. }
                | Self::Refused {
                    how: No::Prompt,
                    ..
                }
        )
    }

    /// Whether the device may have meant "no" by this: it hung up, politely or not, before it had
    /// said anything. A line that broke by itself says nothing about what was asked.
    pub fn may_be_refusal(&self) -> bool {
        match self {
            Self::Refused { how, .. } => how.may_be_protocomms(),
            Self::Disconnected { source, .. } => source.as_ref().is_some_and(|source| {
                matches!(
                    source.kind(),
                    io::ErrorKind::BrokenPipe
                        | io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionReset
                )
            }),
            _ => false,
        }
    }
}
