//! The ids of the command line and of this computer: what is found without a device, or before it
//! is asked for anything.

use std::fs;

use super::Case::{self, Below, Run};
use super::arranged::{at, cannot_listen, output_lost, provision, without_device};
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::espctl;

pub(super) const CASES: &[(&str, Case)] = &[
    (
        "cannot-announce",
        Run(|| {
            let nowhere = ["--transport", "on-network", "--interface", "nonesuch0"];
            espctl(["emulate", "device"].iter().chain(&nowhere)).output()
        }),
    ),
    ("cannot-listen", Run(cannot_listen)),
    (
        "conflicting-flags",
        Run(|| without_device(&["--open", "--passphrase", "12345678"])),
    ),
    (
        "emulated-cloud-unreachable",
        Run(|| espctl(["emulate", "device", "--cloud", "http://127.0.0.1:1"]).output()),
    ),
    (
        "fault",
        Below(
            "a fault is what must not happen",
            "rare_errors_have_ids_and_exit_codes",
        ),
    ),
    (
        "host-not-ready",
        Run(|| espctl(["doctor", "--transport", "ble", "--no-cloud", "--require"]).output()),
    ),
    (
        "invalid-data",
        Run(|| {
            espctl([
                "device",
                "call",
                "x",
                "--hex",
                "0",
                "--device-ip",
                "127.0.0.1",
            ])
            .output()
        }),
    ),
    (
        "invalid-passphrase",
        Run(|| without_device(&["--passphrase", "7-chars"])),
    ),
    (
        "invalid-qrcode",
        Run(|| without_device(&["--open", "--qrcode", "{"])),
    ),
    (
        "invalid-ssid",
        Run(|| espctl(["provision", "--no-cloud", "--open", "--ssid", ""]).output()),
    ),
    (
        "invalid-username",
        Run(|| without_device(&["--open", "--sec2-username", ""])),
    ),
    (
        "login-required",
        Run(|| {
            espctl([
                "provision",
                "--ssid",
                "Home",
                "--open",
                "--device-ip",
                "127.0.0.1",
            ])
            .output()
        }),
    ),
    (
        "matter-code",
        Run(|| without_device(&["--open", "--qrcode", "MT:Y.K9042C00KA0648G00"])),
    ),
    (
        "missing-data",
        Run(|| espctl(["device", "call", "x", "--device-ip", "127.0.0.1"]).output()),
    ),
    (
        "missing-passphrase",
        Run(|| provision(&[], &["--ssid", "Home"])),
    ),
    (
        "missing-pop",
        Run(|| {
            let device = Device::start(&["--sec-ver", "1"]);
            at(&device, &["device", "wifi"], &[])
        }),
    ),
    (
        "missing-ssid",
        Run(|| {
            espctl([
                "provision",
                "--no-cloud",
                "--device-ip",
                "127.0.0.1",
                "--device-port",
                "1",
            ])
            .output()
        }),
    ),
    (
        "no-qr-code",
        Run(|| {
            let path = fresh_path("white.png");
            image::GrayImage::from_pixel(40, 40, image::Luma([255]))
                .save(&path)
                .unwrap();
            espctl(["qr", "decode", &format!("@{}", path.display())]).output()
        }),
    ),
    ("output-lost", Run(output_lost)),
    (
        "stdin-twice",
        Run(|| {
            let line = ["provision", "--no-cloud", "--ssid", "Home"];
            let both = ["--pop-file", "-", "--passphrase-file", "-"];
            espctl([&line[..], &both].concat()).stdin(b"x").output()
        }),
    ),
    (
        "unknown-id",
        Run(|| espctl(["explain", "wrong-poop"]).output()),
    ),
    (
        "unknown-interface",
        Run(|| {
            let nowhere = ["--transport", "on-network", "--interface", "nonesuch0"];
            espctl(["discover"].iter().chain(&nowhere)).output()
        }),
    ),
    (
        "unreadable-file",
        Run(|| without_device(&["--passphrase-file", "/nowhere/at/all"])),
    ),
    (
        "unsupported-transport",
        Run(|| without_device(&["--open", "--qrcode", r#"{"transport":"ham"}"#])),
    ),
    (
        "unusable-secret",
        Run(|| {
            let path = fresh_path("empty");
            fs::write(&path, "\n").unwrap();
            without_device(&["--passphrase-file", path.to_str().unwrap()])
        }),
    ),
    (
        "unwritable-file",
        Run(|| without_device(&["--open", "--transcript", "/nowhere/at/all"])),
    ),
    (
        "usage",
        Run(|| espctl(["provision", "--no-such-flag"]).output()),
    ),
];
