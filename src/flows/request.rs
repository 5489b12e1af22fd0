//! The request for a run, as a face makes it of flags, a row of a file or a form.

use std::sync::Arc;

use super::target::Target;
use super::timing::Timing;
use crate::cloud::Client;
use crate::cloud::mapping::Extras;
use crate::ident::{Passphrase, Ssid};
use crate::qr::Network;
use crate::secret::Secret;
use crate::security::SecurityScheme;

/// A request to give a device a network, an owner, or both.
#[derive(Clone, Debug)]
pub struct ProvisionRequest {
    /// The device.
    pub device: DeviceRequest,
    /// The network to join; `None` sends no credentials.
    pub network: Option<NetworkRequest>,
    /// The owner; `None` leaves the device unmapped.
    pub owner: Option<OwnerRequest>,
}

/// A device, and how to start a session with it.
#[derive(Clone, Debug)]
pub struct DeviceRequest {
    /// Selects the device.
    pub target: Target,
    /// The secrets of the session.
    pub access: Access,
    /// Intervals and time limits.
    pub timing: Timing,
    /// The device's name in messages.
    pub label: String,
    /// The kind of network that the printed label names.
    pub network: Option<Network>,
}

/// The scheme and secrets of a session. Missing values are read from the device or asked for.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Overrides the scheme that the device announces.
    pub scheme: Option<SecurityScheme>,
    /// The proof of possession; also the Security 2 password if no password is given.
    pub pop: Option<Secret<String>>,
    /// The user name of Security 2; `wifiprov` if not given.
    pub username: Option<String>,
    /// The password of Security 2.
    pub password: Option<Secret<String>>,
    /// The password on the label: the hotspot's key, and possibly the password of Security 2.
    pub label_password: Option<Secret<String>>,
    /// Whether to try the broken verifier forms. The device counts each as a wrong secret.
    pub sec2_compat: bool,
}

/// A Wi-Fi network. Missing values are chosen or asked for.
#[derive(Clone, Debug, Default)]
pub struct NetworkRequest {
    /// The network's name.
    pub ssid: Option<Ssid>,
    /// Its passphrase; empty for an open network, `None` if not given.
    pub passphrase: Option<Passphrase>,
    /// The number of retries after a failure that the device reports, with the same credentials.
    pub retries: u32,
}

/// The owner of a device.
#[derive(Clone, Debug)]
pub struct OwnerRequest {
    /// The account.
    pub cloud: Arc<Client>,
    /// Tags, metadata and group of the node.
    pub extras: Extras,
    /// Whether to disable challenge-response on the device after the mapping.
    pub disable: bool,
}
