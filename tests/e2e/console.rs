//! Devices on a serial line, by the shipped binary over a pty: noise, slow lines, boards that
//! restart or vanish. The device's log is the proof. `faults` covers single exchanges.

mod boot_log;
mod ports;
mod speed;

use std::fs;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::device::{Device, access_points, fresh_path};
use crate::support::espctl::{Output, espctl};

const HOME: [&str; 4] = ["--ssid", "Home", "--passphrase", "correct horse battery"];

fn on_a_line(arguments: &[&str]) -> Device {
    Device::on_serial_line(&[&["--sec-ver", "1"][..], arguments].concat())
}

fn at(device: &Device, command: &[&str], arguments: &[&str]) -> Output {
    let port = device.ready["pty"].as_str().expect("a port");
    let place = ["--transport", "console", "--port", port, "--format", "json"];
    espctl(command.iter().chain(&place).chain(arguments)).output()
}

fn provision(device: &Device, arguments: &[&str]) -> Output {
    let mut line = HOME.to_vec();
    if let Some(pop) = device.ready["pop"].as_str()
        && !arguments.contains(&"--pop")
    {
        line.extend(["--pop", pop]);
    }
    line.extend(arguments);
    at(device, &["provision", "--no-cloud"], &line)
}

#[track_caller]
fn joined(output: &Output, device: &Device) {
    assert_eq!(output.exit, Some(0), "{output}");
    assert_eq!(
        device.log_entries("wifi_joined").len(),
        1,
        "{:#?}",
        device.log()
    );
}

#[track_caller]
fn failed(output: Output, exit: i32, id: &str, words: &[&str]) -> Value {
    let output = output.exits(exit);
    let error = output.result()["error"].clone();
    assert_eq!(error["id"], id, "{output}");
    for words in words {
        assert!(error.to_string().contains(words), "{words:?}: {output}");
    }
    error
}

#[test]
fn provisions_boards_despite_log_noise() {
    for scheme in ["0", "1"] {
        for (noise, baud) in [("none", "115200"), ("heavy", "115200"), ("heavy", "9600")] {
            let device = Device::on_serial_line(&[
                "--sec-ver",
                scheme,
                "--noise",
                noise,
                "--uart-baud",
                baud,
            ]);
            let output = provision(&device, &["--baud", baud]);
            joined(&output, &device);
            assert!(
                device.log_entries("overrun").is_empty(),
                "{:#?}",
                device.log()
            );
        }
    }
}

#[test]
fn longest_name_and_passphrase_fit_into_a_line() {
    // 32 bytes each.
    for ssid in [
        "0123456789abcdefghijklmnopqrstuv",
        "Café ☕ Küche ❄ Gärten 2.4",
    ] {
        assert_eq!(ssid.len(), 32);
        longest_fits(ssid);
    }
}

fn longest_fits(ssid: &str) {
    let passphrase = "p".repeat(63);
    let world = access_points(&json!([{
        "ssid": ssid, "bssid": "a0b1c2d3e4f5", "channel": 6, "rssi": -40, "auth": 3,
        "passphrase": passphrase,
    }]));
    let device = on_a_line(&["--aps", &world]);
    let pop = device.pop();
    let line = ["--pop", pop, "--ssid", ssid, "--passphrase", &passphrase];
    let output = at(&device, &["provision", "--no-cloud"], &line);
    joined(&output, &device);
    assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], passphrase);
}

#[test]
fn wrong_pop_is_tried_once() {
    for noise in ["none", "heavy"] {
        let device = on_a_line(&["--pop", "abcd1234", "--noise", noise]);
        failed(provision(&device, &["--pop", "wrong"]), 5, "wrong-pop", &[]);
        assert_eq!(device.log_entries("strike").len(), 1);
        joined(&provision(&device, &[]), &device);
    }
}

#[test]
fn security_2_does_not_fit_through_console() {
    let words = ["Security 2 does not fit through the console", "Security 1"];
    let device = Device::on_serial_line(&["--sec-ver", "2"]);
    failed(provision(&device, &[]), 6, "message-too-long", &words);
    assert_eq!(device.requests("prov-session"), 0);
    // Nor for a device that speaks another.
    let device = on_a_line(&[]);
    let output = provision(&device, &["--sec-ver", "2"]);
    failed(output, 6, "message-too-long", &words);
    assert_eq!(device.requests("prov-session"), 0);
    let data = "x".repeat(200);
    let line = ["device", "call", "prov-config", "--data", &data];
    let output = at(&device, &line, &["--pop", device.pop()]);
    let error = failed(output, 6, "message-too-long", &["254 characters"]);
    assert!(!error.to_string().contains("Security 1"), "{error}");
}

#[test]
fn distinguishes_serial_line_problems() {
    let check = |(trouble, exit, id, words): (&str, i32, &str, &str)| {
        let device = on_a_line(&["--console-trouble", trouble]);
        let began = Instant::now();
        failed(provision(&device, &[]), exit, id, &[words]);
        began.elapsed()
    };
    thread::scope(|scope| {
        // These are waited for.
        let waited = [
            ("silent", 4, "no-console", "within 5"),
            ("binary", 6, "not-text", "--baud"),
            ("no-prompt-after=2", 6, "timed-out", "restart the device"),
        ]
        .map(|case| scope.spawn(move || check(case)));
        // These are not, so they take less time on the same computer at the same time.
        let at_once = [
            ("repl", 6, "other-console", "another transport"),
            ("resets=2", 6, "restarted", "read the board's log"),
            ("unplugged=2", 6, "disconnected", "check the cable"),
        ]
        .map(|case| scope.spawn(move || check(case)));
        let waited = waited.map(|one| one.join().unwrap());
        let at_once = at_once.map(|one| one.join().unwrap());
        let least = waited.iter().min().unwrap();
        assert!(
            at_once.iter().all(|took| took < least),
            "{at_once:?}, {waited:?}"
        );
    });
}

/// Stray digits, as an application may print them: espctl cannot know which line is the answer, and
/// reports it.
#[test]
fn garbled_digits_end_run_cleanly() {
    for trouble in ["hex-before", "hex-after"] {
        let device = on_a_line(&["--console-trouble", trouble]);
        failed(
            provision(&device, &[]),
            6,
            "garbled-answer",
            &["run the command again"],
        );
        assert!(device.log_entries("wifi_set").is_empty());
    }
}

#[test]
fn port_implies_console() {
    let device = on_a_line(&[]);
    let port = device.ready["pty"].as_str().unwrap();
    let info = ["device", "info", "--format", "json", "--port", port];
    let output = espctl(info).output().exits(0);
    assert!(output.stdout.contains("netprov"), "{output}");
    for (flags, words) in [
        (["--transport", "ble"], "is for `--transport console`"),
        (
            ["--device-ip", "127.0.0.1"],
            "pass the serial port with `--port`",
        ),
    ] {
        let output = espctl(info.iter().chain(&flags)).output();
        failed(output, 2, "conflicting-flags", &["--port", words]);
    }
}

#[test]
fn missing_port_is_a_host_problem() {
    let line = [
        "device",
        "info",
        "--transport",
        "console",
        "--format",
        "json",
    ];
    let output = espctl(line.iter().chain(&["--port", "/dev/not-there"])).output();
    failed(output, 3, "no-serial-port", &["/dev/not-there"]);
}

/// A console prints whatever it likes, keys of the session among it: no log records any of it.
#[test]
fn logs_do_not_contain_serial_bytes() {
    for scheme in ["0", "1"] {
        let own = ["--sec-ver", scheme, "--noise", "heavy"];
        let device = Device::on_serial_line(&own);
        let files = [fresh_path("transcript"), fresh_path("log")];
        let [transcript, log] = files.each_ref().map(|path| path.to_str().unwrap());
        let flags = ["-vv", "--transcript", transcript, "--log-file", log];
        let output = provision(&device, &flags);
        joined(&output, &device);
        let [transcript, log] = files.map(|path| fs::read_to_string(path).unwrap());
        assert!(log.contains("prov-config"), "{log}");
        let printed = format!("{}{}{transcript}{log}", output.stdout, output.stderr);
        let passphrase = HOME[3];
        for secret in [
            passphrase,
            &hex::encode(passphrase.as_bytes()),
            "Shared key",
            "security1:",
        ] {
            assert!(!printed.contains(secret), "{secret:?}: {printed}");
        }
    }
}
