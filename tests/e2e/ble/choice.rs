//! Which of the devices that advertise is meant.

use serde_json::json;

use super::{HOME, assert_not_contacted, failed, joined, neighbours, provision, provision_it};
use crate::support::device::Device;
use crate::support::pty::{CTRL_C, Terminal};

/// Things that are in every house.
fn house() -> String {
    neighbours(&json!([
        {"name": "Headphones", "rssi": -41},
        {"rssi": -80},
        {"name": "PROV_from_days_ago", "stale": true},
    ]))
}

#[test]
fn only_likely_device_needs_no_name() {
    let house = house();
    let device = Device::over_bluetooth(&["--neighbours", &house]);
    let mut line = vec!["--pop", device.pop(), "--discovery-timeout", "4"];
    line.extend(HOME);
    joined(provision(&device, &line), &device);
}

#[test]
fn name_prefix_and_address_select_device() {
    let device = Device::over_bluetooth(&["--name", "PROV_abc123"]);
    let mut line = vec!["--pop", device.pop(), "--discovery-timeout", "4"];
    line.extend(["--device-name", "PROV_ab"]);
    line.extend(HOME);
    joined(provision(&device, &line), &device);

    let device = Device::over_bluetooth(&["--mac", "C0:FF:EE:00:00:01"]);
    let mut line = vec!["--pop", device.pop(), "--device-name", "c0:ff:ee:00:00:01"];
    line.extend(HOME);
    joined(provision(&device, &line), &device);
}

#[test]
fn label_requires_whole_name() {
    let device = Device::over_bluetooth(&["--name", "PROV_abc123"]);
    let pop = device.pop();
    let label = format!(r#"{{"ver":"v1","name":"PROV_abc","pop":"{pop}","transport":"ble"}}"#);
    let mut line = vec!["--qrcode", &label, "--discovery-timeout", "4"];
    line.extend(HOME);
    let words = ["PROV_abc123"];
    failed(provision(&device, &line), 4, "no-device", &words);
    assert_not_contacted(&device);
}

#[test]
fn exact_name_wins_over_longer_names() {
    let others = neighbours(&json!([{"name": "PROV_abc1"}, {"name": "PROV_abc2"}]));
    let device = Device::over_bluetooth(&["--name", "PROV_abc", "--neighbours", &others]);
    joined(provision_it(&device, &[]), &device);
}

#[test]
fn ambiguous_name_prefix_selects_nothing() {
    let others = neighbours(&json!([{"name": "PROV_abc1"}]));
    let device = Device::over_bluetooth(&["--name", "PROV_abc2", "--neighbours", &others]);
    let mut line = vec!["--pop", device.pop(), "--discovery-timeout", "4"];
    line.extend(["--device-name", "PROV_abc"]);
    line.extend(HOME);
    let words = ["PROV_abc1", "PROV_abc2"];
    failed(provision(&device, &line), 2, "ambiguous-device", &words);
    assert_not_contacted(&device);
}

#[test]
fn equal_names_select_nothing_in_script() {
    let twin = neighbours(
        &json!([{"name": "PROV_twin", "address": "C0:00:00:00:00:99", "at_once": true}]),
    );
    let device =
        Device::over_bluetooth(&["--name", "PROV_twin", "--at-once", "--neighbours", &twin]);
    let address = device.ready["address"].as_str().unwrap();
    let output = provision_it(&device, &[]);
    failed(
        output,
        2,
        "ambiguous-device",
        &[address, "C0:00:00:00:00:99"],
    );
    assert_not_contacted(&device);
}

#[test]
fn user_selects_one_of_two_equal_names() {
    let twin = neighbours(&json!([
        {"name": "PROV_twin", "address": "C0:00:00:00:00:99", "rssi": -90, "at_once": true},
    ]));
    let device =
        Device::over_bluetooth(&["--name", "PROV_twin", "--at-once", "--neighbours", &twin]);
    let mut line = vec!["provision", "--no-cloud", "--transport", "ble"];
    line.extend(["--device-name", "PROV_twin", "--pop", device.pop()]);
    line.extend(HOME);
    let mut terminal = Terminal::start(line, &[("DBUS_SYSTEM_BUS_ADDRESS", device.bus())]);
    terminal.shows("Select device number");
    let screen = terminal.screen();
    // A signal is never quite the same.
    for text in ["PROV_twin", "C0:00:00:00:00:99  -", " dBm", "Provisioning"] {
        assert!(screen.contains(text), "{text}:\n{screen}");
    }
    // The strongest is the first.
    terminal.type_keys("1\r");
    let screen = terminal.exits(0);
    assert!(screen.contains("Wi-Fi Provisioning Successful"), "{screen}");
    assert_eq!(device.log_entries("wifi_joined").len(), 1);
}

#[test]
fn cancelled_choice_changes_nothing() {
    let twin = neighbours(&json!([{"name": "PROV_twin", "at_once": true}]));
    let device =
        Device::over_bluetooth(&["--name", "PROV_twin", "--at-once", "--neighbours", &twin]);
    let line = [
        "device",
        "info",
        "--transport",
        "ble",
        "--device-name",
        "PROV_twin",
    ];
    let mut terminal = Terminal::start(line, &[("DBUS_SYSTEM_BUS_ADDRESS", device.bus())]);
    terminal.shows("Select device number");
    terminal.type_keys(CTRL_C);
    terminal.exits(130);
    assert_not_contacted(&device);
}

#[test]
fn customer_id_selects_devices() {
    let others = neighbours(&json!([
        {"name": "PROV_other", "manufacturer": {"0x02e5": "4e6f76610001000501 00".replace(' ', "")}},
        {"name": "PROV_silent"},
    ]));
    let device = Device::over_bluetooth(&[
        "--customer-id",
        "4660",
        "--device-type",
        "5",
        "--neighbours",
        &others,
    ]);
    let mut line = vec!["--pop", device.pop(), "--discovery-timeout", "4"];
    line.extend(["--customer-id", "4660"]);
    line.extend(HOME);
    joined(provision(&device, &line), &device);

    let device = Device::over_bluetooth(&["--customer-id", "4660", "--neighbours", &others]);
    let name = device.ready["name"].as_str().unwrap();
    let mut line = vec!["--device-name", name, "--customer-id", "7"];
    line.extend(["--discovery-timeout", "4"]);
    line.extend(HOME);
    failed(provision(&device, &line), 4, "no-device", &["PROV_other"]);
}

#[test]
fn custom_service_selects_firmware() {
    let service = "12345678-9abc-def0-1234-56789abcdef0";
    let device = Device::over_bluetooth(&["--service-uuid", service, "--name", "Lamp"]);
    let mut line = vec!["--pop", device.pop(), "--discovery-timeout", "4"];
    line.extend(["--service-uuid", service]);
    line.extend(HOME);
    joined(provision(&device, &line), &device);
}

#[test]
fn waits_for_late_advertisement() {
    let device = Device::over_bluetooth(&["--advertise-after", "700"]);
    joined(provision_it(&device, &[]), &device);
}

#[test]
fn each_of_several_devices_is_provisioned_by_name() {
    let house = house();
    let device = Device::over_bluetooth(&[
        "--count",
        "2",
        "--name",
        "PROV_d",
        "--pop",
        "abcd1234",
        "--neighbours",
        &house,
    ]);
    for name in ["PROV_d_1", "PROV_d_2"] {
        let mut line = vec!["--device-name", name, "--pop", "abcd1234"];
        line.extend(HOME);
        provision(&device, &line).exits(0);
    }
    assert_eq!(device.log_entries("wifi_joined").len(), 2);
}
