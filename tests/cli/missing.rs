//! In a non-interactive run, a missing value is exit 2, named with its flag and its variable, and
//! color is off unless it is forced.

use crate::support::device::Device;
use crate::support::espctl::espctl;

#[test]
fn missing_value_error_names_flag_and_variable() {
    let home = ["--ssid", "Home"];
    let passphrase = ["--passphrase", "correct horse battery"];
    let cases: [(&str, &str, Vec<&str>, &[&str]); 4] = [
        (
            "1",
            "missing-ssid",
            [&["--pop", "right-one"][..], &passphrase].concat(),
            &["--ssid", "--ssid-hex", "ESPCTL_SSID"],
        ),
        (
            "1",
            "missing-passphrase",
            [&["--pop", "right-one"][..], &home].concat(),
            &["--passphrase", "--passphrase-file", "ESPCTL_PASSPHRASE"],
        ),
        (
            "1",
            "missing-pop",
            [&home[..], &passphrase].concat(),
            &["--pop", "--pop-file", "ESPCTL_POP"],
        ),
        (
            "2",
            "missing-pop",
            [&home[..], &passphrase].concat(),
            &[
                "--pop",
                "ESPCTL_POP",
                "--sec2-password",
                "--sec2-password-file",
                "ESPCTL_SEC2_PASSWORD",
            ],
        ),
    ];
    for (scheme, id, arguments, named) in cases {
        let device = Device::start(&["--sec-ver", scheme, "--pop", "right-one"]);
        let address = device.address();
        let mut line = vec!["provision", "--no-cloud", "--format", "json"];
        line.extend(address.iter().map(String::as_str));
        line.extend(arguments);
        let output = espctl(line).output().exits(2);
        let error = &output.result()["error"];
        assert_eq!(error["id"], id, "{output}");
        let hints = error["hints"].to_string();
        for name in named {
            assert!(hints.contains(name), "{id}: {name} is not in {hints}");
        }
        assert!(device.log_entries("strike").is_empty());
        assert!(device.log_entries("wifi_set").is_empty());
    }
}

#[test]
fn open_network_needs_no_passphrase() {
    let device = Device::start(&["--sec-ver", "1"]);
    let mut line = vec!["provision".to_owned(), "--no-cloud".to_owned()];
    line.extend(device.address());
    line.extend(["--pop", device.pop(), "--ssid", "Guest"].map(str::to_owned));
    espctl(line).output().exits(0);
}

#[test]
fn color_is_forced_or_absent() {
    let refused = |name: &str, value: &str| {
        espctl(["provision", "--ssid", ""])
            .env(name, value)
            .output()
            .exits(2)
            .stderr
            .contains('\x1b')
    };
    assert!(!refused("TERM", "xterm-256color"));
    assert!(refused("CLICOLOR_FORCE", "1"));
    assert!(!refused("CLICOLOR_FORCE", "0"));
    // Help and what clap refuses follow the same rule.
    let help = espctl(["--help"]).env("CLICOLOR_FORCE", "0").output();
    assert!(!help.exits(0).stdout.contains('\x1b'));
}
