//! The first line of an emulated device: where it is, and what opens it.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use super::console::QR_TRANSPORT;
use super::label::Label;
use super::{EmulateDevice, Medium};
use crate::emulator::device::{NodeSettings, Offering};

/// Where a device can be reached.
#[derive(Clone, Debug)]
pub(super) enum ListenAddress {
    Port(SocketAddr),
    /// Through an adapter on a bus.
    #[cfg(target_os = "linux")]
    Ble {
        address: String,
        bus_address: String,
    },
    #[cfg(unix)]
    Console {
        pty: String,
        baud: u32,
    },
}

impl ListenAddress {
    /// The keys of the first line.
    fn keys(&self) -> Value {
        match self {
            Self::Port(bound) => json!({
                "address": bound.ip(),
                "port": bound.port(),
                "url": format!("http://{bound}"),
            }),
            #[cfg(target_os = "linux")]
            Self::Ble {
                address,
                bus_address,
            } => json!({"address": address, "bus_address": bus_address}),
            #[cfg(unix)]
            Self::Console { pty, baud } => json!({"pty": pty, "baud": baud}),
        }
    }
}

impl EmulateDevice {
    /// The line. Without an address, the device has credentials, and there is nothing to reach.
    pub(super) fn ready(
        &self,
        address: Option<&ListenAddress>,
        name: &str,
        label: &Label,
        node: Option<&NodeSettings>,
    ) -> Value {
        let transport: &str = self.transport.into();
        let offering = self.offering();
        let on_network = offering.is_on_network();
        let node_id = node.map(|node| node.id.as_str());
        let qr_transport = match self.transport {
            Medium::Console => QR_TRANSPORT,
            _ => transport,
        };
        // A QR code is about being provisioned.
        let has_qr_code = !on_network && self.shows_qr_code();
        let service = match offering {
            Offering::Provisioning => None,
            Offering::Standalone => Some("on_network"),
            Offering::LocalControl => Some("local_ctrl"),
        };
        let parts = [
            json!({"event": "ready", "transport": transport, "service": service}),
            address.map_or_else(|| json!({}), ListenAddress::keys),
            json!({
                "name": name,
                "instance": on_network.then_some(name),
                "host": node_id.filter(|_| on_network).map(|id| format!("{id}.local")),
                "node_id": node_id,
                "pop": label.pop,
                "username": label.username,
                "sec_ver": label.secret.scheme(),
                "firmware": (!on_network).then(|| self.firmware().to_string()),
                "provisioned": address.is_none().then_some(true),
                "qrcode": has_qr_code.then(|| label.qr_code(name, qr_transport)),
            }),
        ];
        let keys = parts.into_iter().filter_map(|part| match part {
            Value::Object(keys) => Some(keys),
            _ => None,
        });
        let keys: Map<_, _> = keys
            .flatten()
            .filter(|(_, value)| !value.is_null())
            .collect();
        keys.into()
    }
}
