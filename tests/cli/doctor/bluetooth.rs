//! The problems of a computer's Bluetooth: doctor names each, powers nothing on and contacts no
//! device.

use super::{finding, findings, is_ok, lacks, seen_contains};
use crate::support::device::Device;
use crate::support::espctl::espctl;

const LINE: [&str; 6] = [
    "doctor",
    "--transport",
    "ble",
    "--no-cloud",
    "--format",
    "json",
];

#[test]
fn bluetooth_problem_is_reported_with_fix() {
    for (trouble, id, state, see, fix) in [
        (
            "no-adapter",
            "bluetooth-adapter",
            "problem",
            "no-bluetooth-adapter",
            "/sys/class/bluetooth",
        ),
        (
            "adapter-off",
            "bluetooth-power",
            "warning",
            "bluetooth-off",
            "bluetoothctl power on",
        ),
        (
            "adapter-blocked",
            "bluetooth-power",
            "problem",
            "bluetooth-blocked",
            "rfkill unblock",
        ),
        (
            "no-bluez",
            "bluetooth-service",
            "problem",
            "no-bluetooth-service",
            "systemctl enable --now bluetooth",
        ),
        (
            "access-denied",
            "bluetooth-permission",
            "problem",
            "bluetooth-denied",
            "usermod",
        ),
        (
            "hangs",
            "bluetooth-service",
            "problem",
            "bluetooth-failed",
            "systemctl restart bluetooth",
        ),
    ] {
        let device = Device::over_bluetooth(&["--host-trouble", trouble]);
        let output = device.run(LINE).output().exits(0);
        lacks(&output, id, state, see, fix);
        let others = findings(&output).into_iter().filter(|one| one["id"] != id);
        for other in others {
            let state = other["state"].as_str().unwrap();
            assert!(["ok", "skipped"].contains(&state), "{trouble}\n{output}");
        }
        for event in ["connection_opened", "discovery_started"] {
            assert!(device.log_entries(event).is_empty(), "{trouble}: {event}");
        }
        // It was looked at, and is as it was.
        let again = device.run(LINE).output().exits(0);
        assert_eq!(finding(&again, id)["state"], state, "{again}");
    }
}

#[test]
fn working_adapter_is_ok() {
    let device = Device::over_bluetooth(&[]);
    let required = [&LINE[..], &["--require"]].concat();
    let output = device.run(&required).output().exits(0);
    for id in [
        "bluetooth-service",
        "bluetooth-permission",
        "bluetooth-adapter",
        "bluetooth-power",
    ] {
        assert_eq!(is_ok(&output, id)["transport"], "ble");
    }
    assert!(seen_contains(
        &finding(&output, "bluetooth-service"),
        "BlueZ 5.66"
    ));
    assert!(seen_contains(
        &finding(&output, "bluetooth-adapter"),
        "hci0 ("
    ));
    let other = [&LINE[..], &["--adapter", "hci7"]].concat();
    let output = device.run(&other).output().exits(0);
    let see = "no-bluetooth-adapter";
    lacks(&output, "bluetooth-adapter", "problem", see, "--adapter");
}

#[test]
fn missing_bus_means_no_service() {
    let output = espctl(LINE).output().exits(0);
    let see = "no-bluetooth-service";
    let fix = "unset `DBUS_SYSTEM_BUS_ADDRESS`";
    lacks(&output, "bluetooth-service", "problem", see, fix);
    assert_eq!(output.result()["problems"], 1, "{output}");
}
