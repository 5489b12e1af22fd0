//! What the bytes mean: typed commands ⇄ plaintext messages, one file an endpoint. No socket, no
//! keys: a command is encoded here, sealed and moved elsewhere, and its reply decoded here.
//!
//! | endpoint | command → reply | module |
//! |---|---|---|
//! | `proto-ver` | – → [`Version`](version::Version), never encrypted | [`version`] |
//! | `prov-scan` | [`StartScan`](wifi_scan::StartScan) → (), [`ScanStatus`](wifi_scan::ScanStatus) → progress, [`ScanResults`](wifi_scan::ScanResults) → access points | [`wifi_scan`] |
//! | `prov-config` | [`SetWifi`](wifi_config::SetWifi) → (), [`ApplyWifi`](wifi_config::ApplyWifi) → (), [`WifiStatus`](wifi_config::WifiStatus) → [`WifiState`](wifi_config::WifiState) | [`wifi_config`] |
//! | `prov-ctrl` | [`ResetWifi`](wifi_ctrl::ResetWifi) → (), [`Reprovision`](wifi_ctrl::Reprovision) → () | [`wifi_ctrl`] |
//!
//! A reply counts only if its message type and its expected arm are there: proto3 leaves zero
//! values out, and zero means "success" and "connected".

pub mod version;
pub mod wifi_config;
pub mod wifi_ctrl;
pub mod wifi_scan;

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
pub struct DeviceStatus(i32);

impl DeviceStatus {
    /// The number on the wire.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// `InternalError`: what the provisioning manager says to a command that does not fit its
    /// state.
    pub fn is_wrong_state(self) -> bool {
        self.0 == i32::from(Status::InternalError)
    }
}

impl fmt::Display for DeviceStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Status::try_from(self.0) {
            Ok(status) => f.write_str(status.as_str_name()),
            Err(_) => write!(f, "status {}", self.0),
        }
    }
}

/// Turns a status field into a refusal, unless it says success.
fn check_status(status: i32) -> Result<(), ReplyError> {
    match status {
        0 => Ok(()),
        other => Err(ReplyError::Refused {
            status: DeviceStatus(other),
        }),
    }
}
