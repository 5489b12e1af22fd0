//! What a node says about itself to its cloud: a lamp with the services of RainMaker's examples.
//! Constant but for the id; the parameters do nothing here.

use serde_json::{Value, json};

/// The node config.
pub fn node_config(node_id: &str) -> Value {
    let written = json!(["read", "write"]);
    let read = json!(["read"]);
    json!({
        "node_id": node_id,
        "config_version": "2020-03-20",
        "info": {
            "name": "ESP RainMaker Device",
            "type": "Lightbulb",
            "model": "led_light",
            "fw_version": "1.0",
            "project_name": "led_light",
            "platform": "esp32c3",
        },
        "attributes": [{"name": "serial_num", "value": "012345"}],
        "devices": [{
            "name": "Light",
            "type": "esp.device.lightbulb",
            "primary": "Power",
            "params": [
                {"name": "Name", "type": "esp.param.name", "data_type": "string", "properties": written},
                {"name": "Power", "type": "esp.param.power", "data_type": "bool",
                 "properties": written, "ui_type": "esp.ui.toggle"},
                {"name": "Brightness", "type": "esp.param.brightness", "data_type": "int",
                 "properties": written, "ui_type": "esp.ui.slider",
                 "bounds": {"min": 0, "max": 100, "step": 1}},
            ],
        }],
        "services": [
            {"name": "Time", "type": "esp.service.time", "params": [
                {"name": "TZ", "type": "esp.param.tz", "data_type": "string", "properties": written},
                {"name": "TZ-POSIX", "type": "esp.param.tz_posix", "data_type": "string",
                 "properties": written},
            ]},
            {"name": "OTA", "type": "esp.service.ota", "params": [
                {"name": "Status", "type": "esp.param.ota_status", "data_type": "string",
                 "properties": read},
                {"name": "URL", "type": "esp.param.ota_url", "data_type": "string",
                 "properties": ["write"]},
            ]},
            {"name": "System", "type": "esp.service.system", "params": [
                {"name": "Reboot", "type": "esp.param.reboot", "data_type": "bool",
                 "properties": written},
                {"name": "Wi-Fi-Reset", "type": "esp.param.wifi-reset", "data_type": "bool",
                 "properties": written},
                {"name": "Factory-Reset", "type": "esp.param.factory-reset", "data_type": "bool",
                 "properties": written},
            ]},
        ],
    })
}
