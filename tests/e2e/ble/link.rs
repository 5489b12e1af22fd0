//! Links that are otherwise than they should be: lost, encrypted, held, remembered wrongly.

use std::process::Command;

use serde_json::Value;

use super::{HOME, assert_not_contacted, failed, joined, provision, provision_it};
use crate::support::device::Device;
use crate::support::espctl::{send_signal, watch};
use crate::support::wait::until;

#[test]
fn pairs_with_device_that_requires_encryption() {
    // BlueZ pairs by itself, or reports that pairing is required.
    for trouble in ["encryption-required", "pairing-by-hand"] {
        for stack in ["nimble", "bluedroid"] {
            let device = Device::over_bluetooth(&["--link-trouble", trouble, "--stack", stack]);
            joined(provision_it(&device, &[]), &device);
            assert_eq!(device.log_entries("paired").len(), 1, "{:#?}", device.log());
        }
    }
}

#[test]
fn failed_pairing_is_reported() {
    let device = Device::over_bluetooth(&["--link-trouble", "pairing-by-hand-refused"]);
    let address = device.ready["address"].as_str().unwrap().to_owned();
    failed(provision_it(&device, &[]), 3, "not-paired", &[&address]);
    assert!(
        device.log_entries("answered").is_empty(),
        "{:#?}",
        device.log()
    );
}

#[test]
fn unreported_pairing_failure_gets_pairing_hint() {
    let device = Device::over_bluetooth(&["--link-trouble", "no-pairing"]);
    failed(provision_it(&device, &[]), 6, "disconnected", &["paired"]);
    let device = Device::over_bluetooth(&["--link-trouble", "pairing-hangs"]);
    let output = provision_it(&device, &[]);
    let exit = output.exit.unwrap();
    assert!([4, 6].contains(&exit), "{output}");
    assert!(output.stdout.contains("paired"), "{output}");
}

#[test]
fn stale_gatt_cache_is_removed_once() {
    let device = Device::over_bluetooth(&["--link-trouble", "stale-cache"]);
    joined(provision_it(&device, &[]), &device);
    assert_eq!(
        device.log_entries("forgotten").len(),
        1,
        "{:#?}",
        device.log()
    );
}

#[test]
fn failed_first_connection_is_retried() {
    let device = Device::over_bluetooth(&["--link-trouble", "connect-fails-once"]);
    joined(provision_it(&device, &[]), &device);
    assert!(device.log_entries("forgotten").is_empty());
}

#[test]
fn device_connected_to_another_client_is_not_found() {
    let device = Device::over_bluetooth(&["--link-trouble", "held"]);
    let output = provision_it(&device, &["--discovery-timeout", "1.5"]);
    failed(output, 4, "no-device", &["phone app"]);
    assert_not_contacted(&device);
}

#[test]
fn device_connected_to_this_computer_is_used() {
    let device = Device::over_bluetooth(&["--link-trouble", "connected"]);
    joined(provision_it(&device, &[]), &device);
}

#[test]
fn cached_name_is_ignored() {
    let device = Device::over_bluetooth(&["--link-trouble", "name-in-cache"]);
    joined(provision_it(&device, &[]), &device);
}

#[test]
fn run_releases_device_and_leaves_nothing() {
    let device = Device::over_bluetooth(&[]);
    let name = device.ready["name"].as_str().unwrap();
    let line = [
        "device",
        "info",
        "--transport",
        "ble",
        "--device-name",
        name,
    ];
    for times in 1..=3 {
        device.run(line).output().exits(0);
        until("it is free", || {
            device.log_entries("connection_closed").len() == times
        });
        let (started, stopped) = (
            device.log_entries("discovery_started").len(),
            device.log_entries("discovery_stopped").len(),
        );
        assert_eq!((started, stopped), (times, times));
    }
}

#[test]
fn interrupted_run_releases_device() {
    let device = Device::over_bluetooth(&["--join-ms", "600000"]);
    let name = device.ready["name"].as_str().unwrap();
    let mut command: Command = crate::support::espctl::command(
        [
            "provision",
            "--no-cloud",
            "--transport",
            "ble",
            "--format",
            "json",
        ]
        .into_iter()
        .chain(["--device-name", name, "--pop", device.pop()])
        .chain(HOME),
    );
    command.env("DBUS_SYSTEM_BUS_ADDRESS", device.bus());
    let output = watch(command, |line, process| {
        if line.contains("wifi_applied") {
            send_signal("-INT", process);
        }
    });
    assert_eq!(output.exit, Some(130), "{output}");
    until("it is free", || {
        !device.log_entries("connection_closed").is_empty()
    });
}

/// The error if the link is lost at the n-th request to an endpoint.
#[test]
fn lost_link_is_reported() {
    for (step, exits) in [
        ("proto-ver:1", &[6][..]),
        ("prov-session:1", &[6]),
        ("prov-session:2", &[6]),
        ("prov-config:1", &[6]),
        // After Apply, espctl reconnects or the outcome is unknown.
        ("prov-config:2", &[0, 10]),
        ("prov-config:3", &[0, 10]),
    ] {
        for stack in ["nimble", "bluedroid"] {
            let fault = format!("{step}:reset");
            let device = Device::over_bluetooth(&["--fault", &fault, "--stack", stack]);
            let output = provision_it(&device, &["--join-timeout", "30"]);
            let exit = output.exit.unwrap();
            assert!(exits.contains(&exit), "{fault}: {output}");
            if exit == 6 {
                let error: Value = output.result()["error"].clone();
                assert_eq!(error["id"], "disconnected", "{fault}: {output}");
            }
        }
    }
}

#[test]
fn reconnects_after_link_loss_while_joining() {
    let device = Device::over_bluetooth(&["--fault", "prov-config:3:reset", "--join-ms", "3000"]);
    let output = joined(provision_it(&device, &[]), &device);
    let events: Vec<Value> = output.json();
    assert!(
        events
            .iter()
            .any(|line| line["event"] == "contact_regained"),
        "{output}"
    );
}

#[test]
fn device_that_disappears_after_apply_is_unconfirmed() {
    let device = Device::over_bluetooth(&["--scenario", "service-gone"]);
    let output = provision_it(&device, &["--join-timeout", "3"]);
    failed(output, 10, "unconfirmed", &[]);
}

#[test]
fn service_discovery_timeout_is_reported() {
    let device = Device::over_bluetooth(&["--link-trouble", "unresolved"]);
    let address = device.ready["address"].as_str().unwrap().to_owned();
    let output = provision_it(&device, &[]);
    let exit = output.exit.unwrap();
    let command = format!("bluetoothctl remove {address}");
    failed(
        output,
        exit,
        "silent",
        &["service discovery timed out", &command],
    );
    // What the system remembers of it was forgotten first.
    assert_eq!(
        device.log_entries("forgotten").len(),
        1,
        "{:#?}",
        device.log()
    );
}

#[test]
fn reconnects_to_device_that_returns_after_apply() {
    let device = Device::over_bluetooth(&["--scenario", "channel-change", "--time-scale", "0.5"]);
    joined(provision_it(&device, &[]), &device);
}

#[test]
fn vanished_device_is_unreachable() {
    let device = Device::over_bluetooth(&["--link-trouble", "vanishes"]);
    let name = device.ready["name"].as_str().unwrap();
    let mut line = vec![
        "--device-name",
        name,
        "--pop",
        device.pop(),
        "--timeout",
        "10",
    ];
    line.extend(HOME);
    let output = provision(&device, &line);
    assert_eq!(output.exit, Some(4), "{output}");
}
