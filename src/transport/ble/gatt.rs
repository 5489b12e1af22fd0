//! The seam to the system's Bluetooth: what the exchange needs of a link, and how a link can fail.
//! Which system it is, is `native.rs`'s; tests have one in memory.

use std::fmt;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;
use tokio::time::timeout;
use uuid::Uuid;

use crate::host::BluetoothProblem;

/// A characteristic, by its place in the attribute table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Attribute {
    /// The service that it belongs to.
    pub(super) service: Uuid,
    /// Its own UUID.
    pub(super) uuid: Uuid,
    /// Whether it has a user description (0x2901).
    pub(super) is_described: bool,
}

/// A link to one device, and the device's attributes behind it.
#[async_trait]
pub(super) trait Gatt: fmt::Debug + Send + Sync {
    /// Opens the link. From then on the device has so long to tell its services. One that was open
    /// already is closed first, and that is remarked.
    async fn connect(&mut self, services: Duration) -> Result<(), GattError>;

    /// Waits for a moment in which a system that was busy may no longer be.
    async fn settle(&self);

    /// Learns which attributes there are. Once a link.
    async fn attributes(&mut self) -> Result<Vec<Attribute>, GattError>;

    /// Reads the user descriptions of all these, each with its own outcome.
    async fn descriptions(&self, of: &[Attribute]) -> Vec<Result<Vec<u8>, GattError>>;

    /// Writes with response: the device has handled it when this returns.
    async fn write(&self, to: Attribute, value: &[u8]) -> Result<(), GattError>;

    /// Reads a value, however long.
    async fn read(&self, from: Attribute) -> Result<Vec<u8>, GattError>;

    /// Whether the link is open.
    async fn is_connected(&self) -> bool;

    /// Pairs, because the device wants that.
    async fn pair(&self) -> Result<(), GattError>;

    /// Has the system forget all that it keeps about the device, and finds the device anew.
    async fn forget(&mut self) -> Result<(), GattError>;

    /// Closes the link.
    async fn disconnect(&self) -> Result<(), GattError>;
}

/// How an operation on a link can fail.
#[derive(Debug, Error)]
pub(super) enum GattError {
    /// It is so already.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "BlueZ says so"))]
    #[error("it is so already")]
    AlreadyDone,
    /// The device's own answer, by its number (Bluetooth Core, vol 3, part F, 3.4.1.1).
    #[error("ATT error 0x{0:02x}")]
    Att(u8),
    /// Another operation is under way.
    #[error("another operation is under way")]
    Busy,
    /// The system no longer knows the device or the attribute.
    #[error("the system no longer knows it")]
    Gone,
    /// The link is not open, or not any more.
    #[error("the link is closed")]
    LinkLost,
    /// The device wants to be paired first.
    #[error("the device wants to be paired")]
    NotPaired,
    /// The link is open, and the device does not tell its services.
    #[error("the device does not tell its services")]
    Unresolved,
    /// The computer's Bluetooth itself.
    #[error("{0}")]
    Radio(BluetoothProblem),
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// This system cannot do it.
    #[cfg_attr(
        target_os = "linux",
        allow(dead_code, reason = "BlueZ can do all of it")
    )]
    #[error("this system cannot {0}")]
    Unsupported(&'static str),
    /// Whatever else the system says.
    #[error("{0}")]
    Other(String),
}

impl GattError {
    /// Whether it is what a table shows that the device no longer has: handles that lead nowhere.
    pub(super) const fn is_stale(&self) -> bool {
        matches!(
            self,
            Self::Gone | Self::Att(INVALID_HANDLE | ATTRIBUTE_NOT_FOUND)
        )
    }

    /// Whether pairing would help.
    pub(super) const fn wants_pairing(&self) -> bool {
        matches!(
            self,
            Self::NotPaired
                | Self::Att(
                    INSUFFICIENT_AUTHENTICATION | INSUFFICIENT_KEY_SIZE | INSUFFICIENT_ENCRYPTION
                )
        )
    }

    /// For `source` of the transport's errors.
    pub(super) fn into_io(self) -> io::Error {
        let kind = match self {
            Self::AlreadyDone | Self::Att(_) | Self::Busy | Self::Other(_) => io::ErrorKind::Other,
            Self::Gone => io::ErrorKind::NotFound,
            Self::LinkLost => io::ErrorKind::NotConnected,
            Self::NotPaired => io::ErrorKind::PermissionDenied,
            Self::Radio(_) => io::ErrorKind::NetworkDown,
            Self::TimedOut | Self::Unresolved => io::ErrorKind::TimedOut,
            Self::Unsupported(_) => io::ErrorKind::Unsupported,
        };
        io::Error::new(kind, self.to_string())
    }
}

/// The future's outcome, or that it took too long.
pub(super) async fn within<T>(
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
/// Also when the answer is: the firmware checks both (`protocomm_nimble.c`, since ESP-IDF 5.5).
pub(super) const INVALID_LENGTH: u8 = 0x0d;
/// `NimBLE`'s for an endpoint that nobody serves; BlueZ's for a link that was lost meanwhile.
pub(super) const UNLIKELY: u8 = 0x0e;
const INSUFFICIENT_ENCRYPTION: u8 = 0x0f;
