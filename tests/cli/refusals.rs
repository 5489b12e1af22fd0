//! Invalid input is exit 2, and espctl contacts no device.

use crate::support::device::Device;
use crate::support::espctl::espctl;

#[test]
fn rejects_invalid_arguments_before_sending() {
    let device = Device::start(&[]);
    let port = device.ready["port"].to_string();
    let pop = device.pop();
    let long = "x".repeat(33);
    let key = "a".repeat(64);
    let cases: &[(&str, &[&str])] = &[
        (
            "invalid-passphrase",
            &["--ssid", "Home", "--passphrase", "7-chars"],
        ),
        (
            "invalid-passphrase",
            &["--ssid", "Home", "--passphrase", &key],
        ),
        (
            "invalid-ssid",
            &["--ssid", &long, "--passphrase", "12345678"],
        ),
        ("invalid-ssid", &["--ssid", "", "--passphrase", "12345678"]),
        (
            "invalid-ssid",
            &["--ssid-hex", "xyz", "--passphrase", "12345678"],
        ),
        ("missing-ssid", &["--passphrase", "12345678"]),
        (
            "invalid-passphrase",
            &["--ssid", "Home", "--passphrase", ""],
        ),
        (
            "conflicting-flags",
            &["--ssid", "Home", "--open", "--passphrase", "12345678"],
        ),
        (
            "conflicting-flags",
            &["--ssid", "Home", "--ssid-hex", "41", "--open"],
        ),
        (
            "conflicting-flags",
            &["--ssid", "Home", "--open", "--device-host", "localhost"],
        ),
        (
            "unreadable-file",
            &["--ssid", "Home", "--passphrase-file", "/nowhere/at/all"],
        ),
        (
            "invalid-qrcode",
            &["--ssid", "Home", "--open", "--qrcode", "{"],
        ),
        (
            "unsupported-transport",
            &[
                "--ssid",
                "Home",
                "--open",
                "--qrcode",
                r#"{"transport":"ham"}"#,
            ],
        ),
        (
            "invalid-username",
            &["--ssid", "Home", "--open", "--sec2-username", ""],
        ),
        ("usage", &["--ssid", "Home", "--open", "--sec-ver", "3"]),
        (
            "usage",
            &["--ssid", "Home", "--open", "--transport", "pigeon"],
        ),
        ("usage", &["--ssid", "Home", "--open", "--device-port", "0"]),
        (
            "usage",
            &["--ssid", "Home", "--open", "--join-timeout", "soon"],
        ),
        ("usage", &["--ssid", "Home", "--open", "--no-such-flag"]),
        ("usage", &["--ssid", "Home", "--open", "one", "too-many"]),
    ];
    for (id, arguments) in cases {
        let line = [
            &["provision", "--no-cloud", "--format", "json", "--pop", pop][..],
            &["--device-ip", "127.0.0.1", "--device-port", &port],
            arguments,
        ]
        .concat();
        // A flag given twice is an error of its own.
        let line: Vec<&str> = if arguments.contains(&"--device-port") {
            line.iter()
                .copied()
                .filter(|part| **part != port && *part != "--device-port")
                .chain(["--device-port"])
                .collect()
        } else {
            line
        };
        let output = espctl(line).output().exits(2);
        let error = &output.result()["error"];
        assert_eq!(error["id"], *id, "{arguments:?}\n{output}");
        assert!(!error["message"].as_str().unwrap().is_empty());
    }
    assert!(
        device.log_entries("connection_opened").is_empty(),
        "{:#?}",
        device.log()
    );
}

#[test]
fn rejections_are_readable() {
    let output = espctl([
        "provision",
        "--no-cloud",
        "--ssid",
        "Home",
        "--passphrase",
        "7-chars",
    ])
    .output()
    .exits(2);
    assert_eq!(output.stdout, "");
    assert_eq!(
        output.stderr,
        "error: a passphrase has at least 8 bytes (a WEP key 5), this one has 7\n\
         see: espctl explain invalid-passphrase\n"
    );
}

#[test]
fn possible_secrets_are_not_repeated() {
    let lines: [&[&str]; 4] = [
        &["--passphrase", "my", "xylophone", "zither"],
        &["--pop", "--xylophone"],
        &["--passphrase", "-xylophone"],
        &["one", "xylophone"],
    ];
    for format in ["text", "json"] {
        for line in lines {
            let line = [&["provision", "--format", format][..], line].concat();
            let output = espctl(&line).output().exits(2);
            let all = format!("{output}");
            assert!(
                !all.contains("xylophone") && !all.contains("zither"),
                "{line:?}\n{all}"
            );
            assert!(all.contains("not shown"), "{line:?}\n{all}");
        }
    }
    // A flag that is only mistyped is named, with the one that was meant.
    let output = espctl(["provision", "--no-clout"]).output().exits(2);
    assert!(output.stderr.contains("--no-clout") && output.stderr.contains("--no-cloud"));
}

#[test]
fn json_format_can_come_from_variable() {
    let output = espctl(["provision", "--bad"])
        .env("ESPCTL_FORMAT", "json")
        .output()
        .exits(2);
    assert_eq!(output.result()["error"]["id"], "usage");
    assert_eq!(output.stderr, "");
}

#[test]
fn help_goes_to_stdout_with_exit_codes() {
    let output = espctl(["--help"]).output().exits(0);
    assert!(output.stdout.contains("Exit codes:"), "{output}");
    assert!(
        output.stdout.contains("  5  PoP or password not accepted"),
        "{output}"
    );
    assert_eq!(output.stderr, "");
    espctl(["--version"]).output().exits(0);
}

#[test]
fn closed_pipe_does_not_crash() {
    let mut child = crate::support::espctl::command(["--help"]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn file_instead_of_payload_is_detected() {
    let line = ["device", "info", "--format", "json", "--qrcode"];
    let hints = |payload: &str| {
        let output = espctl(line.iter().chain(&[payload])).output().exits(2);
        assert_eq!(output.result()["error"]["id"], "invalid-qrcode", "{output}");
        output.result()["error"]["hints"].to_string()
    };
    assert!(hints("label.json").contains("--qrcode @FILE"));
    assert!(hints(r#"{"ver":"v1""#).contains("quote the whole payload"));
}

#[test]
fn rejects_empty_adapter_name() {
    let line = ["discover", "--transport", "ble", "--adapter", ""];
    let output = espctl(line).output().exits(2);
    assert!(
        output.stderr.contains("see: espctl explain usage"),
        "{output}"
    );
}
