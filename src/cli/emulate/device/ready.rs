//! The first line of an emulated device: where it is, and what opens it. Not how it came to be
//! there.

use std::net::SocketAddr;

use serde::Serialize;
use serde_json::{Value, json};

use super::console::QR_TRANSPORT;
use super::label::Label;
use super::{EmulateDevice, Medium};
use crate::emulator::device::{Firmware, NodeSettings, Offering};
use crate::security::SecurityScheme;

/// Where a device can be reached.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// Nowhere: it has nothing to offer.
    Nowhere,
    /// At a port.
    Port(SocketAddr),
    /// In the air, through an adapter on a bus.
    #[cfg(target_os = "linux")]
    Air {
        address: String,
        bus_address: String,
    },
    /// On a serial line, which is a pty.
    #[cfg(unix)]
    Line { pty: String, baud: u32 },
}

impl Place {
    fn address(&self) -> Option<String> {
        match self {
            Self::Nowhere => None,
            Self::Port(bound) => Some(bound.ip().to_string()),
            #[cfg(target_os = "linux")]
            Self::Air { address, .. } => Some(address.clone()),
            #[cfg(unix)]
            Self::Line { .. } => None,
        }
    }

    fn bound(&self) -> Option<SocketAddr> {
        match self {
            Self::Port(bound) => Some(*bound),
            _ => None,
        }
    }

    fn bus_address(&self) -> Option<&str> {
        match self {
            #[cfg(target_os = "linux")]
            Self::Air { bus_address, .. } => Some(bus_address),
            _ => None,
        }
    }

    fn line(&self) -> Option<(&str, u32)> {
        match self {
            #[cfg(unix)]
            Self::Line { pty, baud } => Some((pty, *baud)),
            _ => None,
        }
    }
}

impl EmulateDevice {
    /// The line.
    pub(super) fn ready(
        &self,
        place: &Place,
        name: &str,
        label: &Label,
        node: Option<&NodeSettings>,
    ) -> Value {
        let transport = self.transport.name();
        let offering = self.offering();
        let on_network = offering.is_on_network();
        let node_id = node.map(|node| node.id.as_str());
        let ready = Ready {
            event: "ready",
            transport,
            service: match offering {
                Offering::Provisioning => None,
                Offering::Standalone => Some("on_network"),
                Offering::LocalControl => Some("local_ctrl"),
            },
            address: place.address(),
            port: place.bound().map(|bound| bound.port()),
            url: place.bound().map(|bound| format!("http://{bound}")),
            bus_address: place.bus_address(),
            pty: place.line().map(|(pty, _)| pty),
            baud: place.line().map(|(_, baud)| baud),
            name,
            instance: on_network.then_some(name),
            host: node_id
                .filter(|_| on_network)
                .map(|id| format!("{id}.local")),
            node_id,
            pop: label.pop.as_deref(),
            username: label.username.as_deref(),
            sec_ver: label.secret.scheme(),
            firmware: (!on_network).then(|| self.firmware()),
            provisioned: matches!(place, Place::Nowhere),
            // It is about being provisioned.
            qrcode: (!on_network && self.shows_qr_code()).then(|| {
                let transport = match self.transport {
                    Medium::Console => QR_TRANSPORT,
                    _ => transport,
                };
                label.qr_code(name, transport)
            }),
        };
        json!(ready)
    }
}

#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    transport: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bus_address: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    baud: Option<u32>,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pop: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    sec_ver: SecurityScheme,
    #[serde(skip_serializing_if = "Option::is_none")]
    firmware: Option<Firmware>,
    /// Whether it has credentials, so that there is nothing to reach.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    provisioned: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    qrcode: Option<String>,
}
