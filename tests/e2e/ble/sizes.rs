//! What fits through a link: long answers, pages of a scan, and messages that do not fit.

use serde_json::{Value, json};

use super::{failed, never_panicked};
use crate::support::device::{Device, access_points};
use crate::support::espctl::Output;

fn ask(device: &Device, command: &[&str], arguments: &[&str]) -> Output {
    let name = device.ready["name"].as_str().expect("a name");
    let mut line = command.to_vec();
    line.extend([
        "--transport",
        "ble",
        "--format",
        "json",
        "--device-name",
        name,
    ]);
    line.extend(arguments);
    let output = device.run(line).output();
    never_panicked(&output);
    output
}

fn sixteen() -> Value {
    (0..16)
        .map(|number| {
            json!({
                "ssid": format!("Network with a long name {number:02}....."),
                "bssid": format!("a0b1c2d3e4{number:02x}"), "channel": 11, "rssi": -40 - number,
                "auth": 3, "passphrase": "correct horse battery",
            })
        })
        .collect()
}

#[test]
fn sixteen_access_points_arrive_in_fitting_pages() {
    let world = access_points(&sixteen());
    // Bluedroid without Security 2 has room for 257 bytes, with it for 481.
    for (stack, scheme, pages) in [
        ("nimble", "1", 4),
        ("bluedroid", "1", 4),
        ("nimble", "2", 3),
        ("bluedroid", "2", 3),
    ] {
        let device =
            Device::over_bluetooth(&["--aps", &world, "--stack", stack, "--sec-ver", scheme]);
        let pop = device.pop();
        let output = ask(&device, &["device", "wifi"], &["--pop", pop]).exits(0);
        let networks = output.result()["networks"].as_array().unwrap().len();
        assert_eq!(networks, 16, "{output}");
        let others = device.requests("prov-scan") - pages;
        // The scan's start, and the questions whether it is over.
        assert!((2..20).contains(&others), "{stack} {scheme}: {others}");
        let longest = device
            .log_entries("answered")
            .iter()
            .filter(|entry| entry["endpoint"] == "prov-scan")
            .filter_map(|entry| entry["bytes"].as_u64())
            .max();
        let room = if scheme == "1" { 257 } else { 481 };
        assert!(longest.is_some_and(|bytes| bytes <= room), "{longest:?}");
    }
}

#[test]
fn answer_of_500_bytes_arrives_whole() {
    // The version document grows with what the application can do.
    let capabilities: Vec<String> = (0..14)
        .map(|number| format!("capability_number_{number:02}"))
        .collect();
    let capabilities = format!("{},half", capabilities.join(","));
    let device = Device::over_bluetooth(&["--cap", &capabilities]);
    let output = ask(&device, &["device", "info"], &[]).exits(0);
    let reported = device.log_entries("answered");
    let bytes = reported[0]["bytes"].as_u64().unwrap();
    assert!((500..=512).contains(&bytes), "{bytes} bytes");
    assert!(output.stdout.contains("half"), "{output}");
}

#[test]
fn oversized_message_is_too_long() {
    let device = Device::over_bluetooth(&["--sec-ver", "1", "--stack", "bluedroid"]);
    let data = "x".repeat(300);
    let pop = device.pop();
    let output = ask(
        &device,
        &["device", "call", "prov-config"],
        &["--pop", pop, "--data", &data],
    );
    failed(output, 6, "message-too-long", &["prov-config"]);
}
