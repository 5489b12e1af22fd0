//! Only the device sees secrets: each test proves that a secret reached the device, and
//! then searches for it in everything that was printed, at the highest verbosity, in every spelling
//! that could hide it. The account's secrets are in `canary/account.rs`, what is handed on in a
//! support bundle in `canary/bundle.rs`.

mod account;
mod bundle;

use std::fmt::Write as _;
use std::fs;

use crate::support::device::{Device, access_points, fresh_path};
use crate::support::espctl::{Output, espctl};
use serde_json::json;

const POP: &str = "canary-pop/7a9d?365e";
const PASSWORD: &str = "canary+password=ß41c2";
const PASSPHRASE: &str = "canary passphrase & 93f1";

#[test]
fn secrets_reach_device_but_no_output() {
    let world = access_points(&json!([{
        "ssid": "Nest", "bssid": "a0b1c2d3e4f5", "channel": 6, "rssi": -40, "auth": 3,
        "passphrase": PASSPHRASE,
    }]));
    for format in ["text", "json"] {
        for (scheme, secret) in [("1", POP), ("2", PASSWORD)] {
            let device = Device::start(&["--sec-ver", scheme, "--pop", secret, "--aps", &world]);
            let flags = match scheme {
                "1" => ["--pop", POP],
                _ => ["--sec2-password", PASSWORD],
            };
            let files = [fresh_path("transcript"), fresh_path("log")];
            let [transcript, log] = files.each_ref().map(|path| path.to_str().unwrap());
            let flags = [&flags[..], &["--transcript", transcript, "--log-file", log]].concat();
            let output = run(&device, format, &flags, PASSPHRASE).exits(0);
            // The device proved that it knows the PoP, and received the passphrase.
            assert_eq!(device.log_entries("secured").len(), 1);
            assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], PASSPHRASE);
            assert_hidden(&output);
            // The files have every step, but not these secrets.
            let [transcript, log] = files.map(|path| fs::read_to_string(path).unwrap());
            assert!(
                transcript.contains("SetWifi { ssid: Ssid(Nest)"),
                "{transcript}"
            );
            assert!(log.contains("prov-config"), "{log}");
            let stdout = transcript + &log;
            assert_hidden(&Output { stdout, ..output });
        }
    }
}

#[test]
fn secrets_from_any_source_reach_no_output() {
    let world = access_points(&json!([{
        "ssid": "Nest", "bssid": "a0b1c2d3e4f5", "channel": 6, "rssi": -40, "auth": 3,
        "passphrase": PASSPHRASE,
    }]));
    let secret = fresh_path("secret");
    fs::write(&secret, format!("{POP}\n")).unwrap();
    let file = secret.to_str().unwrap();
    let label = json!({"ver": "v1", "pop": POP, "transport": "softap"}).to_string();
    let flags: [&[&str]; 4] = [&[POP], &["--pop-file", file], &["--qrcode", &label], &[]];
    for flags in flags {
        let device = Device::start(&["--sec-ver", "1", "--pop", POP, "--aps", &world]);
        let mut line: Vec<String> = [
            "provision",
            "--no-cloud",
            "-vv",
            "--ssid",
            "Nest",
            "--passphrase-file",
            "-",
        ]
        .map(str::to_owned)
        .to_vec();
        line.extend(device.address());
        line.extend(flags.iter().map(ToString::to_string));
        let mut run = espctl(line).stdin(PASSPHRASE.as_bytes());
        if flags.is_empty() {
            run = run.env("ESPCTL_POP", POP);
        }
        let output = run.output().exits(0);
        assert_eq!(device.log_entries("secured")[0]["pop"], true);
        assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], PASSPHRASE);
        assert_hidden(&output);
    }
    // Commands that only look.
    let device = Device::start(&["--sec-ver", "2", "--pop", PASSWORD]);
    let mut line: Vec<String> = ["device", "wifi", "-vv", "--sec2-password", PASSWORD]
        .map(str::to_owned)
        .to_vec();
    line.extend(device.address());
    let output = espctl(line).output().exits(0);
    assert_eq!(device.log_entries("secured").len(), 1);
    assert_hidden(&output);
}

#[test]
fn errors_contain_no_secrets() {
    for format in ["text", "json"] {
        for scheme in ["1", "2"] {
            // Refused at the handshake.
            let device = Device::start(&["--sec-ver", scheme, "--pop", "another"]);
            let output = run(&device, format, &["--pop", POP], PASSPHRASE).exits(5);
            assert_eq!(
                device.log_entries("strike").len(),
                1,
                "the secret reached the device"
            );
            assert_hidden(&output);
            // Refused by the network.
            let device =
                Device::start(&["--sec-ver", scheme, "--pop", POP, "--time-scale", "0.05"]);
            let output = run(&device, format, &["--pop", POP], PASSPHRASE).exits(9);
            assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], PASSPHRASE);
            assert_hidden(&output);
        }
        // Refused as input.
        let device = Device::start(&[]);
        let too_long = PASSPHRASE.repeat(3);
        let output = run(&device, format, &["--pop", POP], &too_long).exits(2);
        assert_hidden(&output);
        let label = format!(r#"{{"pop":"{POP}","password":"{PASSWORD}","transport":7}}"#);
        assert_hidden(&run(&device, format, &["--qrcode", &label], PASSPHRASE).exits(2));
        assert_hidden(
            &run(
                &device,
                format,
                &["--sec-ver", "9", "--pop", POP],
                PASSPHRASE,
            )
            .exits(2),
        );
    }
}

#[test]
fn help_does_not_show_environment_values() {
    for arguments in [["provision", "--help"], ["provision", "-h"]] {
        let output = espctl(arguments)
            .env("ESPCTL_POP", POP)
            .env("ESPCTL_SEC2_PASSWORD", PASSWORD)
            .env("ESPCTL_PASSPHRASE", PASSPHRASE)
            .env("ESPCTL_QRCODE", &format!(r#"{{"pop":"{POP}"}}"#))
            .output()
            .exits(0);
        assert_hidden(&output);
    }
}

#[test]
fn check_itself_finds_every_encoding() {
    for text in spellings(PASSPHRASE) {
        let output = Output {
            exit: None,
            stdout: String::new(),
            stderr: format!("x{text}y"),
        };
        assert!(found(&output, &[PASSPHRASE]).is_some(), "{text}");
    }
}

fn run(device: &Device, format: &str, flags: &[&str], passphrase: &str) -> Output {
    let mut line: Vec<String> = ["provision", "--no-cloud", "-vv", "--format", format]
        .map(str::to_owned)
        .to_vec();
    line.extend(device.address());
    line.extend(["--ssid", "Nest", "--passphrase", passphrase].map(str::to_owned));
    line.extend(flags.iter().map(ToString::to_string));
    espctl(line).output()
}

#[track_caller]
fn assert_hidden(output: &Output) {
    let secrets = [POP, PASSWORD, PASSPHRASE];
    assert_eq!(found(output, &secrets), None, "{output}");
}

/// The first spelling of one of these that was printed.
fn found(output: &Output, secrets: &[&str]) -> Option<String> {
    let all = format!("{}\n{}", output.stdout, output.stderr).to_lowercase();
    secrets
        .iter()
        .flat_map(|secret| spellings(secret))
        .find(|spelling| all.contains(&spelling.to_lowercase()))
}

/// Plain, quoted, hexadecimal, as a list of numbers, base64 at each of three offsets, and
/// percent-encoded.
fn spellings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let hex = |separator: &str| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .join(separator)
    };
    let percent = |keep: fn(u8) -> bool| {
        bytes.iter().fold(String::new(), |mut text, byte| {
            if keep(*byte) {
                text.push(char::from(*byte));
            } else {
                write!(text, "%{byte:02x}").unwrap();
            }
            text
        })
    };
    let mut spellings = vec![
        secret.to_owned(),
        format!("{secret:?}").trim_matches('"').to_owned(),
        format!("{bytes:?}").trim_matches(['[', ']']).to_owned(),
        hex(""),
        hex(" "),
        hex(":"),
        percent(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
        percent(|byte| byte.is_ascii_alphanumeric()),
    ];
    for skipped in 0..3 {
        // Whole groups of three bytes read the same wherever the text around them begins.
        let whole = &bytes[skipped..];
        spellings.push(base64(&whole[..whole.len() / 3 * 3]));
    }
    spellings
}

/// RFC 4648, section 4, of whole groups.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks_exact(3)
        .flat_map(|group| {
            let number = group
                .iter()
                .fold(0, |number, byte| number << 8 | usize::from(*byte));
            [18, 12, 6, 0].map(|shift| char::from(ALPHABET[number >> shift & 63]))
        })
        .collect()
}
