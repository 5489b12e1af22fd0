//! `device reset`, `reprovision` and `call`, and `discover`, against emulated devices; and the
//! transcript of their exchanges.

use std::fs;

use serde_json::Value;

use crate::support::device::{Device, fresh_path};
use crate::support::espctl::{Run, espctl};

fn at(device: &Device, line: &[&str], arguments: &[&str]) -> Run {
    let mut line: Vec<String> = line.iter().map(ToString::to_string).collect();
    line.extend(device.address());
    line.extend(arguments.iter().map(ToString::to_string));
    espctl(line)
}

fn call(device: &Device, arguments: &[&str]) -> Run {
    let json = ["--format", "json", "--pop", device.pop()];
    at(
        device,
        &["device", "call"],
        &[&json[..], arguments].concat(),
    )
}

/// `NetworkCtrlPayload` with the command to reset, and its answer.
const RESET: &str = "08015a00";
const RESET_ANSWER: &str = "08026200";

#[test]
fn call_sends_data_from_any_source_and_prints_answer() {
    let file = fresh_path("request");
    fs::write(&file, [0x08, 0x01, 0x5a, 0x00]).unwrap();
    let at_file = format!("@{}", file.display());
    for scheme in ["0", "1", "2"] {
        let device = Device::start(&["--sec-ver", scheme]);
        let pop = device.ready["pop"].as_str().unwrap_or_default();
        let lines: [&[&str]; 5] = [
            &["prov-ctrl", "--hex", RESET],
            &["prov-ctrl", &at_file],
            &["prov-ctrl", "--data", &at_file],
            &["prov-ctrl", "-"],
            &["prov-ctrl", "--data", "-"],
        ];
        for line in lines {
            let output = at(&device, &["device", "call"], line)
                .env("ESPCTL_FORMAT", "json")
                .env("ESPCTL_POP", pop)
                .stdin(&[0x08, 0x01, 0x5a, 0x00])
                .output()
                .exits(0);
            let result = output.result();
            assert_eq!(output.json().len(), 1, "{output}");
            assert_eq!(result["answer_hex"], RESET_ANSWER, "{line:?}");
            assert_eq!(result["answer_text"], Value::Null);
        }
        assert_eq!(device.log_entries("reset").len(), lines.len());
    }
}

#[test]
fn call_prints_answer_as_text_or_bytes() {
    let device = Device::start(&[]);
    let pop = ["--pop", device.pop(), "--hex", RESET];
    let shown = at(&device, &["device", "call", "prov-ctrl"], &pop)
        .output()
        .exits(0);
    assert_eq!(shown.stdout, format!("{RESET_ANSWER}\n"));
    let raw = [&pop[..], &["--raw"]].concat();
    let raw = at(&device, &["device", "call", "prov-ctrl"], &raw)
        .output()
        .exits(0);
    assert_eq!(raw.stdout, "\u{8}\u{2}b\0");
}

#[test]
fn call_rejects_invalid_data_before_connecting() {
    let device = Device::start(&[]);
    let empty = fresh_path("empty");
    fs::write(&empty, "").unwrap();
    let empty = format!("@{}", empty.display());
    let cases: [(&str, &[&str]); 11] = [
        ("missing-data", &["custom"]),
        ("invalid-data", &["custom", "--data", ""]),
        ("invalid-data", &["custom", "--hex", "abc"]),
        ("invalid-data", &["custom", &empty]),
        ("conflicting-flags", &["custom", "--data", "x", "--raw"]),
        ("unreadable-file", &["custom", "@/nowhere/at/all"]),
        ("usage", &["custom", "--data", "x", "--hex", "00"]),
        ("usage", &["custom", "text"]),
        ("usage", &["proto-ver", "--data", "x"]),
        ("usage", &["prov-session", "--data", "x"]),
        ("usage", &["no\nname", "--data", "x"]),
    ];
    for (id, line) in cases {
        let output = call(&device, line).output().exits(2);
        assert_eq!(output.result()["error"]["id"], id, "{line:?}\n{output}");
    }
    assert!(device.log_entries("connection_opened").is_empty());
}

/// `SetWifi` for the network Home with a wrong passphrase, `ApplyWifi`, and `WifiStatus` until the
/// device has given up, as the `.proto` files spell them.
fn made_to_fail(device: &Device) {
    let mut set = vec![0x08, 0x02, 0x62, 0x0e, 0x0a, 0x04];
    set.extend(b"Home");
    set.extend([0x12, 0x06]);
    set.extend(b"wrong!");
    for request in [&set[..], &[0x08, 0x04, 0x72, 0x00]] {
        call(device, &["prov-config", "--hex", &hex::encode(request)])
            .output()
            .exits(0);
    }
    assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], "wrong!");
    assert_eq!(device.log_entries("wifi_applied").len(), 1);
    let failed = (0..100).any(|_| {
        call(device, &["prov-config", "--hex", "08005200"])
            .output()
            .exits(0);
        let printed = device.log_entries("wifi_status");
        printed.iter().any(|printed| printed["state"] == "failed")
    });
    assert!(failed, "{:#?}", device.log());
}

#[test]
fn reset_clears_credentials_of_earlier_client() {
    let device = Device::start(&["--time-scale", "0.4"]);
    made_to_fail(&device);
    let home = ["--ssid", "Home", "--passphrase", "correct horse battery"];
    let line = [&home[..], &["--no-cloud", "--pop", device.pop()]].concat();
    at(&device, &["provision"], &line).output().exits(0);
    assert_eq!(device.log_entries("reset").len(), 1);
}

#[test]
fn reset_clears_failed_join() {
    // Quick, and yet patient: a device that joined waits 30 s of its time for a poll.
    let device = Device::start(&["--time-scale", "0.4"]);
    made_to_fail(&device);

    let pop = ["--pop", device.pop(), "--format", "json"];
    at(&device, &["device", "reset"], &pop).output().exits(0);
    assert_eq!(device.log_entries("reset")[0]["accepted"], true);
    // It accepts other credentials, and then rejects a second reset.
    let home = [
        "--no-cloud",
        "--ssid",
        "Home",
        "--passphrase",
        "correct horse battery",
    ];
    at(&device, &["provision"], &[&home[..], &pop].concat())
        .output()
        .exits(0);
}

#[test]
fn device_rejects_reopening_before_it_joined() {
    let device = Device::start(&[]);
    let json = ["--pop", device.pop(), "--format", "json"];
    let output = at(&device, &["device", "reprovision"], &json)
        .output()
        .exits(6);
    assert_eq!(output.result()["error"]["id"], "wrong-state", "{output}");
    assert_eq!(device.log_entries("reprov").len(), 1);
}

#[test]
fn missing_control_endpoint_hints_at_old_firmware() {
    let device = Device::start(&["--firmware", "v4.4"]);
    for command in ["reset", "reprovision"] {
        let json = ["--pop", device.pop(), "--format", "json"];
        let output = at(&device, &["device", command], &json).output().exits(6);
        let error = &output.result()["error"];
        assert_eq!(error["id"], "no-such-endpoint", "{output}");
        let hints = error["hints"].to_string();
        assert!(hints.contains("before ESP-IDF 5.1"), "{output}");
    }
}

#[test]
fn discover_lists_device_at_address() {
    let device = Device::start(&["--sec-ver", "1", "--no-pop"]);
    for transport in [&["--transport", "softap"][..], &[]] {
        let json = [&["--format", "json"][..], transport].concat();
        let output = at(&device, &["discover"], &json).output().exits(0);
        assert_eq!(output.json().len(), 1, "{output}");
        let result = output.result();
        let found = &result["devices"][0];
        assert_eq!(found["transport"], "softap");
        assert_eq!(found["name"], Value::Null);
        assert_eq!(
            (&found["sec_ver"], &found["pop_required"]),
            (&1.into(), &false.into())
        );
        assert_eq!(found["version"]["sec_ver"], 1);
    }
    let shown = at(&device, &["discover"], &[]).output().exits(0);
    assert_eq!(shown.stdout.lines().count(), 2, "{shown}");
    // Looking is no handshake.
    assert_eq!(device.requests("prov-session"), 0);
}

#[test]
fn discover_without_device_exits_4() {
    let mut device = Device::start(&[]);
    device.kill();
    let flags = ["--format", "json", "--discovery-timeout", "0.1"];
    let output = at(&device, &["discover"], &flags).output().exits(4);
    assert_eq!(output.result()["error"]["id"], "no-device", "{output}");
}

#[test]
fn transcript_has_each_exchange_decoded() {
    let device = Device::start(&["--sec-ver", "1"]);
    let path = fresh_path("transcript");
    fs::write(&path, "of another run").unwrap();
    let flags = [
        "--pop",
        device.pop(),
        "--transcript",
        path.to_str().unwrap(),
    ];
    at(&device, &["device", "reset"], &flags).output().exits(0);

    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    let requests = device.log_entries("request").len();
    assert_eq!(
        (count("sent"), count("received")),
        (requests, requests),
        "{text}"
    );
    assert_eq!(
        (count("version"), count("secured"), count("command")),
        (1, 1, 1)
    );
    assert!(text.contains("ResetWifi"), "{text}");
    assert!(lines.iter().all(|line| line["ms"].is_u64()), "{text}");
    assert_private(&path);

    let flags = [
        "--data",
        "x",
        "--pop",
        device.pop(),
        "--transcript",
        path.to_str().unwrap(),
    ];
    at(&device, &["device", "call", "nothing-here"], &flags)
        .output()
        .exits(6);
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains(r#""event":"failed","endpoint":"nothing-here""#),
        "{text}"
    );

    let wrong = ["--pop", "not-it", "--transcript", path.to_str().unwrap()];
    at(&device, &["device", "reset"], &wrong).output().exits(5);
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.contains("not_secured") && !text.contains("not-it"),
        "{text}"
    );

    let nowhere = ["--pop", device.pop(), "--transcript", "/nowhere/at/all"];
    let before = device.log_entries("connection_opened").len();
    at(&device, &["device", "reset"], &nowhere)
        .output()
        .exits(2);
    assert_eq!(device.log_entries("connection_opened").len(), before);
}

#[test]
fn log_file_has_verbose_log_and_is_appended() {
    let device = Device::start(&["--sec-ver", "1"]);
    let path = fresh_path("log");
    let flags = ["--log-file", path.to_str().unwrap()];
    let first = at(&device, &["device", "info"], &flags).output().exits(0);
    assert!(!first.stderr.contains("DEBUG"), "{first}");
    let once = fs::read_to_string(&path).unwrap();
    assert!(
        once.contains("DEBUG") && once.contains("proto-ver"),
        "{once}"
    );
    assert!(!once.contains('\u{1b}'), "{once}");
    at(&device, &["device", "info", "-vv"], &flags)
        .output()
        .exits(0);
    let twice = fs::read_to_string(&path).unwrap();
    assert!(twice.starts_with(&once) && twice.len() > once.len());
    assert_private(&path);
    let output = espctl(["explain", "--log-file", "/nowhere/at/all"])
        .output()
        .exits(2);
    assert!(output.stderr.contains("unwritable-file"), "{output}");
}

/// Only its owner can read it.
#[track_caller]
fn assert_private(path: &std::path::Path) {
    #[cfg(unix)]
    {
        let mode =
            std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{}", path.display());
    }
}
