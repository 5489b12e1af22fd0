//! A support bundle is for other people: a secret of a run reached its destination, and is in no
//! encoding in the file, for every source of the secret and every end of the run.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{PASSPHRASE, PASSWORD, POP, found};
use crate::cli::account::Home;
use crate::support::cloud::Cloud;
use crate::support::device::{Device, access_points, fresh_path};
use crate::support::espctl::{Output, Run, espctl};
use crate::support::owner::Owner;

const CODE: &str = "canary-2481";
const DATA: &str = "canary data 5f";

/// The file that the run left, and everything that it printed.
#[track_caller]
fn left(run: impl FnOnce(&Path) -> Run, exit: i32) -> Output {
    let path = fresh_path("bundle.txt");
    let output = run(&path).output().exits(exit);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\n## log\n"), "{text}");
    Output {
        stdout: text,
        ..output
    }
}

#[track_caller]
fn assert_none(output: &Output, secrets: &[&str]) {
    assert_eq!(found(output, secrets), None, "{output}");
}

fn nest() -> String {
    access_points(&json!([{
        "ssid": "Nest", "bssid": "a0b1c2d3e4f5", "channel": 6, "rssi": -40, "auth": 3,
        "passphrase": PASSPHRASE,
    }]))
}

fn provision(device: &Device, more: &[&str], bundle: &Path) -> Run {
    let mut line: Vec<String> = ["provision", "--no-cloud", "--ssid", "Nest"]
        .map(str::to_owned)
        .to_vec();
    line.extend(device.address());
    line.extend(more.iter().map(ToString::to_string));
    line.extend(["--support-bundle".to_owned(), bundle.display().to_string()]);
    espctl(line)
}

const SECRETS: [&str; 4] = [POP, PASSWORD, PASSPHRASE, DATA];

#[test]
fn bundle_has_no_device_secret_from_any_source() {
    let world = nest();
    let file = fresh_path("secret");
    fs::write(&file, format!("{POP}\n")).unwrap();
    let file = file.to_str().unwrap();
    let label = json!({"ver": "v1", "pop": POP, "transport": "softap"}).to_string();
    let passphrase = ["--passphrase", PASSPHRASE];
    let ways: [&[&str]; 5] = [
        &[POP],
        &["--pop", POP],
        &["--pop-file", file],
        &["--qrcode", &label],
        &[],
    ];
    for way in ways {
        let device = Device::start(&["--sec-ver", "1", "--pop", POP, "--aps", &world]);
        let flags = [way, &passphrase[..]].concat();
        let output = left(
            |bundle| {
                let run = provision(&device, &flags, bundle);
                if way.is_empty() {
                    run.env("ESPCTL_POP", POP)
                } else {
                    run
                }
            },
            0,
        );
        assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], PASSPHRASE);
        assert!(output.stdout.contains("SetWifi { ssid: Ssid(Nest)"));
        assert_none(&output, &SECRETS);
    }
    let device = Device::start(&["--sec-ver", "2", "--pop", PASSWORD, "--aps", &world]);
    let flags = ["--sec2-password", PASSWORD, "--passphrase-file", "-"];
    let output = left(
        |bundle| provision(&device, &flags, bundle).stdin(PASSPHRASE.as_bytes()),
        0,
    );
    assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], PASSPHRASE);
    assert_none(&output, &SECRETS);
}

#[test]
fn bundle_of_failed_run_has_no_secret() {
    let passphrase = ["--passphrase", PASSPHRASE];
    for scheme in ["1", "2"] {
        let device = Device::start(&["--sec-ver", scheme, "--pop", "another"]);
        let flags = [&["--pop", POP], &passphrase[..]].concat();
        assert_none(
            &left(|bundle| provision(&device, &flags, bundle), 5),
            &SECRETS,
        );
        assert_eq!(
            device.log_entries("strike").len(),
            1,
            "the secret reached the device"
        );
        // No network of its world has this passphrase.
        let device = Device::start(&["--sec-ver", scheme, "--pop", POP, "--time-scale", "0.05"]);
        assert_none(
            &left(|bundle| provision(&device, &flags, bundle), 9),
            &SECRETS,
        );
        assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], PASSPHRASE);
    }
    let device = Device::start(&[]);
    let too_long = PASSPHRASE.repeat(3);
    let label = format!(r#"{{"pop":"{POP}","password":"{PASSWORD}","transport":7}}"#);
    let metadata = format!("{{\"a\": \"{DATA}\", oops");
    let refused: [&[&str]; 4] = [
        &["--pop", POP, "--passphrase", &too_long],
        &["--qrcode", &label, "--passphrase", PASSPHRASE],
        &["--pop", POP, "--passphrase", PASSPHRASE, "--open"],
        &["--metadata", &metadata, "--tags", DATA, "--open"],
    ];
    for flags in refused {
        let output = left(|bundle| provision(&device, flags, bundle), 2);
        // The terminal may repeat it to the user who typed it; the file may not contain it.
        let stderr = String::new();
        assert_none(&Output { stderr, ..output }, &SECRETS);
    }
}

#[test]
fn payload_after_stray_character_is_redacted() {
    let device = Device::start(&[]);
    let label = format!("@NP:PROV_x|{POP}|b");
    let json = format!("@{{\"pop\":\"{POP}\"}}");
    let odd = json!({"ver": "v1", "pop": "x", "transport": POP}).to_string();
    for label in [&label, &json, &odd] {
        let flags = ["--qrcode", label, "--open"];
        assert_none(
            &left(|bundle| provision(&device, &flags, bundle), 2),
            &SECRETS,
        );
    }
    let data = format!("@{DATA}");
    let address = device.address();
    let mut line = vec!["device", "call", "custom", "--data", &data];
    line.extend(address.iter().map(String::as_str));
    let call = |bundle: &Path| {
        let flags = ["--support-bundle", bundle.to_str().unwrap()];
        espctl([&line[..], &flags].concat())
    };
    let output = left(call, 2);
    assert!(
        output.stderr.contains("the file of --data cannot be read"),
        "{output}"
    );
    assert_none(&output, &SECRETS);
}

#[test]
fn bundle_has_no_secret_from_variables() {
    let world = nest();
    let device = Device::start(&["--sec-ver", "2", "--pop", PASSWORD, "--aps", &world]);
    let run = |bundle: &Path| {
        provision(&device, &[], bundle)
            .env("ESPCTL_PASSPHRASE", PASSPHRASE)
            .env("ESPCTL_SEC2_PASSWORD", PASSWORD)
    };
    let output = left(run, 0);
    assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], PASSPHRASE);
    assert!(output.stdout.contains("ESPCTL_SEC2_PASSWORD=<redacted>"));
    assert_none(&output, &SECRETS);

    let device = Device::start(&["--sec-ver", "1", "--pop", POP, "--aps", &world]);
    let label = json!({"ver": "v1", "pop": POP, "transport": "softap"}).to_string();
    let run = |bundle: &Path| {
        provision(&device, &[], bundle)
            .env("ESPCTL_PASSPHRASE", PASSPHRASE)
            .env("ESPCTL_QRCODE", &label)
    };
    let output = left(run, 0);
    assert_eq!(device.log_entries("secured")[0]["pop"], true);
    assert_none(&output, &SECRETS);
}

#[cfg(unix)]
#[test]
fn bundle_has_no_secret_from_console() {
    let device = Device::on_serial_line(&["--sec-ver", "1", "--pop", POP, "--aps", &nest()]);
    let flags = ["--pop", POP, "--passphrase", PASSPHRASE];
    let output = left(|bundle| provision(&device, &flags, bundle), 0);
    assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], PASSPHRASE);
    assert_none(&output, &SECRETS);
}

#[test]
fn bundle_of_command_that_prints_secrets_has_none() {
    let label = json!({"ver": "v1", "pop": POP, "transport": "softap", "password": PASSWORD});
    let label = label.to_string();
    let bundle = |line: &[&str], bundle: &Path| {
        espctl([line, &["--support-bundle", bundle.to_str().unwrap()]].concat())
    };
    for format in ["text", "json"] {
        for line in [
            &["qr", "decode", &label][..],
            &["qr", "encode", &label],
            &["qr", "decode", "{\"pop\":\"canary-pop/7a9d?365e"],
        ] {
            let line = [line, &["--format", format]].concat();
            let path = fresh_path("bundle.txt");
            let output = bundle(&line, &path).output();
            let stdout = fs::read_to_string(&path).unwrap();
            assert!(stdout.contains("\n## result\n"), "{output}");
            assert_none(
                &Output {
                    stdout,
                    stderr: String::new(),
                    ..output
                },
                &SECRETS,
            );
        }
    }
    let device = Device::start(&["--sec-ver", "2", "--pop", PASSWORD]);
    let address = device.address();
    let mut line = vec![
        "device",
        "call",
        "prov-ctrl",
        "--data",
        DATA,
        "--pop",
        PASSWORD,
    ];
    line.extend(address.iter().map(String::as_str));
    let path = fresh_path("bundle.txt");
    let output = bundle(&line, &path).output();
    assert_eq!(device.log_entries("secured").len(), 1, "{output}");
    let stdout = fs::read_to_string(&path).unwrap();
    assert_none(&Output { stdout, ..output }, &SECRETS);
}

#[test]
fn bundle_has_no_account_secret() {
    let owner = Owner::start(&["--password", PASSWORD]);
    let user = owner.cloud.user().to_owned();
    let device = Device::start(&["--cap", "user_assoc", "--cloud", owner.cloud.url()]);
    let address = device.address();
    let mut provision = vec!["provision", "--pop", device.pop(), "--ssid", "Home"];
    provision.extend(["--passphrase", "correct horse battery"]);
    provision.extend(address.iter().map(String::as_str));
    let login = ["login", "--profile", "lab", "--user-name", &user];
    let by_password = [&login[..], &["--password", PASSWORD]].concat();
    let wrong = [&login[..], &["--password", POP]].concat();
    let mut tokens = owner.tokens();
    let mut outputs = Vec::new();
    let lines: [(&[&str], i32); 6] = [
        (&provision, 0),
        (&by_password, 0),
        (&wrong, 8),
        (&["whoami", "--check"], 0),
        (&["node", "list"], 0),
        (&["logout"], 0),
    ];
    for (line, exit) in lines {
        outputs.push(left(
            |bundle| {
                let flags = ["--support-bundle", bundle.to_str().unwrap()];
                owner.account.run(&[line, &flags[..]].concat())
            },
            exit,
        ));
        if exit == 0 && !line.contains(&"logout") {
            tokens.extend(owner.tokens());
        }
    }
    assert!(owner.has(&device), "it did not arrive");
    let printed = device.log_entries("user_mapping_received");
    tokens.push(printed[0]["secret_key"].as_str().unwrap().to_owned());
    let signatures = tokens.iter().filter_map(|token| token.rsplit('.').next());
    let mut secrets: Vec<&str> = signatures.collect();
    secrets.extend([PASSWORD, POP, device.pop(), "correct horse battery"]);
    for output in &outputs {
        assert_none(output, &secrets);
    }
    // As a variable.
    let output = left(
        |bundle| {
            let flags = ["--support-bundle", bundle.to_str().unwrap()];
            let run = owner.account.run(&[&["node", "list"], &flags[..]].concat());
            run.env("ESPCTL_ACCESS_TOKEN", &tokens[0])
        },
        0,
    );
    assert!(output.stdout.contains("ESPCTL_ACCESS_TOKEN"));
    assert_none(&output, &secrets);
}

#[test]
fn bundle_of_login_has_no_code() {
    let cloud = Cloud::start(&["--password", PASSWORD, "--otp", CODE]);
    let home = Home::with_lab(cloud.url());
    let login = ["login", "--user-name", cloud.user(), "--code", CODE];
    for way in [&["--password", PASSWORD][..], &["--otp"]] {
        let output = left(
            |bundle| {
                let flags = ["--support-bundle", bundle.to_str().unwrap()];
                home.run(&[&login[..], way, &flags].concat())
            },
            0,
        );
        let stored = home.login("lab").unwrap();
        let stored = ["accesstoken", "idtoken", "refreshtoken"]
            .map(|key| stored[key].as_str().unwrap().to_owned());
        let mut secrets = vec![PASSWORD, CODE];
        secrets.extend(stored.iter().map(String::as_str));
        assert_none(&output, &secrets);
    }
}
