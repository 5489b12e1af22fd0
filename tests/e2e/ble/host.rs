//! The problems of the computer's own Bluetooth: each is exit 3, with the command that helps, before
//! espctl contacts a device.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use super::{assert_not_contacted, failed, joined, provision_it};
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::{command, espctl, send_signal};

#[test]
fn host_problems_have_ids_and_commands() {
    for (trouble, id, command) in [
        ("no-adapter", "no-bluetooth-adapter", "/sys/class/bluetooth"),
        ("adapter-blocked", "bluetooth-blocked", "rfkill unblock"),
        (
            "no-bluez",
            "no-bluetooth-service",
            "systemctl enable --now bluetooth",
        ),
        ("access-denied", "bluetooth-denied", "usermod"),
    ] {
        let device = Device::over_bluetooth(&["--host-trouble", trouble]);
        failed(provision_it(&device, &[]), 3, id, &[command]);
        assert_not_contacted(&device);
    }
}

#[test]
fn missing_system_bus_means_no_bluetooth() {
    let line = ["discover", "--transport", "ble", "--format", "json"];
    let output = espctl(line).output();
    failed(
        output,
        3,
        "no-bluetooth-service",
        &["unset `DBUS_SYSTEM_BUS_ADDRESS`"],
    );
}

/// A socket that accepts connections and sends nothing.
fn silent_bus() -> (UnixListener, String) {
    let path = fresh_path("bus");
    let listener = UnixListener::bind(&path).expect("a socket for the test");
    let address = format!("unix:path={}", path.to_str().expect("a path of ASCII"));
    (listener, address)
}

#[test]
fn silent_bus_times_out() {
    let (_listener, bus) = silent_bus();
    let line = ["discover", "--transport", "ble", "--format", "json"];
    let output = espctl(line).env("DBUS_SYSTEM_BUS_ADDRESS", &bus).output();
    failed(output, 3, "bluetooth-failed", &["no answer in time"]);
}

#[test]
fn run_waiting_for_system_can_be_interrupted() {
    // Whatever else runs can hold it up, so one quick end is enough.
    let mut all = Vec::new();
    for _ in 0..5 {
        let took = time_to_be_interrupted();
        if took < LIMIT_OF_AN_ANSWER {
            return;
        }
        all.push(took);
    }
    panic!("it waited for the answer: {all:?}");
}

fn time_to_be_interrupted() -> Duration {
    let (listener, bus) = silent_bus();
    let mut command = command(["device", "info", "--transport", "ble", "--device-name", "X"]);
    command.env("DBUS_SYSTEM_BUS_ADDRESS", &bus);
    let mut child = command.spawn().expect("the binary starts");
    let _waiting = listener.accept().expect("a connection");
    let began = Instant::now();
    send_signal("-INT", child.id());
    assert_eq!(child.wait().expect("a child of ours").code(), Some(130));
    began.elapsed()
}

#[test]
fn service_that_stops_during_run_is_a_host_problem() {
    let device = Device::over_bluetooth(&["--host-trouble", "dies"]);
    let error = failed(provision_it(&device, &[]), 3, "no-bluetooth-service", &[]);
    assert!(error["hints"].to_string().contains("systemctl"), "{error}");
}

#[test]
fn disabled_adapter_is_powered_on_and_reported() {
    let device = Device::over_bluetooth(&["--host-trouble", "adapter-off"]);
    let output = joined(provision_it(&device, &[]), &device);
    let warned = |line: &serde_json::Value| {
        line["event"] == "warned" && line["message"].to_string().contains("is switched on now")
    };
    assert!(output.json().iter().any(warned), "{output}");
}

#[test]
fn unknown_adapter_is_rejected() {
    let device = Device::over_bluetooth(&[]);
    joined(provision_it(&device, &["--adapter", "hci0"]), &device);
    let device = Device::over_bluetooth(&[]);
    let output = provision_it(&device, &["--adapter", "hci7"]);
    failed(output, 3, "no-bluetooth-adapter", &["hci7", "hci0"]);
    assert_not_contacted(&device);
}

#[test]
fn rejects_network_address_over_ble() {
    let device = Device::over_bluetooth(&[]);
    let output = provision_it(&device, &["--device-ip", "127.0.0.1"]);
    failed(output, 2, "conflicting-flags", &["--device-name"]);
    assert_not_contacted(&device);
}

/// How long the client waits for the system's answer.
const LIMIT_OF_AN_ANSWER: Duration = Duration::from_secs(10);
