//! `discover` over Bluetooth: which devices are listed, and the error without a device.

use serde_json::json;

use super::{assert_not_contacted, failed, neighbours, never_panicked};
use crate::support::device::Device;
use crate::support::espctl::Output;
use crate::support::pty::Terminal;

fn discover(device: &Device, arguments: &[&str]) -> Output {
    let line = ["discover", "--transport", "ble", "--discovery-timeout", "4"];
    let output = device.run(line.iter().chain(arguments)).output();
    never_panicked(&output);
    output
}

#[test]
fn lists_devices_with_advertised_data() {
    let others = neighbours(&json!([
        {"name": "Headphones", "rssi": -41},
        {"name": "PROV_from_days_ago", "stale": true},
    ]));
    let device = Device::over_bluetooth(&[
        "--name",
        "PROV_light",
        "--customer-id",
        "1",
        "--device-type",
        "5",
        "--rssi",
        "-61",
        "--neighbours",
        &others,
    ]);
    let output = discover(&device, &["--format", "json"]).exits(0);
    let listed = output.result()["devices"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{output}");
    let light = &listed[0];
    assert_eq!(light["name"], "PROV_light");
    assert_eq!(light["address"], device.ready["address"]);
    // A signal is never quite the same.
    let signal = light["signal"].as_i64().unwrap();
    assert!((-64..=-58).contains(&signal), "{signal}");
    assert_eq!(light["customer_id"], 1);
    assert_eq!(light["device_type_name"], "light");
    assert_eq!(light["looks_like_provisioning"], true);

    let output = discover(&device, &["--all", "--format", "json"]).exits(0);
    let listed = output.result()["devices"].clone();
    let mut names: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Headphones", "PROV_light"]);

    let output = discover(&device, &[]).exits(0);
    for text in ["PROV_light", " dBm", "light", "1 more", "--all"] {
        assert!(output.stdout.contains(text), "{text}: {output}");
    }
    // It connects to no device for that.
    assert_not_contacted(&device);
}

#[test]
fn list_grows_on_terminal() {
    let others = neighbours(&json!([{"name": "PROV_late", "appears_after_ms": 600}]));
    let device = Device::over_bluetooth(&["--name", "PROV_early", "--neighbours", &others]);
    let line = ["discover", "--transport", "ble", "--discovery-timeout", "2"];
    let mut terminal = Terminal::start(line, &[("DBUS_SYSTEM_BUS_ADDRESS", device.bus())]);
    terminal.shows("PROV_early");
    let screen = terminal.screen();
    assert!(!screen.contains("PROV_late"), "{screen}");
    assert!(screen.contains("Listening"), "{screen}");
    terminal.shows("PROV_late");
    assert!(terminal.screen().contains("Listening"));
    // In the end, only the list is shown.
    let screen = terminal.exits(0);
    assert!(!screen.contains("Listening"), "{screen}");
    for name in ["PROV_early", "PROV_late"] {
        assert_eq!(screen.matches(name).count(), 1, "{screen}");
    }
}

#[test]
fn empty_search_lists_other_devices_and_reasons() {
    let others = neighbours(&json!([
        {"name": "Headphones", "rssi": -41}, {"name": "Watch", "rssi": -71},
    ]));
    let device = Device::over_bluetooth(&["--link-trouble", "held", "--neighbours", &others]);
    let output = discover(&device, &["--format", "json"]);
    let error = failed(output, 4, "no-device", &[]);
    let hints: Vec<&str> = error["hints"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|hint| hint.as_str())
        .collect();
    let place = |text: &str| hints.iter().position(|hint| hint.contains(text)).unwrap();
    assert!(place("reset") < place("phone app"), "{hints:?}");
    assert!(place("phone app") < place("--all"), "{hints:?}");
    assert!(place("--all") < place("move closer"), "{hints:?}");
    assert!(place("move closer") < place("Headphones"), "{hints:?}");
    assert!(place("Headphones") < place("Watch"), "{hints:?}");
    assert_eq!(error["while"], "looking for devices over ble");
}

#[test]
fn strongest_device_is_first() {
    let others = neighbours(&json!([
        {"name": "PROV_far", "rssi": -90}, {"name": "PROV_near", "rssi": -30},
    ]));
    let device = Device::over_bluetooth(&["--rssi", "-60", "--neighbours", &others]);
    let name = device.ready["name"].as_str().unwrap();
    let output = discover(&device, &["--format", "json"]).exits(0);
    let listed = output.result()["devices"].clone();
    let names: Vec<&str> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(names, ["PROV_near", name, "PROV_far"], "{output}");
    let output = discover(&device, &[]).exits(0);
    let place = |name: &str| output.stdout.find(name).unwrap();
    assert!(place("PROV_near") < place(name), "{output}");
    assert!(place(name) < place("PROV_far"), "{output}");
}

#[test]
fn all_respects_filters() {
    let others = neighbours(&json!([{"name": "Headphones"}]));
    let device = Device::over_bluetooth(&["--customer-id", "7", "--neighbours", &others]);
    for all in [&["--all"][..], &[]] {
        let line = [&["--customer-id", "7", "--format", "json"], all].concat();
        let output = discover(&device, &line).exits(0);
        let listed = output.result()["devices"].clone();
        assert_eq!(listed.as_array().unwrap().len(), 1, "{output}");
        assert_eq!(listed[0]["customer_id"], 7);
    }
    let line = ["--customer-id", "8", "--all", "--format", "json"];
    let filter = "omit --customer-id";
    failed(discover(&device, &line), 4, "no-device", &[filter]);
}

#[test]
fn all_shows_other_devices_on_terminal() {
    let others = neighbours(&json!([{"name": "Headphones"}]));
    let device = Device::over_bluetooth(&["--neighbours", &others]);
    let line = [
        "discover",
        "--transport",
        "ble",
        "--discovery-timeout",
        "2",
        "--all",
    ];
    let mut terminal = Terminal::start(line, &[("DBUS_SYSTEM_BUS_ADDRESS", device.bus())]);
    terminal.shows("Headphones");
    let screen = terminal.screen();
    assert!(screen.contains("Listening"), "{screen}");
    terminal.exits(0);
}

#[test]
fn changed_host_setting_is_reported() {
    let device = Device::over_bluetooth(&["--host-trouble", "adapter-off"]);
    let output = discover(&device, &["--format", "json"]).exits(0);
    assert_eq!(
        output.result()["warnings"],
        json!(["host-changed"]),
        "{output}"
    );
    let device = Device::over_bluetooth(&["--host-trouble", "adapter-off"]);
    let output = discover(&device, &[]).exits(0);
    assert!(
        output.stderr.contains("warning: Bluetooth was off"),
        "{output}"
    );
}

#[test]
fn rejects_network_address() {
    let device = Device::over_bluetooth(&[]);
    for flag in [
        ["--device-ip", "127.0.0.1"],
        ["--device-host", "localhost"],
        ["--device-port", "80"],
    ] {
        let line = [&flag[..], &["--format", "json"]].concat();
        let words = [flag[0], "--device-name"];
        failed(discover(&device, &line), 2, "conflicting-flags", &words);
    }
    assert_not_contacted(&device);
}
