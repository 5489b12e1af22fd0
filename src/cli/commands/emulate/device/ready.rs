//! The first line of an emulated device: its address and its secrets.

use serde_json::{Map, Value, json};

use super::args::EmulateDevice;
use super::label::Label;
use crate::emulator::device::{NodeSettings, Offering};

/// The line. Without an address, the device has credentials, and no client can connect.
pub(super) fn describe_device(
    args: &EmulateDevice,
    address: Option<&Value>,
    name: &str,
    label: &Label,
    node: Option<&NodeSettings>,
) -> Value {
    let offering = args.offering();
    let on_network = offering.is_on_network();
    let node_id = node.map(|node| node.id.as_str());
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
        json!(address),
        json!({
            "name": name,
            "instance": on_network.then_some(name),
            "host": node_id.filter(|_| on_network).map(|id| format!("{id}.local")),
            "node_id": node_id,
            "pop": label.pop,
            "username": label.username,
            "sec_ver": label.secret.scheme(),
            "firmware": (!on_network).then(|| args.firmware.to_string()),
            "provisioned": address.is_none().then_some(true),
            "qrcode": label.qr_code(args, name),
        }),
    ];
    let keys = parts.iter().filter_map(Value::as_object).flatten();
    let keys = keys.filter(|(_, value)| !value.is_null());
    let keys: Map<_, _> = keys
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    keys.into()
}
