//! What a client needs for a connection: the listener of an emulated device, and its first line with
//! address and secrets.

use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::args::EmulateDevice;
use super::label::Label;
use crate::emulator::device::{NodeSettings, Offering, StopReason};

/// A device that clients can connect to.
pub(super) struct Listener {
    /// Its address, as keys of the first line. Null if the device does not offer provisioning.
    pub(super) address: Value,
    /// Serves the device until its service ends.
    pub(super) serving: LocalBoxFuture<'static, StopReason>,
}

/// A device of the run.
pub(super) struct NewDevice<'a> {
    pub(super) args: &'a EmulateDevice,
    /// Counted from 1.
    pub(super) number: u16,
    pub(super) name: &'a str,
    pub(super) label: &'a Label,
    pub(super) node: Option<&'a NodeSettings>,
}

/// The first line.
pub(super) fn describe_device(device: &NewDevice<'_>, address: &Value) -> Value {
    let (args, name, label) = (device.args, device.name, device.label);
    let offering = args.offering();
    let on_network = offering.is_on_network();
    let node_id = device.node.map(|node| node.id.as_str());
    let service = match offering {
        Offering::Provisioning => None,
        Offering::Standalone => Some("on_network"),
        Offering::LocalControl => Some("local_ctrl"),
    };
    let parts = [
        json!({
            "event": "ready",
            "transport": args.transport.to_string(),
            "service": service,
        }),
        address.clone(),
        json!({
            "name": name,
            "instance": on_network.then_some(name),
            "host": node_id.filter(|_| on_network).map(|id| format!("{id}.local")),
            "node_id": node_id,
            "pop": label.pop,
            "username": label.username,
            "sec_ver": label.secret.scheme(),
            "firmware": (!on_network).then(|| args.firmware.to_string()),
            "provisioned": address.is_null().then_some(true),
            "qrcode": label.qr_code(args, name),
        }),
    ];
    let keys = parts.iter().filter_map(Value::as_object).flatten();
    let keys = keys.filter(|(_, value)| !value.is_null());
    let keys = keys.map(|(key, value)| (key.clone(), value.clone()));
    Value::Object(keys.collect())
}
