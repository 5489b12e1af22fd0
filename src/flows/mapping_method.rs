//! The two methods of mapping a device to an account.

use serde::Serialize;

use crate::endpoint::challenge_response::CHALLENGE_RESPONSE;
use crate::endpoint::version::Version;

/// How a node was mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingMethod {
    /// The device signs a challenge from the account.
    ChallengeResponse,
    /// The device and the account get the same secret key.
    SecretKey,
}

impl MappingMethod {
    /// The method for firmware with this version document.
    pub fn of(version: &Version) -> Self {
        if version.has(CHALLENGE_RESPONSE) {
            Self::ChallengeResponse
        } else {
            Self::SecretKey
        }
    }
}
