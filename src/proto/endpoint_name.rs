//! The names that requests are addressed to. Not the bytes that travel there.

use std::borrow::Cow;
use std::fmt;

/// A protocomm endpoint: a BLE characteristic's user description, an HTTP path, the first word
/// of a console line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EndpointName(Cow<'static, str>);

impl EndpointName {
    /// A challenge to sign (`esp_rmaker_chal_resp.c`); the same name in both services.
    pub const CH_RESP: Self = Self::from_static("ch_resp");
    /// The user that a device belongs to (`esp_rmaker_user_mapping.c`).
    pub const CLOUD_USER_ASSOC: Self = Self::from_static("cloud_user_assoc");
    /// Wi-Fi and Thread credentials (`NP/src/network_config.c`).
    pub const PROV_CONFIG: Self = Self::from_static("prov-config");
    /// Resetting the provisioning state (`NP/src/network_ctrl.c`).
    pub const PROV_CTRL: Self = Self::from_static("prov-ctrl");
    /// The networks that the device sees (`NP/src/network_scan.c`).
    pub const PROV_SCAN: Self = Self::from_static("prov-scan");

    /// Names an endpoint that this program knows.
    pub const fn from_static(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Names an endpoint that only the user knows.
    pub fn new(name: String) -> Self {
        Self(Cow::Owned(name))
    }

    /// The name as it travels.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which protocomm service a device runs; it decides two endpoint names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `esp_local_ctrl`, and RainMaker's stand-alone on-network service: a device on the network.
    LocalControl,
    /// The provisioning manager: a device that waits for its network.
    Provisioning,
}

impl Service {
    /// Where handshake messages go.
    pub const fn session_endpoint(self) -> EndpointName {
        match self {
            Self::LocalControl => EndpointName::from_static("esp_local_ctrl/session"),
            Self::Provisioning => EndpointName::from_static("prov-session"),
        }
    }

    /// Where the version document is read, always in the clear.
    pub const fn version_endpoint(self) -> EndpointName {
        match self {
            Self::LocalControl => EndpointName::from_static("esp_local_ctrl/version"),
            Self::Provisioning => EndpointName::from_static("proto-ver"),
        }
    }
}
