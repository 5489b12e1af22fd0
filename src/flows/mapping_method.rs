//! The two ways in which a device is tied to an account.

use serde::Serialize;

use crate::endpoint::challenge_response::CHALLENGE_RESPONSE;
use crate::endpoint::version::Version;

/// How a node was mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingMethod {
    /// It signed a challenge.
    ChallengeResponse,
    /// It and the account were told the same secret.
    SecretKey,
}

impl MappingMethod {
    /// The one that firmware with this version document is mapped by.
    pub fn of(version: &Version) -> Self {
        if version.has(CHALLENGE_RESPONSE) {
            Self::ChallengeResponse
        } else {
            Self::SecretKey
        }
    }
}
