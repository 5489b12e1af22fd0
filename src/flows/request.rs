//! What a run is asked to do: the same whether flags, a row of a file or a page say so.

use std::sync::Arc;

use super::pace::Pace;
use super::target::Target;
use crate::cloud::Client;
use crate::cloud::mapping::Extras;
use crate::ident::{Passphrase, Ssid};
use crate::qr::Network;
use crate::secret::Secret;
use crate::security::SecurityScheme;

/// One run with a device: give it a network, an owner, or both.
#[derive(Clone, Debug)]
pub struct ProvisionRequest {
    /// The device.
    pub device: DeviceRequest,
    /// The network that it joins; `None` leaves it without.
    pub network: Option<NetworkRequest>,
    /// Its owner; `None` leaves it without.
    pub owner: Option<OwnerRequest>,
}

/// A device, and how to start a session with it.
#[derive(Clone, Debug)]
pub struct DeviceRequest {
    /// Which device.
    pub target: Target,
    /// The secrets of the session.
    pub access: Access,
    /// How long to look and to wait.
    pub pace: Pace,
    /// The device, in messages.
    pub label: String,
    /// The kind of network that its label names.
    pub network: Option<Network>,
}

/// What a session starts with. What is missing is read from the device, or asked.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Asked for explicitly; else the device's announcement counts.
    pub scheme: Option<SecurityScheme>,
    /// The proof of possession; also the Security 2 password when none is given.
    pub pop: Option<Secret<String>>,
    /// Security 2; default `wifiprov`.
    pub username: Option<String>,
    /// Security 2.
    pub password: Option<Secret<String>>,
    /// What a label calls its password: the hotspot's key, and perhaps that of Security 2 too.
    pub label_password: Option<Secret<String>>,
    /// Whether the broken verifier forms may be tried, each costing a strike.
    pub sec2_compat: bool,
}

/// A Wi-Fi network. What is missing is chosen or asked.
#[derive(Clone, Debug, Default)]
pub struct NetworkRequest {
    /// The network's name.
    pub ssid: Option<Ssid>,
    /// Its passphrase; empty for an open network, absent when not given.
    pub passphrase: Option<Passphrase>,
    /// How often to try again after a definite failure, with the same credentials.
    pub retries: u32,
}

/// The owner of a device.
#[derive(Clone, Debug)]
pub struct OwnerRequest {
    /// The account.
    pub cloud: Arc<Client>,
    /// What the node gets along with its owner.
    pub extras: Extras,
    /// Whether to disable challenge-response on the device afterwards.
    pub disable: bool,
}
