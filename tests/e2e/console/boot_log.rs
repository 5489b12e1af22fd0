//! The QR code of a board in its boot log: read there by `qr decode`, and by `provision` on the way to
//! the same board.

use super::{HOME, failed, joined, on_a_line};
use crate::support::device::Device;
use crate::support::espctl::{Output, espctl};

fn booting(noise: &str) -> Device {
    let own = ["--console-trouble", "boot-log", "--noise", noise];
    on_a_line(&[&own[..], &["--pop", "abcd1234", "--name", "PROV_1"]].concat())
}

fn port(device: &Device) -> &str {
    device.ready["pty"].as_str().unwrap()
}

fn decode(device: &Device, arguments: &[&str]) -> Output {
    let line = [
        "qr",
        "decode",
        "--from-serial",
        port(device),
        "--format",
        "json",
    ];
    espctl(line.iter().chain(arguments)).output()
}

#[test]
fn boot_log_has_data_of_label() {
    for noise in ["none", "heavy"] {
        let device = booting(noise);
        let payload = decode(&device, &[]).exits(0).result()["payload"].clone();
        assert_eq!(payload["name"], "PROV_1", "{payload}");
        assert_eq!(payload["pop"], "abcd1234", "{payload}");
        assert_eq!(payload["transport"], "ble", "{payload}");
        assert_eq!(device.requests("proto-ver"), 0);
    }
}

#[test]
fn provisions_board_from_code_in_its_log() {
    let device = booting("light");
    let code = format!("serial:{}", port(&device));
    let line = [
        "provision",
        "--no-cloud",
        "--transport",
        "console",
        "--format",
        "json",
    ];
    let output = espctl(line.iter().chain(&["--qrcode", &code]).chain(&HOME)).output();
    joined(&output, &device);
    assert!(!output.stderr.contains("abcd1234"), "{output}");
}

#[test]
fn log_without_code_times_out() {
    let device = on_a_line(&["--noise", "heavy"]);
    let output = decode(&device, &["--log-timeout", "0.5"]);
    let words = ["within 0.5 s", "restart the board"];
    failed(output, 4, "no-code-in-log", &words);
    // A port that sends no text, and one that is not there.
    let device = on_a_line(&["--console-trouble", "binary"]);
    let output = decode(&device, &["--log-timeout", "1"]);
    failed(output, 6, "not-text", &["--baud"]);
    let absent = ["qr", "decode", "serial:/dev/not-there", "--format", "json"];
    failed(
        espctl(absent).output(),
        3,
        "no-serial-port",
        &["/dev/not-there"],
    );
    let both = [
        "qr",
        "decode",
        "NP:a|b|b",
        "--from-serial",
        "/dev/not-there",
        "--format",
        "json",
    ];
    assert_eq!(espctl(both).output().exit, Some(2));
}

/// The log begins in the middle of the drawn code, which is also text.
#[test]
fn log_from_the_middle_is_decoded_as_text() {
    let device = booting("none");
    let once = decode(&device, &[]).exits(0);
    assert!(once.stdout.contains("PROV_1"), "{once}");
    // What is left of the log has no payload any more, or its URL.
    let again = decode(&device, &["--log-timeout", "0.5"]);
    assert!(
        again.exit == Some(0) || again.result()["error"]["id"] == "no-code-in-log",
        "{again}"
    );
}
