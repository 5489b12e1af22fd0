//! The state of a device that was asked to join a network.

use super::network::JoinedNetwork;

pub use crate::endpoint::wifi_config::JoinFailure;

/// The state of the join.
#[derive(Clone, Debug)]
pub enum JoinState {
    /// The device is joining.
    Joining {
        /// The number of remaining attempts, if the device reports it.
        attempts_remaining: Option<u32>,
    },
    /// The device joined; the details prove it.
    Joined {
        /// The network.
        network: JoinedNetwork,
        /// Pages of the device that the user can open now.
        urls: Vec<String>,
    },
    /// The device gave up. `None` if it reports no reason.
    Failed(Option<JoinFailure>),
}
