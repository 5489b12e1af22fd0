//! Devices over Bluetooth, by the shipped binary: btleplug, D-Bus, and an adapter that is emulated
//! on a bus of its own. The device's log is the proof. `faults` covers single
//! exchanges.

mod choice;
mod discover;
mod host;
mod link;
mod mapping;
mod schemes;
mod sizes;
mod speed;

use serde_json::Value;

use crate::support::device::Device;
use crate::support::espctl::Output;

const HOME: [&str; 4] = ["--ssid", "Home", "--passphrase", "correct horse battery"];

/// `provision` without an account, of the device with these arguments, as JSON.
fn provision(device: &Device, arguments: &[&str]) -> Output {
    let line = [
        "provision",
        "--no-cloud",
        "--transport",
        "ble",
        "--format",
        "json",
    ];
    let output = device.run(line.iter().chain(arguments)).output();
    never_panicked(&output);
    output
}

/// Likewise of this one, by its name and its secret.
fn provision_it(device: &Device, arguments: &[&str]) -> Output {
    let name = device.ready["name"].as_str().expect("a name");
    let mut line = vec!["--device-name", name];
    if let Some(pop) = device.ready["pop"].as_str() {
        line.extend(["--pop", pop]);
    }
    line.extend(HOME);
    line.extend(arguments);
    provision(device, &line)
}

/// The dependency has a race that ends one of its tasks, without an effect for the user.
#[track_caller]
fn never_panicked(output: &Output) {
    assert!(!output.stderr.contains("panicked"), "{output}");
    assert!(!output.stdout.contains("panicked"), "{output}");
}

/// It joined, by its own word and the run's.
#[track_caller]
fn joined(output: Output, device: &Device) -> Output {
    let output = output.exits(0);
    assert_eq!(output.result()["summary"]["transport"], "ble", "{output}");
    assert_eq!(
        device.log_entries("wifi_joined").len(),
        1,
        "{:#?}",
        device.log()
    );
    output
}

#[track_caller]
fn failed(output: Output, exit: i32, id: &str, words: &[&str]) -> Value {
    let output = output.exits(exit);
    let error = output.result()["error"].clone();
    assert_eq!(error["id"], id, "{output}");
    let reported = error.to_string();
    for words in words {
        assert!(reported.contains(words), "{words:?} is not in {reported}");
    }
    error
}

/// No run connected to the device.
#[track_caller]
fn assert_not_contacted(device: &Device) {
    let opened = device.log_entries("connection_opened");
    assert!(opened.is_empty(), "{:#?}", device.log());
}

/// The advertisements of other devices, as a file for `--neighbours`.
fn neighbours(json: &Value) -> String {
    let path = crate::support::device::fresh_path("neighbours.json");
    std::fs::write(&path, json.to_string()).expect("a file for the test");
    path.to_str().expect("a path of ASCII").to_owned()
}
