//! The state of a mapping and its result.

use tokio::time::Instant;

use crate::cloud::mapping::Challenge;
use crate::endpoint::challenge_response::Signed;
use crate::flows::mapping_method::MappingMethod;
use crate::flows::run::StartedStage;
use crate::secret::Secret;

/// A node in its owner's account.
#[derive(Clone, Debug)]
pub struct MappedNode {
    /// The node's id in the account.
    pub node_id: String,
    /// The method that put it there.
    pub method: MappingMethod,
}

/// The state of a mapping after the device's half.
#[derive(Debug)]
pub(in crate::flows) enum Progress {
    /// The node is in the account.
    Done {
        node_id: String,
        pending_setup: PendingSetup,
    },
    /// The device signed, but the account was not reachable.
    Signed {
        challenge: IssuedChallenge,
        signed: Signed,
        stage: StartedStage,
        /// Whether the account may have accepted the signature, because only its answer was lost.
        may_be_mapped: bool,
    },
    /// The device has the secret key, and confirms the mapping once it is online.
    SecretSent {
        node_id: String,
        secret_key: Secret<String>,
    },
}

/// Which of the owner's extras the node still lacks: tags, metadata, group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flows) enum PendingSetup {
    /// The node has all of them.
    Nothing,
    /// The node is not in the group, or the cloud does not report it.
    Group,
    /// The cloud's answer was lost, so espctl sets all of them.
    Everything,
}

/// A challenge, and the time until which the account accepts a signature of it.
#[derive(Clone, Debug)]
pub(in crate::flows) struct IssuedChallenge {
    pub(super) challenge: Challenge,
    pub(super) until: Instant,
}
