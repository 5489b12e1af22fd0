//! Why a request got no answer, or why a connection could not be opened. Hints are in `report`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use derive_more::Display;
use thiserror::Error;

use super::address::Address;
use crate::host::BluetoothError;
use crate::proto::EndpointName;

/// Why a request got no answer, or why a connection could not be opened.
#[derive(Debug, Error)]
pub enum TransportError {
    /// Bluetooth of this computer cannot be used.
    #[error(transparent)]
    Bluetooth(#[from] BluetoothError),
    /// A serial port, or the board behind it, does not work as expected.
    #[error("{port}: {problem}")]
    Console {
        /// The port's path.
        port: Arc<str>,
        /// What is wrong.
        problem: Box<ConsoleProblem>,
        /// The system's error, if there is one.
        source: Option<io::Error>,
    },
    /// The connection broke before the answer was complete.
    #[error("the connection broke during a request to {endpoint}")]
    Disconnected {
        /// The endpoint of the interrupted request.
        endpoint: EndpointName,
        /// The system's error, if there is one.
        source: Option<io::Error>,
    },
    /// The answer is not valid on this medium.
    #[error("the answer of {endpoint} is not what a device sends: {what}")]
    Malformed {
        /// The endpoint of the request.
        endpoint: EndpointName,
        /// What is wrong with it.
        what: String,
    },
    /// The device has no such endpoint.
    #[error("the device has no endpoint {endpoint}")]
    NoSuchEndpoint {
        /// The requested endpoint.
        endpoint: EndpointName,
    },
    /// This computer refuses the connection.
    #[error("this computer does not allow a connection to {address}")]
    PermissionDenied {
        /// The device's address.
        address: Address,
        /// The system's error.
        source: io::Error,
    },
    /// The device requires pairing, and pairing failed.
    #[error("the device at {address} requires pairing, and pairing with this computer failed")]
    NotPaired {
        /// The device's address.
        address: Address,
        /// The system's error.
        source: io::Error,
    },
    /// The remote device has no protocomm endpoint.
    #[error("the device at {address} does not offer provisioning over Bluetooth")]
    NotADevice {
        /// The address of the other device.
        address: Address,
    },
    /// The link opened, but service discovery did not finish in time.
    #[error("connected to {address}, but service discovery timed out after {} s", waited.as_secs_f32())]
    ServiceDiscoveryTimedOut {
        /// The device's address.
        address: Address,
        /// The time limit.
        waited: Duration,
    },
    /// The device received the request and refused to answer: protocomm's way to report an error.
    #[error("the device {how} instead of answering a request to {endpoint}")]
    Refused {
        /// The endpoint of the request.
        endpoint: EndpointName,
        /// The form of the refusal.
        how: Rejection,
    },
    /// The request, or its answer, is longer than the device can handle over this medium.
    #[error("a message of {endpoint} is too long for the device: {bytes} bytes, or its answer")]
    TooLong {
        /// The endpoint of the request.
        endpoint: EndpointName,
        /// The length of the request.
        bytes: usize,
    },
    /// The device did not answer within the time limit.
    #[error("no answer from {endpoint} within {} s", waited.as_secs_f32())]
    TimedOut {
        /// The endpoint of the request.
        endpoint: EndpointName,
        /// The time limit.
        waited: Duration,
    },
    /// This computer lacks something that the medium requires.
    #[error("this computer cannot use {what}")]
    Unavailable {
        /// What is missing.
        what: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// Rejection device accepts connections at the address.
    #[error("no device answers at {address}")]
    Unreachable {
        /// The device's address.
        address: Address,
        /// The system's error.
        source: io::Error,
    },
}

/// The form in which a device refuses a request.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq)]
pub enum Rejection {
    /// An error of the attribute protocol (ATT), with its code.
    #[display("reported an error (ATT 0x{_0:02x})")]
    Att(u8),
    /// The device closed the connection.
    #[display("closed the connection")]
    ConnectionClosed,
    /// A new prompt without an answer.
    #[display("went on to its next prompt")]
    PromptOnly,
    /// An ATT error whose code the operating system does not report.
    #[display("reported an error")]
    UnknownAttError,
}

impl Rejection {
    /// Whether protocomm refuses requests in this form: it closes the connection, or reports an
    /// invalid PDU (`NimBLE`) or an application error (Bluedroid). Other ATT codes come from the
    /// Bluetooth stack.
    const fn is_from_protocomm(self) -> bool {
        match self {
            Self::Att(number) => matches!(number, 0x04 | 0x80..=0x9f),
            Self::ConnectionClosed | Self::PromptOnly | Self::UnknownAttError => true,
        }
    }
}

/// What can be wrong with a serial port and the board behind it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConsoleProblem {
    /// Other output of the board interrupted the answer.
    #[error("other output of the board interrupted the answer of {0}")]
    Garbled(EndpointName),
    /// Another program has opened the port.
    #[error("the serial port is in use by another program")]
    InUse,
    /// The port does not exist or cannot be opened.
    #[error("the serial port cannot be used")]
    NoPort,
    /// Rejection prompt arrived within the time limit.
    #[error("no protocomm console answers within {} s", .0.as_secs_f32())]
    NoPrompt(Duration),
    /// The received bytes are not text.
    #[error("the received data is not text: wrong speed, or not a console")]
    NotText,
    /// The prompt belongs to another program.
    #[error("the console is not protocomm's, but an application's")]
    Other,
    /// The board restarted.
    #[error("the board restarted during a request to {0}")]
    Restarted(EndpointName),
}

impl TransportError {
    /// No device accepts connections at `address`.
    pub fn unreachable(address: &Address, source: impl Into<io::Error>) -> Self {
        let (address, source) = (address.clone(), source.into());
        Self::Unreachable { address, source }
    }

    /// The serial port `port`, or the board behind it, has this problem.
    pub fn console(port: &Arc<str>, problem: ConsoleProblem, source: Option<io::Error>) -> Self {
        let (port, problem) = (Arc::clone(port), Box::new(problem));
        Self::Console {
            port,
            problem,
            source,
        }
    }

    /// The device did not answer a request to `endpoint` within `waited`.
    pub fn timed_out(endpoint: &EndpointName, waited: Duration) -> Self {
        let endpoint = endpoint.clone();
        Self::TimedOut { endpoint, waited }
    }

    /// The device has no endpoint of this name.
    pub fn no_such_endpoint(endpoint: &EndpointName) -> Self {
        let endpoint = endpoint.clone();
        Self::NoSuchEndpoint { endpoint }
    }

    /// The answer of `endpoint` is not valid on this medium.
    pub fn malformed(endpoint: &EndpointName, what: String) -> Self {
        let endpoint = endpoint.clone();
        Self::Malformed { endpoint, what }
    }

    /// The device refused a request to `endpoint`.
    pub fn refused(endpoint: &EndpointName, how: Rejection) -> Self {
        let endpoint = endpoint.clone();
        Self::Refused { endpoint, how }
    }

    /// The connection broke during a request to `endpoint`.
    pub fn disconnected(endpoint: &EndpointName, source: Option<io::Error>) -> Self {
        let endpoint = endpoint.clone();
        Self::Disconnected { endpoint, source }
    }

    /// Whether the device may lack the endpoint. A console sends only its next prompt in this case.
    pub fn may_be_missing_endpoint(&self) -> bool {
        matches!(
            self,
            Self::NoSuchEndpoint { .. }
                | Self::Refused {
                    how: Rejection::PromptOnly,
                    ..
                }
        )
    }

    /// Whether this may be a refusal: the device closed the connection, in order or by a reset,
    /// before it sent any byte. A timeout or a local error does not concern the request.
    pub fn may_be_refusal(&self) -> bool {
        match self {
            Self::Refused { how, .. } => how.is_from_protocomm(),
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
