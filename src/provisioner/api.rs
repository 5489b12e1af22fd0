//! The interface of a device that can be given a network.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::error::{ProvisionError, ReconnectError};
use super::network::NetworkCredentials;
use super::state::JoinState;
use crate::endpoint::wifi_scan::AccessPoint;
use crate::session::{Handshakes, Secured};
use crate::transport::Limits;

/// A connected device. Any method may follow one whose future was dropped.
#[async_trait]
pub trait Provisioner: fmt::Debug + Send {
    /// The device's abilities.
    fn abilities(&self) -> Abilities;

    /// Lists the Wi-Fi networks that the device sees: strongest first, each name once.
    async fn scan_networks(&mut self) -> Result<Vec<AccessPoint>, ProvisionError>;

    /// Sends the credentials. The device does nothing with them before [`apply`](Self::apply).
    async fn set_credentials(&mut self, network: &NetworkCredentials)
    -> Result<(), ProvisionError>;

    /// Makes the device join the network.
    async fn apply(&mut self) -> Result<(), ProvisionError>;

    /// The state of the join. With [`Pushed`](JoinReports::Pushed) reports, the future resolves
    /// when the device reports a new state. The final state is returned again on later calls.
    async fn join_state(&mut self) -> Result<JoinState, ProvisionError>;

    /// Makes the device forget a network that it failed to join, and wait for another.
    async fn reset(&mut self) -> Result<(), ProvisionError>;

    /// Finds the device again and connects to it, once. A protocol without handshakes does not use the
    /// permit.
    async fn reconnect(
        &mut self,
        handshakes: &Handshakes,
        within: Duration,
        limits: &Limits,
    ) -> Result<(), ReconnectError>;

    /// The session, over which the device can also be mapped; `None` for a protocol without sessions.
    fn secured(&mut self) -> Option<&mut Secured> {
        None
    }

    /// Closes the connection. The device closes its side by itself, so a failure has no effect.
    async fn close(&mut self);
}

/// A device's abilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Whether the device lists the networks that it sees.
    pub can_scan: bool,
    /// Whether the device can be found again after a lost connection.
    pub can_reconnect: bool,
    /// Whether the device can forget a network.
    pub reset: ResetAbility,
    /// How the device reports the state of a join.
    pub reports: JoinReports,
}

/// How a device forgets a network that it failed to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetAbility {
    /// By itself, after a number of attempts (firmware before ESP-IDF 5.1).
    ByItself,
    /// Not at all: the next network replaces it.
    NotNeeded,
    /// On request.
    OnRequest,
}

/// How a device reports the state of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinReports {
    /// It answers when asked.
    Polled,
    /// It reports by itself.
    Pushed,
}
