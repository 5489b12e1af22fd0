//! The firmware generations and the scenarios, provisioned by the shipped binary. The device's own
//! log has the requests and their outcome.

use std::fs;

use serde_json::Value;

use crate::support::device::{Device, fresh_path};
use crate::support::espctl::{Output, espctl};
use crate::support::wait::until;

fn provision(device: &Device, arguments: &[&str]) -> Output {
    let mut line: Vec<String> = ["provision", "--no-cloud", "--format", "json"]
        .map(str::to_owned)
        .to_vec();
    line.extend(device.address());
    line.extend(arguments.iter().map(ToString::to_string));
    espctl(line).output()
}

const HOME: [&str; 4] = ["--ssid", "Home", "--passphrase", "correct horse battery"];

fn names(device: &Device, event: &str) -> Vec<String> {
    device
        .log_entries(event)
        .iter()
        .map(|entry| entry["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn provisions_every_firmware_generation() {
    // Device, client, scheme.
    let cases: [(&[&str], &[&str], u8); 10] = [
        (
            &["--firmware", "v4.4", "--pop", "abcd1234"],
            &["--pop", "abcd1234"],
            1,
        ),
        (&["--firmware", "v4.4", "--no-pop"], &[], 1),
        (&["--firmware", "v4.4", "--sec-ver", "0"], &[], 0),
        (
            &["--firmware", "v5", "--sec-ver", "1", "--pop", "abcd1234"],
            &["--pop", "abcd1234"],
            1,
        ),
        (
            &["--firmware", "v5", "--pop", "abcd1234"],
            &["--pop", "abcd1234"],
            2,
        ),
        (
            &[
                "--firmware",
                "v5",
                "--sec-patch-ver",
                "1",
                "--pop",
                "abcd1234",
            ],
            &["--pop", "abcd1234"],
            2,
        ),
        (
            &["--firmware", "network_provisioning", "--sec-ver", "0"],
            &[],
            0,
        ),
        (
            &[
                "--firmware",
                "network_provisioning",
                "--sec-ver",
                "1",
                "--no-pop",
            ],
            &[],
            1,
        ),
        (
            &[
                "--firmware",
                "network_provisioning",
                "--sec-ver",
                "1",
                "--pop",
                "abcd1234",
            ],
            &["--pop", "abcd1234"],
            1,
        ),
        (
            &["--firmware", "network_provisioning", "--pop", "abcd1234"],
            &["--pop", "abcd1234"],
            2,
        ),
    ];
    for (theirs, ours, scheme) in cases {
        let device = Device::start(theirs);
        let output = provision(&device, &[&HOME[..], ours].concat()).exits(0);
        assert_eq!(output.result()["summary"]["security"], scheme, "{output}");
        assert_eq!(device.log_entries("wifi_joined").len(), 1, "{theirs:?}");
        assert!(
            device.log_entries("refused").is_empty(),
            "{:#?}",
            device.log()
        );
        assert_eq!(device.requests("prov-ctrl"), 0);
        assert!(device.log_entries("crashed").is_empty());
        let mut events = names(&device, "prov_event");
        events.truncate(4);
        assert_eq!(events, ["init", "start", "cred_recv", "cred_success"]);
    }
}

#[test]
fn oldest_firmware_scans() {
    let device = Device::start(&["--firmware", "v4.4", "--pop", "a", "--time-scale", "0.1"]);
    provision(&device, &["--pop", "a", "--ssid", "Guest"]).exits(0);
    assert!(device.requests("prov-scan") >= 3);
    assert_eq!(device.requests("prov-ctrl"), 0);
    assert!(
        device.log_entries("refused").is_empty(),
        "{:#?}",
        device.log()
    );
}

#[test]
fn impossible_generation_options_are_usage_errors() {
    for flags in [
        &["--firmware", "v4.4", "--sec-ver", "2"][..],
        &["--firmware", "v4.4", "--sec-patch-ver", "1"],
        &["--firmware", "v4.4", "--pop", ""],
        &["--firmware", "v4.4", "--scenario", "reset-refused"],
        &["--firmware", "v5", "--scenario", "attempts-countdown"],
        &["--scenario", "not-found,endless-connecting"],
        &["--fault", "prov-config:drop"],
    ] {
        let output = espctl([&["emulate", "device"][..], flags].concat()).output();
        assert!(output.stdout.is_empty(), "{output}");
        output.exits(2);
    }
}

/// The exit code for a run with the right credentials, and the requests that the device got.
fn fails(scenario: &str, more: &[&str], client: &[&str]) -> (Device, Output) {
    let own = [
        "--sec-ver",
        "1",
        "--pop",
        "a",
        "--time-scale",
        "0.2",
        "--scenario",
    ];
    let device = Device::start(&[&own[..], &[scenario], more].concat());
    let output = provision(&device, &[&HOME[..], &["--pop", "a"], client].concat());
    (device, output)
}

#[test]
fn failure_scenarios_end_as_named() {
    for (scenario, id, reason) in [
        ("wrong-passphrase", "wifi-auth-failed", "auth_error"),
        ("not-found", "wifi-not-found", "network_not_found"),
        ("wrong-reason", "wifi-auth-failed", "auth_error"),
        ("auth-expire", "wifi-auth-failed", "auth_error"),
        ("attempts-countdown", "wifi-auth-failed", "auth_error"),
    ] {
        let (device, output) = fails(scenario, &[], &[]);
        let output = output.exits(9);
        assert_eq!(output.result()["error"]["id"], id, "{output}");
        let failed: Vec<Value> = device
            .log_entries("prov_event")
            .into_iter()
            .filter(|entry| entry["name"] == "cred_fail")
            .collect();
        assert_eq!(failed.len(), 1, "{:#?}", device.log());
        assert_eq!(failed[0]["reason"], reason);
        if scenario == "attempts-countdown" {
            let left: Vec<Value> = output
                .json()
                .into_iter()
                .filter(|line| line["event"] == "wifi_joining")
                .filter_map(|line| line.get("attempts_remaining").cloned())
                .filter(|left| !left.is_null())
                .collect();
            assert!(!left.is_empty(), "{output}");
        }
    }
}

#[test]
fn endless_scenarios_end_at_time_limit() {
    for (scenario, more) in [
        ("endless-connecting", &[][..]),
        // Firmware that has no limit of attempts tries for ever at what it does not know.
        ("auth-expire", &["--firmware", "v5"]),
    ] {
        let (device, output) = fails(scenario, more, &["--join-timeout", "2"]);
        let output = output.exits(9);
        assert_eq!(output.result()["error"]["id"], "join-timed-out", "{output}");
        assert!(device.log_entries("wifi_joined").is_empty());
    }
}

#[test]
fn oldest_firmware_reports_other_reasons_as_authentication() {
    let (device, output) = fails("auth-expire", &["--firmware", "v4.4"], &[]);
    let output = output.exits(9);
    assert_eq!(
        output.result()["error"]["id"],
        "wifi-auth-failed",
        "{output}"
    );
    assert!(
        device.log_entries("reset").is_empty(),
        "it has no reset to ask for"
    );
}

#[test]
fn rejected_reset_is_logged() {
    let (device, output) = fails("wrong-passphrase,reset-refused", &[], &[]);
    output.exits(9);
    let resets = device.log_entries("reset");
    assert!(!resets.is_empty());
    assert!(resets.iter().all(|reset| reset["accepted"] == false));
}

#[test]
fn application_reset_lets_next_run_apply() {
    let (device, output) = fails("wrong-passphrase,app-resets", &["--firmware", "v4.4"], &[]);
    output.exits(9);
    assert_eq!(device.log_entries("application_reset").len(), 1);
    let line = [&HOME[..], &["--pop", "a"]].concat();
    provision(&device, &line).exits(9);
    assert_eq!(device.log_entries("wifi_applied").len(), 2);
}

#[test]
fn stopped_service_leaves_joined_device_unconfirmed() {
    let (device, output) = fails("service-gone", &[], &["--join-timeout", "3"]);
    let output = output.exits(10);
    assert_eq!(output.result()["error"]["id"], "unconfirmed", "{output}");
    wait_for(&device, "service_stopped");
    assert_eq!(device.log_entries("wifi_joined").len(), 1);
    assert!(device.log_entries("reachable").is_empty());
}

#[track_caller]
fn wait_for(device: &Device, event: &str) {
    until(event, || !device.log_entries(event).is_empty());
}

#[test]
fn credentials_survive_restart_until_reset() {
    let state = fresh_path("state.json");
    let state = state.to_str().unwrap();
    let own = [
        "--sec-ver",
        "1",
        "--pop",
        "a",
        "--time-scale",
        "0.2",
        "--state",
        state,
    ];
    let kept = || -> Value { serde_json::from_slice(&fs::read(state).unwrap()).unwrap() };

    // Wrong ones, so that the client resets it: stored at Apply, gone after the reset.
    let mut device = Device::start(&own);
    let wrong = [
        "--pop",
        "a",
        "--ssid",
        "Home",
        "--passphrase",
        "wrong horse",
    ];
    provision(&device, &wrong).exits(9);
    assert_eq!(kept()["is_provisioned"], false);
    device.kill();

    let mut device = Device::start(&own);
    assert_eq!(device.ready.get("provisioned"), None);
    provision(&device, &[&HOME[..], &["--pop", "a"]].concat()).exits(0);
    device.kill();
    assert_eq!(kept()["is_provisioned"], true);
    assert_eq!(kept()["wifi"]["ssid"], "Home");

    // It has what it needs, and offers nothing.
    let device = Device::start(&own);
    assert_eq!(device.ready["provisioned"], true);
    assert_eq!(device.ready.get("port"), None);
    wait_for(&device, "service_stopped");

    let device = Device::start(&[&own[..], &["--force-provisioning"]].concat());
    assert_eq!(device.ready.get("provisioned"), None);
    provision(&device, &[&HOME[..], &["--pop", "a"]].concat()).exits(0);
}

#[test]
fn several_devices_have_own_addresses_and_end_together() {
    use std::io::{BufRead as _, BufReader};
    use std::process::Stdio;

    let log = fresh_path("devices.log");
    let mut line = vec![
        "emulate",
        "device",
        "--count",
        "3",
        "--name",
        "LAB",
        "--sec-ver",
        "0",
    ];
    line.extend(["--time-scale", "0.2", "--format", "json", "--log"]);
    line.push(log.to_str().unwrap());
    let mut devices = crate::support::espctl::command(line)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(devices.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let ready: Vec<Value> = (0..3).map(|_| next()).collect();
    for (number, ready) in ready.iter().enumerate() {
        assert_eq!(ready["name"], format!("LAB_{}", number + 1));
        let port = ready["port"].to_string();
        let place = [
            "provision",
            "--no-cloud",
            "--device-ip",
            "127.0.0.1",
            "--device-port",
            &port,
        ];
        espctl([&place[..], &HOME].concat()).output().exits(0);
    }
    let end = next();
    assert_eq!(end["stopped"].as_array().unwrap().len(), 3, "{end}");
    assert!(devices.wait().unwrap().success());
    let log = fs::read_to_string(log).unwrap();
    for name in ["LAB_1", "LAB_2", "LAB_3"] {
        let joined = format!("\"device\":\"{name}\",\"event\":\"wifi_joined\"");
        assert_eq!(log.matches(&joined).count(), 1, "{log}");
    }
}

/// Its application clears a failure after five attempts of its own, and has no reset endpoint.
#[test]
fn old_firmware_gets_time_to_accept_new_credentials() {
    let old = ["--firmware", "v4.4", "--time-scale", "0.3", "--pop", "a"];
    let device = Device::start(&old);
    let wrong = ["--ssid", "Home", "--passphrase", "wrong horse"];
    let line = [&wrong[..], &["--pop", "a", "--retries", "1"]].concat();
    provision(&device, &line).exits(9);
    assert_eq!(device.log_entries("wifi_applied").len(), 2);
    assert_eq!(device.requests("prov-ctrl"), 0);
}
