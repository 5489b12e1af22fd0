//! Runs that do not succeed: each has its own exit code and id, and costs the device no more than
//! it must.

use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::support::device::Device;
use crate::support::espctl::{Output, espctl, send_signal, watch_for};
use crate::support::wait::until;

fn run(device: &Device, arguments: &[&str]) -> Output {
    let mut line: Vec<String> = ["provision", "--no-cloud", "--format", "json"]
        .map(str::to_owned)
        .to_vec();
    line.extend(device.address());
    line.extend(arguments.iter().map(ToString::to_string));
    espctl(line).output()
}

#[track_caller]
fn assert_error(output: Output, exit: i32, id: &str) -> Value {
    let output = output.exits(exit);
    let result = output.result();
    assert_eq!(result["ok"], false, "{output}");
    let error = &result["error"];
    assert_eq!(error["id"], id, "{output}");
    assert_eq!(error["exit"], exit, "{output}");
    assert!(!error["message"].as_str().unwrap().is_empty());
    error.clone()
}

const HOME: [&str; 4] = ["--ssid", "Home", "--passphrase", "correct horse battery"];

#[test]
fn wrong_secret_is_tried_once() {
    let cases: [(&str, &[&str], &str); 3] = [
        ("1", &["--pop", "not-it"], "wrong-pop"),
        ("2", &["--pop", "not-it"], "wrong-pop"),
        ("2", &["--sec2-password", "not-it"], "wrong-password"),
    ];
    for (scheme, secret, id) in cases {
        let device = Device::start(&["--sec-ver", scheme]);
        let output = run(&device, &[&HOME[..], secret].concat());
        assert_error(output, 5, id);
        assert_eq!(device.log_entries("handshake_started").len(), 1);
        assert_eq!(device.log_entries("strike").len(), 1);
        assert_eq!(device.requests("prov-session"), 2);
        assert!(device.log_entries("wifi_set").is_empty());
    }
}

#[test]
fn sec2_compat_warns_about_additional_wrong_try() {
    let device = Device::start(&["--sec-ver", "2"]);
    let output = run(
        &device,
        &[&HOME[..], &["--pop", "not-the-pop", "--sec2-compat"]].concat(),
    );
    let warned = output
        .json()
        .iter()
        .filter(|line| line["id"] == "sec2-compat")
        .count();
    assert_error(output, 5, "wrong-pop");
    assert_eq!(warned, 1);
    assert_eq!(device.log_entries("strike").len(), 2);
}

#[test]
fn wrong_scheme_does_not_count_as_wrong_secret() {
    for (theirs, ours) in [("2", "1"), ("1", "2"), ("1", "0"), ("0", "1")] {
        let device = Device::start(&["--sec-ver", theirs]);
        let pop = device.ready["pop"].as_str().unwrap_or("abcd1234");
        let output = run(
            &device,
            &[&HOME[..], &["--pop", pop, "--sec-ver", ours]].concat(),
        );
        assert_error(output, 6, "wrong-scheme");
        assert!(device.log_entries("strike").is_empty(), "{theirs} {ours}");
        assert_eq!(device.requests("prov-session"), 1);
    }
}

#[test]
fn announced_plaintext_is_rejected_if_secret_was_given() {
    let device = Device::start(&["--sec-ver", "0"]);
    assert_error(
        run(&device, &[&HOME[..], &["--pop", "abcd1234"]].concat()),
        6,
        "announced-no-security",
    );
    assert_eq!(device.requests("prov-session"), 0);
    let output = run(
        &device,
        &[&HOME[..], &["--pop", "abcd1234", "--sec-ver", "0"]].concat(),
    )
    .exits(0);
    assert!(
        output.json().iter().any(|line| line["id"] == "no-security"),
        "{output}"
    );
}

#[test]
fn missing_secret_is_a_usage_error() {
    for (theirs, id) in [("1", "missing-pop"), ("2", "missing-pop")] {
        let device = Device::start(&["--sec-ver", theirs]);
        let error = assert_error(run(&device, &HOME), 2, id);
        let hints = error["hints"].to_string();
        assert!(
            hints.contains("--pop") && hints.contains("ESPCTL_"),
            "{hints}"
        );
        assert_eq!(device.requests("prov-session"), 0);
    }
}

#[test]
fn unused_address_is_no_device() {
    let mut device = Device::start(&[]);
    device.kill();
    let output = run(
        &device,
        &[&HOME[..], &["--discovery-timeout", "0.2"]].concat(),
    );
    assert_error(output, 4, "unreachable");
}

#[test]
fn five_wrong_secrets_lock_device() {
    let device = Device::start(&["--sec-ver", "1"]);
    for _ in 0..5 {
        run(&device, &[&HOME[..], &["--pop", "not-the-pop"]].concat()).exits(5);
    }
    assert_eq!(device.log_entries("locked").len(), 1);
    let line = [
        &HOME[..],
        &["--pop", device.pop(), "--discovery-timeout", "0.2"],
    ]
    .concat();
    assert_error(run(&device, &line), 4, "unreachable");
}

#[test]
fn join_failure_reports_reason() {
    let device = Device::start(&["--time-scale", "0.05"]);
    let pop = device.pop();
    let wrong = [
        "--pop",
        pop,
        "--ssid",
        "Home",
        "--passphrase",
        "wrong horse",
    ];
    let error = assert_error(run(&device, &wrong), 9, "wifi-auth-failed");
    assert!(
        error["hints"].to_string().contains("has forgotten"),
        "{error}"
    );
    assert_eq!(device.log_entries("reset").len(), 1);

    let unknown = [
        "--pop",
        pop,
        "--ssid",
        "Nowhere",
        "--passphrase",
        "correct horse",
    ];
    assert_error(run(&device, &unknown), 9, "wifi-not-found");
    // Neither cost it anything: the right one still works.
    run(&device, &[&HOME[..], &["--pop", pop]].concat()).exits(0);
}

#[test]
fn endless_joining_times_out() {
    let device = Device::start(&["--join-ms", "600000"]);
    let line = [&HOME[..], &["--pop", device.pop(), "--join-timeout", "1.5"]].concat();
    assert_error(run(&device, &line), 9, "join-timed-out");
}

/// The line of a run to the network at home.
fn going_home(device: &Device) -> Vec<String> {
    let mut line = ["provision", "--no-cloud", "--format", "json"]
        .map(str::to_owned)
        .to_vec();
    line.extend(device.address());
    line.extend(["--pop", device.pop()].map(str::to_owned));
    line.extend(HOME.map(str::to_owned));
    line
}

#[test]
fn lost_contact_after_apply_is_unconfirmed() {
    let mut device = Device::start(&["--join-ms", "600000"]);
    let output = watch_for(going_home(&device), "\"wifi_applied\"", |_| device.kill());
    assert_error(output, 10, "unconfirmed");
}

#[test]
fn missing_account_fails_before_contact() {
    let device = Device::start(&[]);
    let mut line = vec!["provision".to_owned(), "--format=json".to_owned()];
    line.extend(device.address());
    line.extend(HOME.map(str::to_owned));
    let error = assert_error(espctl(line).output(), 8, "login-required");
    assert!(error["hints"].to_string().contains("--no-cloud"), "{error}");
    assert!(device.log_entries("connection_opened").is_empty());
}

#[test]
fn join_failure_is_retried_over_same_session() {
    let device = Device::start(&["--time-scale", "0.05"]);
    let line = [
        "--pop",
        device.pop(),
        "--ssid",
        "Home",
        "--passphrase",
        "wrong horse",
    ];
    let output = run(&device, &[&line[..], &["--retries", "2"]].concat());
    let retried: Vec<Value> = output
        .json()
        .into_iter()
        .filter(|line| line["event"] == "wifi_retried")
        .collect();
    assert_error(output, 9, "wifi-auth-failed");
    assert_eq!(retried.len(), 2);
    assert_eq!(device.log_entries("secured").len(), 1);
    assert_eq!(device.log_entries("wifi_set").len(), 3);
    assert_eq!(device.log_entries("reset").len(), 3);
}

#[test]
fn own_scan_explains_missing_network() {
    let device = Device::start(&["--time-scale", "0.05"]);
    let line = [
        "--pop",
        device.pop(),
        "--ssid",
        "Nowhere",
        "--passphrase",
        "wrong horse",
    ];
    let error = assert_error(run(&device, &line), 9, "wifi-not-found");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("its own scan does not show the network"),
        "{error}"
    );
}

#[test]
fn run_timeout_has_exit_code_of_current_step() {
    // No device is there yet.
    let mut gone = Device::start(&[]);
    gone.kill();
    let line = [&HOME[..], &["--pop", gone.pop(), "--timeout", "0.3"]].concat();
    assert_error(run(&gone, &line), 4, "expired");
    // Joining.
    let device = Device::start(&["--join-ms", "600000"]);
    let line = [&HOME[..], &["--pop", device.pop(), "--timeout", "8"]].concat();
    let error = assert_error(run(&device, &line), 9, "expired");
    // Firmware rejects a reset while it joins, and espctl reports it.
    assert_eq!(device.log_entries("reset")[0]["accepted"], false);
    assert!(
        error["hints"]
            .to_string()
            .contains("keeps the credentials stored"),
        "{error}"
    );
}

/// A run that gets a signal after it reported `event`.
fn interrupted(device: &Device, signal: &str, event: &str) -> Output {
    watch_for(going_home(device), event, |run| send_signal(signal, run))
}

#[test]
fn second_signal_exits_immediately() {
    // The device takes its time over the request that tidies up: it is never answered.
    let never = ["--join-ms", "600000", "--fault", "prov-ctrl:*:drop"];
    let device = Device::start(&never);
    // How long a run lasts that is signalled once and waits for that answer, at the same time.
    let other = Device::start(&never);
    let patient = thread::spawn(move || {
        let mut first = None;
        let output = watch_for(going_home(&other), "\"wifi_joining\"", |run| {
            send_signal("-INT", run);
            first = Some(Instant::now());
        });
        output.exits(130);
        first.expect("it was joining").elapsed()
    });
    let mut second = None;
    let output = watch_for(going_home(&device), "\"wifi_joining\"", |run| {
        send_signal("-INT", run);
        until("the request arrives", || {
            !device.log_entries("fault").is_empty()
        });
        send_signal("-INT", run);
        second = Some(Instant::now());
    });
    let took = second.expect("it was joining").elapsed();
    let error = assert_error(output, 130, "interrupted");
    assert!(
        error["hints"].to_string().contains("stopped at once"),
        "{error}"
    );
    let patient = patient.join().unwrap();
    assert!(took < patient, "{took:?}, {patient:?}");
}

#[test]
fn signal_ends_wait_and_closes_session() {
    for signal in ["-INT", "-TERM"] {
        let device = Device::start(&["--join-ms", "600000"]);
        let output = interrupted(&device, signal, "\"wifi_joining\"");
        let error = assert_error(output, 130, "interrupted");
        assert_eq!(device.log_entries("reset")[0]["accepted"], false);
        assert!(
            error["hints"].to_string().contains("may still join"),
            "{error}"
        );
    }
}

#[test]
fn signal_resets_firmware_that_accepts() {
    let device = Device::start(&["--join-ms", "600000", "--scenario", "reset-accepted"]);
    let output = interrupted(&device, "-INT", "\"wifi_joining\"");
    let error = assert_error(output, 130, "interrupted");
    assert_eq!(device.log_entries("reset")[0]["accepted"], true);
    assert!(
        error["hints"].to_string().contains("has forgotten"),
        "{error}"
    );
    // It waits for others.
    run(
        &device,
        &[&HOME[..], &["--pop", device.pop(), "--join-timeout", "1.2"]].concat(),
    )
    .exits(9);
    assert_eq!(device.log_entries("wifi_set").len(), 2);
}

#[test]
fn signal_before_credentials_changes_nothing() {
    let device = Device::start(&["--join-ms", "600000", "--sec-ver", "1"]);
    let output = interrupted(&device, "-INT", "\"search_started\"");
    // It may have come too late for that, but never for a result.
    assert_eq!(output.exit, Some(130));
    assert_eq!(output.result()["error"]["id"], "interrupted");
}
