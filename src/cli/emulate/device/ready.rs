//! The first line of an emulated device: where it is, and what opens it. Not how it came to be
//! there.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;
use serde_json::{Value, json};

use super::EmulateDevice;
use super::label::Label;
use crate::emulator::device::{Firmware, NodeSettings, Offering};
use crate::security::SecurityScheme;

impl EmulateDevice {
    /// The line. Without an address, the device has nothing to offer.
    pub(super) fn ready(
        &self,
        bound: Option<SocketAddr>,
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
            address: bound.map(|bound| bound.ip()),
            port: bound.map(|bound| bound.port()),
            url: bound.map(|bound| format!("http://{bound}")),
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
            provisioned: bound.is_none(),
            // It is about being provisioned.
            qrcode: (!on_network).then(|| label.qr_code(name, transport)),
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
    address: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
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
