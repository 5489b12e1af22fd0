//! How a device that was told to join a network gets on.

use super::network::JoinedNetwork;

pub use crate::endpoint::wifi_config::JoinFailure;

/// What a device says about joining.
#[derive(Clone, Debug)]
pub enum JoinState {
    /// Under way.
    Joining {
        /// How many attempts are left, if the device counts them.
        attempts_remaining: Option<u32>,
    },
    /// Success, with the details that prove it.
    Joined {
        /// The network.
        network: JoinedNetwork,
        /// Pages of the device that a person can open now.
        urls: Vec<String>,
    },
    /// The device gave up. `None` if it does not say why.
    Failed(Option<JoinFailure>),
}
