//! The names of endpoints and services.

use std::borrow::Cow;

use derive_more::Display;

/// A protocomm endpoint: the user description of a BLE characteristic, an HTTP path, or the first
/// word of a console line.
#[derive(Clone, Debug, Display, PartialEq, Eq, Hash)]
pub struct EndpointName(Cow<'static, str>);

impl EndpointName {
    /// Signs a challenge (`esp_rmaker_chal_resp.c`). Both services use this name.
    pub const CH_RESP: Self = Self::from_static("ch_resp");
    /// Sets the device's owner (`esp_rmaker_user_mapping.c`).
    pub const CLOUD_USER_ASSOC: Self = Self::from_static("cloud_user_assoc");
    /// Sets Wi-Fi or Thread credentials (`NP/src/network_config.c`).
    pub const PROV_CONFIG: Self = Self::from_static("prov-config");
    /// Resets the provisioning state (`NP/src/network_ctrl.c`).
    pub const PROV_CTRL: Self = Self::from_static("prov-ctrl");
    /// Lists the networks that the device sees (`NP/src/network_scan.c`).
    pub const PROV_SCAN: Self = Self::from_static("prov-scan");

    /// Names an endpoint that espctl uses itself.
    pub const fn from_static(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Names an endpoint that the user requested.
    pub fn new(name: String) -> Self {
        Self(Cow::Owned(name))
    }

    /// The name as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The protocomm service of a device. It determines two endpoint names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `esp_local_ctrl`, or RainMaker's separate on-network service: a device that is on the
    /// network.
    LocalControl,
    /// The provisioning manager: a device that waits for credentials.
    Provisioning,
}

impl Service {
    /// The endpoint of handshake messages.
    pub const fn session_endpoint(self) -> EndpointName {
        match self {
            Self::LocalControl => EndpointName::from_static("esp_local_ctrl/session"),
            Self::Provisioning => EndpointName::from_static("prov-session"),
        }
    }

    /// The endpoint of the version document, which is never encrypted.
    pub const fn version_endpoint(self) -> EndpointName {
        match self {
            Self::LocalControl => EndpointName::from_static("esp_local_ctrl/version"),
            Self::Provisioning => EndpointName::from_static("proto-ver"),
        }
    }
}
