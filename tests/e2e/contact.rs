//! Contact lost while a device joins: regained where the device comes back, judged where it does
//! not.

use serde_json::Value;

use crate::support::device::Device;
use crate::support::espctl::{Output, espctl};

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
fn an_access_point_that_changes_channel_is_found_again() {
    for scheme in ["1", "2"] {
        let device = Device::start(&["--sec-ver", scheme, "--scenario", "channel-change"]);
        let output = run(&device, &[]).exits(0);
        assert!(count(&output, "contact_lost") >= 1, "{output}");
        assert!(count(&output, "contact_regained") >= 1, "{output}");
        // Secured anew with the secret that was accepted before, and told nothing twice.
        assert!(device.told("secured").len() >= 2, "{:#?}", device.log());
        assert!(device.told("strike").is_empty());
        assert_eq!(device.told("wifi_set").len(), 1);
        assert_eq!(device.told("wifi_applied").len(), 1);
    }
}

#[test]
fn a_device_that_never_comes_back_is_unconfirmed() {
    let device = Device::start(&["--scenario", "service-gone"]);
    let output = run(&device, &["--join-timeout", "4"]).exits(10);
    assert_eq!(output.result()["error"]["id"], "unconfirmed");
    assert_eq!(count(&output, "contact_lost"), 1);
    assert_eq!(count(&output, "contact_regained"), 0);
}

#[test]
fn one_lost_answer_is_no_reason_to_give_up() {
    for fault in [
        "prov-config:3:close",
        "prov-config:3:reset",
        "prov-config:3:cut",
    ] {
        let device = Device::start(&["--fault", fault]);
        let output = run(&device, &[]).exits(0);
        assert_eq!(count(&output, "contact_lost"), 1, "{fault}");
        assert_eq!(count(&output, "contact_regained"), 1, "{fault}");
        assert_eq!(device.told("fault").len(), 1, "{fault}");
    }
}
