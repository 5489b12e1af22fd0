//! Contact lost while a device joins: regained where the device comes back, judged where it does
//! not.

use serde_json::Value;

use crate::support::device::Device;
use crate::support::espctl::{Output, espctl, watch_for};

fn run(device: &Device, arguments: &[&str]) -> Output {
    let mut line: Vec<String> = [
        "provision",
        "--no-cloud",
        "--format",
        "json",
        "--ssid",
        "Home",
        "--passphrase",
        "correct horse battery",
        "--pop",
        device.pop(),
    ]
    .map(str::to_owned)
    .to_vec();
    line.extend(device.address());
    line.extend(arguments.iter().map(ToString::to_string));
    espctl(line).output()
}

fn count(output: &Output, event: &str) -> usize {
    let lines: Vec<Value> = output.json();
    lines.iter().filter(|line| line["event"] == event).count()
}

#[test]
fn reconnects_after_channel_change() {
    for scheme in ["1", "2"] {
        let device = Device::start(&["--sec-ver", scheme, "--scenario", "channel-change"]);
        let output = run(&device, &[]).exits(0);
        assert!(count(&output, "contact_lost") >= 1, "{output}");
        assert!(count(&output, "contact_regained") >= 1, "{output}");
        // A new handshake with the accepted secret; nothing is sent twice.
        assert!(
            device.log_entries("secured").len() >= 2,
            "{:#?}",
            device.log()
        );
        assert!(device.log_entries("strike").is_empty());
        assert_eq!(device.log_entries("wifi_set").len(), 1);
        assert_eq!(device.log_entries("wifi_applied").len(), 1);
    }
}

#[test]
fn device_that_stays_away_is_unconfirmed() {
    let device = Device::start(&["--scenario", "service-gone"]);
    let output = run(&device, &["--join-timeout", "6"]).exits(10);
    assert_eq!(output.result()["error"]["id"], "unconfirmed");
    assert_eq!(count(&output, "contact_lost"), 1);
    assert_eq!(count(&output, "contact_regained"), 0);
}

#[test]
fn one_lost_answer_is_tolerated() {
    for fault in [
        "prov-config:3:close",
        "prov-config:3:reset",
        "prov-config:3:cut",
    ] {
        let device = Device::start(&["--fault", fault]);
        let output = run(&device, &[]).exits(0);
        assert_eq!(count(&output, "contact_lost"), 1, "{fault}");
        assert_eq!(count(&output, "contact_regained"), 1, "{fault}");
        assert_eq!(device.log_entries("fault").len(), 1, "{fault}");
    }
}

#[test]
fn slow_answers_are_not_lost_contact() {
    let device = Device::start(&["--join-ms", "600000", "--fault", "prov-config:*:delay=400"]);
    let output = run(&device, &["--join-timeout", "2"]).exits(9);
    assert_eq!(output.result()["error"]["id"], "join-timed-out");
    assert_eq!(count(&output, "contact_lost"), 0);
    assert_eq!(device.log_entries("reset").len(), 1);
}

/// Every hotspot has the same address: what answers there may be a neighbour.
#[test]
fn other_device_at_same_address_is_tried_once() {
    let mut lost = Device::start(&["--join-ms", "600000"]);
    let port = lost.ready["port"].to_string();
    let mut line: Vec<String> = ["provision", "--no-cloud", "--format", "json"]
        .map(str::to_owned)
        .to_vec();
    line.extend(lost.address());
    let home = ["--ssid", "Home", "--passphrase", "correct horse battery"];
    line.extend(home.map(str::to_owned));
    line.extend(["--pop", lost.pop(), "--join-timeout", "60"].map(str::to_owned));
    let mut neighbour = None;
    let output = watch_for(line, "\"wifi_applied\"", |_| {
        lost.kill();
        neighbour = Some(Device::start(&["--port", &port, "--pop", "another"]));
    });
    output.exits(10);
    let neighbour = neighbour.unwrap();
    assert_eq!(
        neighbour.log_entries("strike").len(),
        1,
        "{:#?}",
        neighbour.log()
    );
    assert!(neighbour.log_entries("wifi_set").is_empty());
}

#[test]
fn timeout_after_lost_contact_is_unconfirmed() {
    let device = Device::start(&["--scenario", "service-gone"]);
    let output = run(&device, &["--timeout", "12"]).exits(10);
    assert_eq!(output.result()["error"]["id"], "expired");
}

#[test]
fn timeout_before_apply_has_device_exit_code() {
    let device = Device::start(&["--fault", "prov-config:1:drop"]);
    let output = run(&device, &["--timeout", "6"]).exits(6);
    let error = &output.result()["error"];
    assert_eq!(error["id"], "expired");
    assert!(error["hints"].to_string().contains("not stored"), "{error}");
}
