//! Where a mapping stands, and what becomes of it.

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
    /// How it got there.
    pub way: MappingMethod,
}

/// Where a mapping stands.
#[derive(Debug)]
pub(in crate::flows) enum Progress {
    /// The node is in the account.
    Done { node_id: String, rest: PendingSetup },
    /// The device signed, and the account could not be reached.
    Signed {
        challenge: Issued,
        signed: Signed,
        stage: StartedStage,
        /// Whether the signature may have counted all the same.
        in_doubt: bool,
    },
    /// The device will confirm it once it is online.
    SecretSent {
        node_id: String,
        secret_key: Secret<String>,
    },
}

/// What is left to do about that which goes along with the owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::flows) enum PendingSetup {
    /// The mapping is complete.
    Nothing,
    /// The node is not in the group, or the cloud does not say.
    Group,
    /// The cloud's answer was lost.
    Everything,
}

/// A challenge, and until when a signature of it counts.
#[derive(Clone, Debug)]
pub(in crate::flows) struct Issued {
    pub(super) challenge: Challenge,
    pub(super) until: Instant,
}
