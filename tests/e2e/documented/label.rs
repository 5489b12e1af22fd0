//! A label is enough: today's default firmware, from the QR payload that it shows itself, at the
//! addresses that it has.

use serde_json::Value;

use super::{HOME, HOTSPOT, place};
use crate::support::device::Device;
use crate::support::espctl::{Output, typed};
use crate::support::owner::Owner;

#[test]
fn provisions_and_maps_current_firmware_from_qr_code_alone() {
    let test = "e2e::documented::label::provisions_and_maps_current_firmware_from_qr_code_alone";
    if !place(test).is_entered() {
        return;
    }
    let owner = Owner::start(&[]);
    let cloud = ["--cloud", owner.cloud.url()];
    let over_softap = [&cloud[..], &HOTSPOT].concat();
    for (device, transport) in [
        (Device::over_bluetooth(&cloud), "ble"),
        (Device::start(&over_softap), "softap"),
    ] {
        // What a board of today is, without a word about it.
        for (key, value) in [
            ("sec_ver", Value::from(2)),
            ("username", "wifiprov".into()),
            ("firmware", "network_provisioning".into()),
            ("transport", transport.into()),
        ] {
            assert_eq!(device.ready[key], value, "{}", device.ready);
        }
        let code = device.ready["qrcode"].as_str().expect("a QR code");
        let line = format!(
            "espctl provision --qrcode '{code}' --ssid {} --passphrase '{}' --format json",
            HOME.0, HOME.1
        );
        let run = typed(&line).env("RM_USER_CONFIG_DIR", owner.account.folder());
        let output = device.near(run).output();
        check(&output, transport, &device);
        assert!(owner.has(&device), "{output}");
    }
}

#[track_caller]
fn check(output: &Output, transport: &str, device: &Device) {
    assert_eq!(output.exit, Some(0), "{output}");
    let summary = &output.result()["summary"];
    for (key, value) in [
        ("mapped", Value::from(true)),
        ("mapped_by", "challenge_response".into()),
        ("node_id", device.node_id().into()),
        ("security", 2.into()),
        ("ssid", HOME.0.into()),
        ("transport", transport.into()),
    ] {
        assert_eq!(summary[key], value, "{key}: {output}");
    }
    assert_eq!(device.log_entries("secured")[0]["username"], "wifiprov");
    assert_eq!(device.log_entries("wifi_joined").len(), 1);
    // In this order, and it still signs for its owner.
    let order: Vec<Value> = device
        .log()
        .iter()
        .map(|entry| entry["event"].clone())
        .filter(|event| event == "challenge_signed" || event == "wifi_set")
        .collect();
    assert_eq!(order, ["challenge_signed", "wifi_set"]);
    for event in ["strike", "refused", "chal_resp_disabled"] {
        assert!(device.log_entries(event).is_empty(), "{:#?}", device.log());
    }
}
