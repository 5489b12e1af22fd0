//! Where a value comes from: flag, environment, QR code, default; a file ranks with the flag or
//! variable that names it. The device's log shows which
//! value was used.

use std::fs;

use crate::support::device::{Device, fresh_path};
use crate::support::espctl::{Run, espctl};

fn run(device: &Device, arguments: &[&str]) -> Run {
    let mut line: Vec<String> = vec!["provision".into(), "--no-cloud".into()];
    line.extend(device.address());
    line.extend(arguments.iter().map(ToString::to_string));
    espctl(line)
}

const PASSPHRASE: &str = "correct horse battery";

#[test]
fn every_value_can_come_from_environment() {
    let device = Device::start(&[]);
    espctl(["provision"])
        .env("ESPCTL_NO_CLOUD", "1")
        .env("ESPCTL_DEVICE_IP", "127.0.0.1")
        .env("ESPCTL_DEVICE_PORT", &device.ready["port"].to_string())
        .env("ESPCTL_TRANSPORT", "softap")
        .env("ESPCTL_POP", device.pop())
        .env("ESPCTL_SSID", "Home")
        .env("ESPCTL_PASSPHRASE", PASSPHRASE)
        .output()
        .exits(0);
}

#[test]
fn flag_overrides_environment_and_label() {
    let device = Device::start(&["--pop", "right-one"]);
    let label = |pop: &str| format!(r#"{{"ver":"v1","pop":"{pop}","transport":"softap"}}"#);
    let (right, wrong) = (label("right-one"), label("wrong-one"));
    let home = ["--ssid", "Home", "--passphrase", PASSPHRASE];

    let typed = [&home[..], &["--pop", "right-one", "--qrcode", &wrong]].concat();
    run(&device, &typed)
        .env("ESPCTL_POP", "wrong-two")
        .output()
        .exits(0);

    let device = Device::start(&["--pop", "right-one"]);
    let labelled = [&home[..], &["--qrcode", &wrong]].concat();
    run(&device, &labelled)
        .env("ESPCTL_POP", "right-one")
        .output()
        .exits(0);

    // An empty variable is no value.
    let device = Device::start(&["--pop", "right-one"]);
    let labelled = [&home[..], &["--qrcode", &right]].concat();
    run(&device, &labelled)
        .env("ESPCTL_POP", "")
        .output()
        .exits(0);

    // The positional one of old scripts counts, and --pop wins over it.
    let device = Device::start(&["--pop", "right-one"]);
    let positional = [&home[..], &["right-one"]].concat();
    run(&device, &positional)
        .env("ESPCTL_POP", "wrong-one")
        .output()
        .exits(0);
    let device = Device::start(&["--pop", "right-one"]);
    let both = [&home[..], &["--pop", "right-one", "wrong-one"]].concat();
    run(&device, &both).output().exits(0);
}

#[test]
fn secrets_come_from_files_and_stdin() {
    let device = Device::start(&["--pop", "right-one"]);
    let pop = fresh_path("pop");
    fs::write(&pop, "right-one\r\n").unwrap();
    let line = [
        "--pop-file",
        pop.to_str().unwrap(),
        "--ssid",
        "Home",
        "--passphrase-file",
        "-",
    ];
    // A typed file wins over a value in the environment.
    run(&device, &line)
        .env("ESPCTL_POP", "wrong-one")
        .stdin(format!("{PASSPHRASE}\n").as_bytes())
        .output()
        .exits(0);
    assert_eq!(device.log_entries("wifi_set")[0]["passphrase"], PASSPHRASE);
}

#[test]
fn secret_file_overrides_label() {
    let pop = fresh_path("pop");
    fs::write(&pop, "right-one\n").unwrap();
    let file = pop.to_str().unwrap();
    let wrong = r#"{"ver":"v1","pop":"wrong-one","transport":"softap"}"#;
    let line = [
        "--qrcode",
        wrong,
        "--ssid",
        "Home",
        "--passphrase",
        PASSPHRASE,
    ];

    let device = Device::start(&["--pop", "right-one"]);
    let typed = [&line[..], &["--pop-file", file]].concat();
    run(&device, &typed).output().exits(0);

    let device = Device::start(&["--pop", "right-one"]);
    run(&device, &line)
        .env("ESPCTL_POP_FILE", file)
        .output()
        .exits(0);
}

#[test]
fn stdin_provides_only_one_value() {
    let device = Device::start(&[]);
    let line = [
        "--pop-file",
        "-",
        "--ssid",
        "Home",
        "--passphrase-file",
        "-",
    ];
    let output = run(&device, &line).stdin(b"one").output().exits(2);
    assert!(
        output.stderr.contains("only one input may be `-`"),
        "{output}"
    );
    assert!(output.stderr.contains("--pop-file") && output.stderr.contains("--passphrase-file"));
    assert!(device.log_entries("connection_opened").is_empty());
}

#[test]
fn label_can_be_a_file() {
    let device = Device::start(&[]);
    let label = fresh_path("label.json");
    fs::write(&label, device.ready["qrcode"].as_str().unwrap()).unwrap();
    let file = format!("@{}", label.display());
    run(
        &device,
        &[
            "--qrcode",
            &file,
            "--ssid",
            "Home",
            "--passphrase",
            PASSPHRASE,
        ],
    )
    .output()
    .exits(0);
}

#[test]
fn empty_variable_is_ignored() {
    let device = Device::start(&[]);
    let pop = device.pop();
    let line = ["--pop", pop, "--ssid", "Home", "--passphrase", PASSPHRASE];
    let mut prepared = run(&device, &line);
    for name in [
        "DEVICE_HOST",
        "JOIN_TIMEOUT",
        "NO_CLOUD",
        "PASSPHRASE_FILE",
        "POP_FILE",
        "QRCODE",
        "SEC2_USERNAME",
        "SEC_VER",
        "SSID_HEX",
        "TRANSPORT",
    ] {
        prepared = prepared.env(&format!("ESPCTL_{name}"), "");
    }
    prepared.output().exits(0);
}

#[test]
fn file_without_secret_fails_before_a_try() {
    let device = Device::start(&["--pop", "right-one"]);
    let file = fresh_path("secret");
    let path = file.to_str().unwrap();
    for (content, fits) in [
        ("", false),
        ("\n", false),
        ("right-one\nsecond line\n", false),
        ("right\u{0}one", false),
        ("\u{feff}right-one\n", true),
    ] {
        fs::write(&file, content).unwrap();
        let line = [
            "--pop-file",
            path,
            "--ssid",
            "Home",
            "--passphrase",
            PASSPHRASE,
        ];
        let output = run(&device, &line).output().exits(if fits { 0 } else { 2 });
        assert!(
            fits || output.stderr.contains("--pop-file"),
            "{content:?} {output}"
        );
        assert!(device.log_entries("strike").is_empty());
    }
    let both = ["right-one", "--pop-file", path, "--ssid", "Home", "--open"];
    run(&device, &both).output().exits(2);
}

#[cfg(unix)]
#[test]
fn files_are_not_written_through_links() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = fresh_path("links");
    fs::create_dir(&folder).unwrap();
    let target = folder.join("target");
    fs::write(&target, "kept").unwrap();
    fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).unwrap();
    let (link, dangling) = (folder.join("link"), folder.join("dangling"));
    symlink(&target, &link).unwrap();
    symlink(folder.join("new"), &dangling).unwrap();
    for path in [&link, &dangling] {
        let path = path.to_str().unwrap();
        let device = [
            "device",
            "info",
            "--device-ip",
            "127.0.0.1",
            "--device-port",
            "1",
        ];
        for line in [
            &[&device[..], &["--transcript", path]].concat()[..],
            &["explain", "wrong-pop", "--log-file", path],
            &["explain", "wrong-pop", "--support-bundle", path],
            &["emulate", "device", "--transport", "softap", "--log", path],
            &["emulate", "cloud", "--log", path],
        ] {
            let output = espctl(line).output().exits(2);
            assert!(
                output.stderr.contains("symbolic link"),
                "{line:?}: {output}"
            );
            assert!(
                output.stderr.contains("unwritable-file"),
                "{line:?}: {output}"
            );
        }
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "kept");
    assert_eq!(
        fs::metadata(&target).unwrap().permissions().mode() & 0o777,
        0o644
    );
    assert!(!folder.join("new").exists());
    // A link of the system, also if it leads to a file.
    let line = ["explain", "wrong-pop", "-vv", "--log-file", "/dev/stderr"];
    espctl(line).output().exits(0);
}

/// core(5): a limit of 0 forbids the file, and the attribute of prctl(2) also a handler.
#[cfg(target_os = "linux")]
#[test]
fn process_leaves_no_core_dump() {
    let device = Device::start(&[]);
    let limits = fs::read_to_string(format!("/proc/{}/limits", device.process_id())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let soft = core.unwrap().split_whitespace().nth(4);
    assert_eq!(soft, Some("0"), "{limits}");
}
