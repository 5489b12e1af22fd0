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

pub use endpoint_name::{EndpointName, Service};
pub use generated::{network_provisioning, protocomm, rainmaker, rmaker_ch_resp};

/// The modules as `prost` generates them; `proto/build.rs` redacts the secrets in their debug forms.
#[expect(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    reason = "generated; the .proto files carry the comments"
)]
mod generated {
    /// Handshake messages and the status enum, as `protoc` names them.
    pub mod protocomm {
        include!(concat!(env!("OUT_DIR"), "/protocomm.rs"));
    }

    /// Wi-Fi and Thread configuration, scan and control.
    pub mod network_provisioning {
        include!(concat!(env!("OUT_DIR"), "/network_provisioning.rs"));
    }

    /// The owner of a device.
    pub mod rainmaker {
        include!(concat!(env!("OUT_DIR"), "/rainmaker.rs"));
    }

    /// A challenge and its signature.
    pub mod rmaker_ch_resp {
        include!(concat!(env!("OUT_DIR"), "/rmaker_ch_resp.rs"));
    }
}
