//! The wire format: the protobuf messages, one submodule for each `.proto` package, and the names
//! of endpoints. `endpoint` defines the meaning of messages, `security` encrypts them.
//!
//! | module | messages | source of the numbers |
//! |---|---|---|
//! | [`protocomm`] | session envelope, Security 0, 1, 2, status | ESP-IDF `components/protocomm/proto/` |
//! | [`network_provisioning`] | prov-config, prov-scan, prov-ctrl | idf-extra-components `network_provisioning/proto/`; ESP-IDF's `wifi_provisioning` is its Wi-Fi half |
//! | [`rainmaker`] | `cloud_user_assoc` | esp-rainmaker `esp_rmaker_user_mapping.proto` |
//! | [`rmaker_ch_resp`] | `ch_resp` | esp-rainmaker `esp_rmaker_chal_resp.proto` |
//!
//! proto3 omits zero values: a missing status decodes as success, a missing station state as
//! "connected". Code must therefore check the message type and the payload before it uses a
//! default.

mod endpoint_name;

use std::fmt;

pub use endpoint_name::{EndpointName, Service};

/// Handshake messages and the status enum, as `protoc` names them.
#[expect(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated; the .proto files carry the comments"
)]
pub mod protocomm {
    include!(concat!(env!("OUT_DIR"), "/protocomm.rs"));
}

/// Wi-Fi and Thread configuration, scan and control.
#[expect(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated; the .proto files carry the comments"
)]
pub mod network_provisioning {
    include!(concat!(env!("OUT_DIR"), "/network_provisioning.rs"));
}

/// The owner of a device.
#[expect(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated; the .proto files carry the comments"
)]
pub mod rainmaker {
    include!(concat!(env!("OUT_DIR"), "/rainmaker.rs"));
}

/// A challenge and its signature.
#[expect(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated; the .proto files carry the comments"
)]
pub mod rmaker_ch_resp {
    include!(concat!(env!("OUT_DIR"), "/rmaker_ch_resp.rs"));
}

impl fmt::Debug for network_provisioning::CmdSetWifiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CmdSetWifiConfig")
            .field("ssid", &self.ssid)
            .field("passphrase", &"<redacted>")
            .field("bssid", &self.bssid)
            .field("channel", &self.channel)
            .finish()
    }
}

/// The dataset contains the network key.
impl fmt::Debug for network_provisioning::CmdSetThreadConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CmdSetThreadConfig")
            .field("dataset", &"<redacted>")
            .finish()
    }
}

/// The secret key is enough to map the device.
impl fmt::Debug for rainmaker::CmdSetUserMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CmdSetUserMapping")
            .field("user_id", &self.user_id)
            .field("secret_key", &"<redacted>")
            .finish()
    }
}
