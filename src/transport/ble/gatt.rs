//! The interface to the system's Bluetooth: what an exchange requires of a link, and how a link can
//! fail. `native.rs` implements it; tests have an in-memory link.

use std::fmt;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;
use tokio::time::timeout;
use uuid::Uuid;

use crate::host::BluetoothProblem;

/// A characteristic, identified by its place in the attribute table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Attribute {
    /// The service of the characteristic.
    pub(super) service: Uuid,
    /// The characteristic's UUID.
    pub(super) uuid: Uuid,
    /// Whether it has a user description (0x2901).
    pub(super) is_described: bool,
}

/// A link to one device and its attributes.
#[async_trait]
pub(super) trait Gatt: fmt::Debug + Send + Sync {
    /// Opens the link. The device then has `services` to report its services. A link that is
    /// already open is closed first, and the change is recorded.
    async fn connect(&mut self, services: Duration) -> Result<(), GattError>;

    /// Waits a moment for a busy system.
    async fn wait_while_busy(&self);

    /// Discovers the attributes. Called once a link.
    async fn discover_attributes(&mut self) -> Result<Vec<Attribute>, GattError>;

    /// Reads the user descriptions of these attributes, each with its own result.
    async fn read_descriptions(&self, of: &[Attribute]) -> Vec<Result<Vec<u8>, GattError>>;

    /// Writes with response: the device has handled the value when this returns.
    async fn write(&self, to: Attribute, value: &[u8]) -> Result<(), GattError>;

    /// Reads a value of any length.
    async fn read(&self, from: Attribute) -> Result<Vec<u8>, GattError>;

    /// Whether the link is open.
    async fn is_connected(&self) -> bool;

    /// Pairs with a device that requires it.
    async fn pair(&self) -> Result<(), GattError>;

    /// Makes the system discard everything that it stores about the device, and finds the device
    /// again.
    async fn forget(&mut self) -> Result<(), GattError>;

    /// Closes the link.
    async fn disconnect(&self) -> Result<(), GattError>;
}

/// How an operation on a link can fail.
#[derive(Debug, Error)]
pub(super) enum GattError {
    /// The requested state already exists.
    #[cfg_attr(
        not(target_os = "linux"),
        allow(dead_code, reason = "only BlueZ reports it")
    )]
    #[error("already done")]
    AlreadyDone,
    /// An error that the device reported, by its ATT code (Bluetooth Core, vol 3, part F, 3.4.1.1).
    #[error("ATT error 0x{0:02x}")]
    Att(u8),
    /// Another operation is in progress.
    #[error("another operation is in progress")]
    Busy,
    /// The system no longer has the device or the attribute.
    #[error("the system no longer has the device or the attribute")]
    Gone,
    /// The link is not open.
    #[error("the link is closed")]
    LinkLost,
    /// The device requires pairing.
    #[error("the device requires pairing")]
    NotPaired,
    /// The link is open, but service discovery timed out.
    #[error("service discovery timed out")]
    ServicesTimedOut,
    /// This computer's Bluetooth does not work.
    #[error("{0}")]
    Radio(BluetoothProblem),
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// This system does not support the operation.
    #[cfg_attr(
        target_os = "linux",
        allow(dead_code, reason = "BlueZ supports all operations")
    )]
    #[error("this system cannot {0}")]
    Unsupported(&'static str),
    /// Any other error of the system.
    #[error("{0}")]
    Other(String),
}

impl GattError {
    /// Whether the error shows a stale attribute table: the device does not have the attribute.
    pub(super) const fn is_stale(&self) -> bool {
        matches!(
            self,
            Self::Gone | Self::Att(INVALID_HANDLE | ATTRIBUTE_NOT_FOUND)
        )
    }

    /// Whether pairing may resolve the error.
    pub(super) const fn requires_pairing(&self) -> bool {
        matches!(
            self,
            Self::NotPaired
                | Self::Att(
                    INSUFFICIENT_AUTHENTICATION | INSUFFICIENT_KEY_SIZE | INSUFFICIENT_ENCRYPTION
                )
        )
    }

    /// Converts the error for the `source` of a transport error.
    pub(super) fn into_io(self) -> io::Error {
        let kind = match self {
            Self::AlreadyDone | Self::Att(_) | Self::Busy | Self::Other(_) => io::ErrorKind::Other,
            Self::Gone => io::ErrorKind::NotFound,
            Self::LinkLost => io::ErrorKind::NotConnected,
            Self::NotPaired => io::ErrorKind::PermissionDenied,
            Self::Radio(_) => io::ErrorKind::NetworkDown,
            Self::TimedOut | Self::ServicesTimedOut => io::ErrorKind::TimedOut,
            Self::Unsupported(_) => io::ErrorKind::Unsupported,
        };
        io::Error::new(kind, self.to_string())
    }
}

/// Limits the time of a future.
pub(super) async fn with_timeout<T>(
    limit: Duration,
    future: impl Future<Output = Result<T, GattError>>,
) -> Result<T, GattError> {
    timeout(limit, future)
        .await
        .unwrap_or(Err(GattError::TimedOut))
}

const INVALID_HANDLE: u8 = 0x01;
const INSUFFICIENT_AUTHENTICATION: u8 = 0x05;
const ATTRIBUTE_NOT_FOUND: u8 = 0x0a;
const INSUFFICIENT_KEY_SIZE: u8 = 0x0c;
/// The request or its answer is too long: firmware checks both (`protocomm_nimble.c`, since ESP-IDF
/// 5.5).
pub(super) const INVALID_LENGTH: u8 = 0x0d;
/// `NimBLE` returns it for an endpoint without a handler, and BlueZ for a link that was lost
/// meanwhile.
pub(super) const UNLIKELY: u8 = 0x0e;
const INSUFFICIENT_ENCRYPTION: u8 = 0x0f;
