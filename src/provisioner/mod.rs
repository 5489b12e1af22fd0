//! The interface between flows and any device that can be given a network, for all protocols.
//!
//! A [`Provisioner`] is such a device. [`Protocomm`] is a device with a session, which it lends to
//! callers: mapping and application endpoints use the session directly.

mod api;
mod error;
mod network;
mod protocol;
mod protocomm;
mod state;

pub use api::{Abilities, JoinReports, Provisioner, ResetAbility};
pub use error::{Cause, ProvisionError, ReconnectError, RequestFate};
pub use network::{
    JoinedNetwork, JoinedThread, JoinedWifi, NetworkCredentials, NetworkName, ThreadCredentials,
    WifiCredentials,
};
pub use protocol::{Opened, Protocol, ProtocommProtocol};
pub use protocomm::{Protocomm, ScanIntervals};
pub use state::{JoinFailure, JoinState};

use std::sync::Arc;

/// The protocols of the program. The first one that recognizes a device is used.
pub fn built_in_protocols() -> Vec<Arc<dyn Protocol>> {
    vec![Arc::new(ProtocommProtocol)]
}
