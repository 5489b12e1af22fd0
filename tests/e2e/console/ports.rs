//! The serial ports of the computer, the selected one, and the output of the boards there.

use serde_json::{Value, json};

use super::failed;
use crate::support::espctl::{Output, espctl};
use crate::support::namespace::Namespace;
use crate::support::usb::{Board, CH340, CP2102, ports};

fn run(line: &[&str]) -> Output {
    let place = ["--transport", "console", "--format", "json"];
    espctl(line.iter().chain(&place)).output()
}

#[test]
fn uses_only_usb_port_and_requires_choice_of_several() {
    if !PORTS.is_entered() {
        return;
    }
    // None at all, and one where no board is.
    let error = failed(run(&["device", "info"]), 3, "no-serial-port", &["on USB"]);
    assert!(!error.to_string().contains("ttyS0"), "{error}");
    let internal = Board::plug_in("ttyS0", &[], None);
    failed(
        run(&["device", "info"]),
        3,
        "no-serial-port",
        &["--port /dev/ttyS0"],
    );
    failed(run(&["discover"]), 3, "no-serial-port", &["/dev/ttyS0"]);

    // The only plausible one is taken, whatever the label calls the device.
    let board = Board::plug_in(
        "ttyUSB0",
        &["--sec-ver", "1", "--pop", "abcd1234"],
        Some(CP2102),
    );
    let line = [
        "--no-cloud",
        "--ssid",
        "Guest",
        "--pop",
        "abcd1234",
        "--device-name",
        "PROV_1",
    ];
    let output = run(&[&["provision"][..], &line].concat());
    assert_eq!(output.exit, Some(0), "{output}");
    assert_eq!(board.count_log_entries("wifi_joined"), 1);
    drop(board);

    // A list opens nothing.
    let boards = [
        Board::plug_in("ttyUSB1", &["--sec-ver", "1"], Some(CP2102)),
        Board::plug_in("ttyACM0", &["--console-trouble", "repl"], Some(CH340)),
    ];
    let listed = run(&["discover"]).exits(0).result();
    let paths = |listed: &Value| -> Vec<String> {
        let devices = listed["devices"].as_array().unwrap().iter();
        devices
            .map(|one| one["address"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(paths(&listed), ["/dev/ttyACM0", "/dev/ttyUSB1"]);
    let one = &listed["devices"][1];
    assert_eq!(
        one["name"],
        "Silicon Labs CP2102N USB to UART Bridge Controller"
    );
    assert_eq!(one["usb_vendor_id"], "10c4");
    assert_eq!(one["serial_number"], "0001");
    assert_eq!(listed["devices"][0]["serial_number"], Value::Null);
    assert_eq!(boards[0].count_log_entries("request"), 0);
    let text = espctl(["discover", "--transport", "console"])
        .output()
        .exits(0)
        .stdout;
    assert!(text.contains("CP2102N"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
    assert!(
        text.contains("1 more serial port(s) are not on USB; --all lists"),
        "{text}"
    );
    assert_eq!(
        paths(&run(&["discover", "--all"]).exits(0).result()).len(),
        3
    );

    // A script must select one of two.
    let words = ["--port", "/dev/ttyACM0", "/dev/ttyUSB1", "CP2102N"];
    failed(run(&["device", "info"]), 2, "ambiguous-device", &words);
    let output = run(&["device", "info", "--port", "/dev/ttyUSB1"]).exits(0);
    assert!(output.stdout.contains("netprov"), "{output}");
    assert_eq!(boards[0].count_log_entries("request"), 1);

    // Each is asked, and one that is no console does not hide the other.
    let probed = run(&["discover", "--probe"]).exits(0).result();
    let devices = probed["devices"].as_array().unwrap();
    assert_eq!(devices[0]["silence"], "other-console");
    assert_eq!(devices[0]["version"], Value::Null);
    assert_eq!(devices[1]["silence"], Value::Null);
    assert_eq!(devices[1]["sec_ver"], json!(1));
    assert_eq!(internal.count_log_entries("request"), 0);
    let text = espctl(["discover", "--transport", "console", "--probe", "--all"]).output();
    let text = text.exits(0).stdout;
    assert!(text.contains("application's"), "{text}");
    assert_eq!(text.matches("Firmware: netprov").count(), 2, "{text}");
    assert_eq!(internal.count_log_entries("request"), 1);
}

const PORTS: Namespace =
    ports("e2e::console::ports::uses_only_usb_port_and_requires_choice_of_several");
