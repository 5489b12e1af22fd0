//! Runs that succeed: every scheme, and what reached the device.

use serde_json::json;

use crate::support::device::{Device, access_points};
use crate::support::espctl::{Output, espctl};

/// Provisions with the device's own secret.
fn provision(device: &Device, arguments: &[&str]) -> Output {
    let mut line: Vec<String> = vec!["provision".into(), "--no-cloud".into()];
    line.extend(device.address());
    line.extend(arguments.iter().map(ToString::to_string));
    espctl(line).output()
}

const HOME: [&str; 4] = ["--ssid", "Home", "--passphrase", "correct horse battery"];

/// One version document, one socket, one handshake, and no needless request.
#[track_caller]
fn assert_nothing_needless(device: &Device) {
    assert_eq!(
        device.log_entries("connection_opened").len(),
        1,
        "{:#?}",
        device.log()
    );
    assert_eq!(device.log_entries("session_opened").len(), 1);
    assert_eq!(device.requests("proto-ver"), 1);
    assert_eq!(device.log_entries("handshake_started").len(), 1);
    assert_eq!(device.log_entries("secured").len(), 1);
    assert_eq!(device.log_entries("wifi_set").len(), 1);
    assert_eq!(device.log_entries("wifi_applied").len(), 1);
    assert_eq!(device.log_entries("wifi_joined").len(), 1);
    assert_eq!(
        device.requests("prov-scan"),
        0,
        "an explicit network needs no scan"
    );
    assert!(device.log_entries("refused").is_empty());
    assert!(device.log_entries("strike").is_empty());
}

#[test]
fn detects_every_scheme_and_joins() {
    let cases: [(&[&str], bool, u8, usize); 5] = [
        (&["--sec-ver", "0"], false, 0, 1),
        (&["--sec-ver", "1"], true, 1, 2),
        (&["--sec-ver", "1", "--no-pop"], false, 1, 2),
        (&["--sec-ver", "2", "--sec-patch-ver", "0"], true, 2, 2),
        (&["--sec-ver", "2", "--sec-patch-ver", "1"], true, 2, 2),
    ];
    for (arguments, with_pop, scheme, handshake_messages) in cases {
        let device = Device::start(arguments);
        let mut line = HOME.to_vec();
        if with_pop {
            line.extend(["--pop", device.pop()]);
        }
        let output = provision(&device, &line).exits(0);
        assert!(
            output.stdout.contains("Wi-Fi Provisioning Successful"),
            "{output}"
        );
        let detected = format!("==== Auto-detected Security Scheme: {scheme} ====");
        assert!(output.stderr.contains(&detected), "{output}");

        assert_nothing_needless(&device);
        assert_eq!(
            device.requests("prov-session"),
            handshake_messages,
            "{arguments:?}"
        );
        assert_eq!(device.log_entries("secured")[0]["scheme"], scheme);
    }
}

#[test]
fn transfers_arbitrary_bytes_and_longest_secrets() {
    let longest = "p".repeat(63);
    let cases = [
        ("Café 家 ’", "päss phrase €", "436166c3a920e5aeb620e28099"),
        ("0123456789abcdefghijklmnopqrstuv", longest.as_str(), ""),
    ];
    for (ssid, passphrase, hex) in cases {
        let world = access_points(&json!([{
            "ssid": ssid, "bssid": "a0b1c2d3e4f5", "channel": 6, "rssi": -40, "auth": 3,
            "passphrase": passphrase,
        }]));
        let device = Device::start(&["--aps", &world]);
        let pop = device.pop();
        provision(
            &device,
            &["--pop", pop, "--ssid", ssid, "--passphrase", passphrase],
        )
        .exits(0);
        assert_nothing_needless(&device);
        let set = &device.log_entries("wifi_set")[0];
        assert_eq!(set["ssid"], ssid);
        assert_eq!(set["passphrase"], passphrase);
        if !hex.is_empty() {
            assert_eq!(set["ssid_hex"], hex);
        }
    }
}

#[test]
fn ssid_hex_accepts_name_that_is_not_utf8() {
    let world = access_points(&json!([{
        "ssid_hex": "ff00ff".replace("00", "01"), "bssid": "a0b1c2d3e4f5", "channel": 6,
        "rssi": -40, "auth": 3, "passphrase": "12345678",
    }]));
    let device = Device::start(&["--aps", &world]);
    let pop = device.pop();
    let line = [
        "--pop",
        pop,
        "--ssid-hex",
        "FF01ff",
        "--passphrase",
        "12345678",
    ];
    let output = provision(&device, &[&line[..], &["--format", "json"]].concat()).exits(0);
    assert_eq!(device.log_entries("wifi_set")[0]["ssid_hex"], "ff01ff");
    assert_eq!(output.result()["summary"]["ssid_hex"], "ff01ff");
    assert_eq!(output.result()["summary"]["ssid"], r"\xff\u{1}\xff");
}

#[test]
fn open_network_needs_no_passphrase() {
    let world = access_points(&json!([{
        "ssid": "Cafe", "bssid": "a0b1c2d3e4f5", "channel": 6, "rssi": -40, "auth": 0,
    }]));
    // The user states it, so espctl needs no scan.
    let device = Device::start(&["--aps", &world]);
    provision(
        &device,
        &["--pop", device.pop(), "--ssid", "Cafe", "--open"],
    )
    .exits(0);
    assert_nothing_needless(&device);
    assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], "");

    // Otherwise, the device's own scan shows it.
    let device = Device::start(&["--aps", &world]);
    provision(&device, &["--pop", device.pop(), "--ssid", "Cafe"]).exits(0);
    assert!(device.requests("prov-scan") > 0);
    assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], "");
}

#[test]
fn json_matches_text_output() {
    let device = Device::start(&["--sec-ver", "1"]);
    let pop = device.pop();
    let line = [&HOME[..], &["--pop", pop, "--format", "json"]].concat();
    let output = provision(&device, &line).exits(0);
    assert!(output.stderr.is_empty(), "{output}");

    let lines = output.json();
    for line in &lines {
        assert_eq!(line["schema"], 1, "{output}");
        assert!(line["elapsed_ms"].is_u64(), "{output}");
    }
    let events: Vec<&str> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    let facts: Vec<&str> = events
        .iter()
        .copied()
        .filter(|event| *event != "stage" && *event != "wifi_joining")
        .collect();
    assert_eq!(
        facts,
        [
            "search_started",
            "device_found",
            "connected",
            "version_read",
            "scheme_chosen",
            "secured",
            "wifi_sent",
            "wifi_applied",
            "wifi_joined",
            "result",
        ]
    );
    let stages: Vec<(&str, &str)> = lines
        .iter()
        .filter(|line| line["event"] == "stage")
        .map(|line| {
            (
                line["stage"].as_str().unwrap(),
                line["state"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        stages,
        [
            ("associate", "skipped"),
            ("verify_association", "skipped"),
            ("send_wifi", "started"),
            ("send_wifi", "done"),
            ("confirm_wifi", "started"),
            ("confirm_wifi", "done"),
            ("setup_node", "skipped"),
        ]
    );
    let result = output.result();
    assert_eq!(result["ok"], true);
    let summary = &result["summary"];
    assert_eq!(summary["ssid"], "Home");
    assert_eq!(summary["security"], 1);
    assert_eq!(summary["transport"], "softap");
    assert!(
        summary["ip"]
            .as_str()
            .unwrap()
            .parse::<std::net::Ipv4Addr>()
            .is_ok()
    );
}

#[test]
fn label_alone_selects_and_secures_device() {
    let device = Device::start(&["--sec-ver", "2"]);
    let label = device.ready["qrcode"].as_str().unwrap().to_owned();
    provision(&device, &[&HOME[..], &["--qrcode", &label]].concat()).exits(0);
    assert_eq!(device.log_entries("secured")[0]["username"], "wifiprov");
    assert_nothing_needless(&device);
}

#[test]
fn security_2_uses_own_user_and_password() {
    let device = Device::start(&[
        "--sec-ver",
        "2",
        "--username",
        "usér",
        "--pop",
        "päss wörd ✓",
    ]);
    let line = [
        &HOME[..],
        &["--sec2_username", "usér", "--sec2_password", "päss wörd ✓"],
    ]
    .concat();
    provision(&device, &line).exits(0);
    assert_eq!(device.log_entries("secured")[0]["username"], "usér");
}

#[test]
fn host_name_and_ipv6_address_reach_device() {
    let device = Device::start(&[]);
    let (pop, port) = (device.pop(), device.ready["port"].to_string());
    let place = ["--device-host", "localhost", "--device-port", &port];
    let line = [
        &["provision", "--no-cloud", "--pop", pop][..],
        &HOME,
        &place,
    ]
    .concat();
    espctl(line).output().exits(0);
}
