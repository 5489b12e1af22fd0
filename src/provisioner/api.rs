//! The traits of a device that can be given a network.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use super::error::{ProvisionError, ReconnectError};
use super::network::NetworkCredentials;
use super::state::JoinState;
use crate::endpoint::wifi_scan::AccessPoint;
use crate::session::HandshakePermit;
use crate::transport::Limits;

/// A connected device. Any method may follow one whose future was dropped.
#[async_trait]
pub trait Provisioner: fmt::Debug + Send {
    /// What the device can do.
    fn abilities(&self) -> Abilities;

    /// Lists the Wi-Fi networks that the device sees: strongest first, each name once.
    async fn scan_networks(&mut self) -> Result<Vec<AccessPoint>, ProvisionError>;

    /// Hands over a network. The device does nothing with it before [`apply`](Self::apply).
    async fn set_credentials(&mut self, network: &NetworkCredentials)
    -> Result<(), ProvisionError>;

    /// Makes the device join the network.
    async fn apply(&mut self) -> Result<(), ProvisionError>;

    /// How joining gets on. A device whose reports are [`Pushed`](JoinReports::Pushed) says it when
    /// there is something new; an outcome is repeated when asked again.
    async fn join_state(&mut self) -> Result<JoinState, ProvisionError>;

    /// Makes the device forget a network that it failed to join, and wait for another.
    async fn reset(&mut self) -> Result<(), ProvisionError>;

    /// Finds the device again and connects to it, once. A protocol without handshakes does not use the
    /// permit.
    async fn reconnect(
        &mut self,
        permit: &HandshakePermit,
        within: Duration,
        limits: &Limits,
    ) -> Result<(), ReconnectError>;

    /// Closes the connection.
    async fn close(&mut self) -> Result<(), ProvisionError>;
}

/// What a device can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Abilities {
    /// Whether it lists the networks that it sees.
    pub can_scan: bool,
    /// Whether it can be found again when contact is lost.
    pub can_reconnect: bool,
    /// Whether it can forget a network.
    pub reset: ResetAbility,
    /// How it reports joining.
    pub reports: JoinReports,
}

/// How a device forgets a network that it failed to join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetAbility {
    /// By itself, after attempts of its own (firmware before ESP-IDF 5.1).
    ByItself,
    /// Nothing needs to be forgotten: the next network replaces it.
    NotNeeded,
    /// When it is asked to.
    OnRequest,
}

/// How a device reports joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinReports {
    /// It answers when asked.
    Polled,
    /// It says so by itself.
    Pushed,
}
