//! What the bytes mean: typed commands ⇄ plaintext messages, one file an endpoint. No socket, no
//! keys: a command is encoded here, sealed and moved elsewhere, and its reply decoded here.
//!
//! | endpoint | command → reply | module |
//! |---|---|---|
//! | `proto-ver` | – → [`Version`](version::Version), never encrypted | [`version`] |
//! | `prov-scan` | [`StartScan`](wifi_scan::StartScan) → (), [`ScanStatus`](wifi_scan::ScanStatus) → progress, [`ScanResults`](wifi_scan::ScanResults) → access points | [`wifi_scan`] |
//! | `prov-config` | [`SetWifi`](wifi_config::SetWifi) → (), [`ApplyWifi`](wifi_config::ApplyWifi) → (), [`WifiStatus`](wifi_config::WifiStatus) → [`WifiState`](wifi_config::WifiState) | [`wifi_config`] |
//! | `ch_resp` | [`SignChallenge`](challenge_response::SignChallenge) → [`Challenged`](challenge_response::Challenged), [`DisableChallengeResponse`](challenge_response::DisableChallengeResponse) → [`Disabled`](challenge_response::Disabled) | [`challenge_response`] |
//! | `cloud_user_assoc` | [`SetUserMapping`](user_mapping::SetUserMapping) → the node's id | [`user_mapping`] |
//! | `prov-ctrl` | [`ResetWifi`](wifi_ctrl::ResetWifi) → (), [`Reprovision`](wifi_ctrl::Reprovision) → () | [`wifi_ctrl`] |
//!
//! A reply counts only if its message type and its expected arm are there: proto3 leaves zero
//! values out, and zero means "success" and "connected".

pub mod challenge_response;
pub mod user_mapping;
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
    fn named(number: i32, name: impl FnOnce(i32) -> Option<&'static str>) -> Self {
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
fn check_status(status: i32) -> Result<(), ReplyError> {
    match status {
        0 => Ok(()),
        other => Err(ReplyError::Refused {
            status: DeviceStatus::of_protocomm(other),
        }),
    }
}

/// A node's id, if it can be one: it becomes part of addresses and messages.
fn node_id(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    ((1..=LONGEST_NODE_ID).contains(&text.len()) && text.chars().all(fits)).then(|| text.to_owned())
}

/// RainMaker's have 22 characters, MAC addresses 12, UUIDs 36.
const LONGEST_NODE_ID: usize = 128;
