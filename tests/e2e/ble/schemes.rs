//! Every security scheme over Bluetooth, on both stacks, and secrets that are wrong.

use serde_json::json;

use super::{HOME, failed, joined, never_panicked, provision, provision_it};
use crate::support::device::{Device, access_points};

#[test]
fn every_scheme_joins_on_both_stacks() {
    let schemes: [(&[&str], u8); 5] = [
        (&["--sec-ver", "0"], 0),
        (&["--sec-ver", "1"], 1),
        (&["--sec-ver", "1", "--no-pop"], 1),
        (&["--sec-ver", "2", "--sec-patch-ver", "0"], 2),
        (&["--sec-ver", "2", "--sec-patch-ver", "1"], 2),
    ];
    for stack in ["nimble", "bluedroid"] {
        for (arguments, scheme) in schemes {
            let own = [arguments, &["--stack", stack]].concat();
            let device = Device::over_bluetooth(&own);
            let output = joined(provision_it(&device, &[]), &device);
            assert_eq!(output.result()["summary"]["security"], scheme, "{output}");
            // One link, one handshake, one version document, and no scan for a network that is named.
            for event in ["connection_opened", "session_opened", "secured", "wifi_set"] {
                assert_eq!(
                    device.log_entries(event).len(),
                    1,
                    "{event}: {:#?}",
                    device.log()
                );
            }
            assert_eq!(device.requests("proto-ver"), 1);
            assert_eq!(device.requests("prov-scan"), 0);
            assert!(device.log_entries("refused").is_empty());
        }
    }
}

#[test]
fn provisions_every_firmware_generation() {
    for firmware in ["v4.4", "v5", "network_provisioning"] {
        let device = Device::over_bluetooth(&["--firmware", firmware]);
        joined(provision_it(&device, &[]), &device);
    }
}

#[test]
fn qr_code_of_label_is_sufficient() {
    let device = Device::over_bluetooth(&[]);
    let code = device.ready["qrcode"].as_str().expect("a QR code");
    let mut line = vec!["provision", "--no-cloud", "--format", "json"];
    line.extend(["--qrcode", code]);
    line.extend(HOME);
    let output = device.run(line).output();
    never_panicked(&output);
    joined(output, &device);
}

#[test]
fn wrong_pop_is_tried_once() {
    for stack in ["nimble", "bluedroid"] {
        for scheme in ["1", "2"] {
            let device = Device::over_bluetooth(&[
                "--sec-ver",
                scheme,
                "--pop",
                "abcd1234",
                "--stack",
                stack,
                "--name",
                "PROV_x",
            ]);
            let mut line = vec!["--device-name", "PROV_x", "--pop", "wrong"];
            line.extend(HOME);
            failed(provision(&device, &line), 5, "wrong-pop", &["five wrong"]);
            assert_eq!(device.log_entries("handshake_started").len(), 1);
            assert_eq!(device.log_entries("strike").len(), 1, "{:#?}", device.log());
            assert!(device.log_entries("wifi_set").is_empty());
            // The device is free again at once.
            line[3] = "abcd1234";
            joined(provision(&device, &line), &device);
        }
    }
}

#[test]
fn wrong_passphrase_is_a_network_error() {
    let device = Device::over_bluetooth(&[]);
    let (name, pop) = (device.ready["name"].as_str().unwrap(), device.pop());
    let line = [
        "--device-name",
        name,
        "--pop",
        pop,
        "--ssid",
        "Home",
        "--passphrase",
        "wrong passphrase",
    ];
    failed(provision(&device, &line), 9, "wifi-auth-failed", &[]);
    // It was reset, and takes the right one.
    joined(provision_it(&device, &[]), &device);
}

#[test]
fn own_scan_finds_open_network() {
    let device = Device::over_bluetooth(&[]);
    let (name, pop) = (device.ready["name"].as_str().unwrap(), device.pop());
    let line = ["--device-name", name, "--pop", pop, "--ssid", "Guest"];
    joined(provision(&device, &line), &device);
    assert!(device.requests("prov-scan") >= 3);
}

#[test]
fn transfers_arbitrary_names_and_passphrases() {
    let longest = "p".repeat(63);
    let ssid = "0123456789abcdefghijklmnopqrstuv";
    let world = access_points(&json!([{
        "ssid": ssid, "bssid": "a0b1c2d3e4f5", "channel": 6, "rssi": -40, "auth": 3,
        "passphrase": longest,
    }]));
    let device =
        Device::over_bluetooth(&["--aps", &world, "--stack", "bluedroid", "--sec-ver", "1"]);
    let (name, pop) = (device.ready["name"].as_str().unwrap(), device.pop());
    let line = [
        "--device-name",
        name,
        "--pop",
        pop,
        "--ssid",
        ssid,
        "--passphrase",
        &longest,
    ];
    joined(provision(&device, &line), &device);
    assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], longest);
}
