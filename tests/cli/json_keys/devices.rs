//! `device …` and `discover` over each transport.

use espctl::proto::network_provisioning::network_ctrl_payload::Payload;
use espctl::proto::network_provisioning::{
    NetworkCtrlMsgType, NetworkCtrlPayload, RespCtrlWifiReprov,
};
use prost::Message as _;
use serde_json::json;

use super::{Case, Section};
use crate::cli::errors::arranged::{at, scripted, session_of_sec0, version};
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::espctl;
use crate::support::network::Network;
use crate::support::scripted_server::{Turn, ok};
use crate::support::usb::{Board, CH340, CP2102};
use crate::support::wait::until;

pub(super) const CASES: &[Case] = &[
    || {
        let device = Device::start(&["--sec-ver", "1", "--pop", "abcd1234"]);
        let run = |heading: &str, line: &[&str], arguments: &[&str]| {
            let arguments = [arguments, &["--format", "json"]].concat();
            Section::printed(heading, &at(&device, line, &arguments))
        };
        let pop = ["--pop", "abcd1234"];
        let reset = [&pop[..], &["--hex", "08015a00"]].concat();
        vec![
            run("device info", &["device", "info"], &[]),
            run("device wifi", &["device", "wifi"], &pop),
            run(
                "device call, binary answer",
                &["device", "call", "prov-ctrl"],
                &reset,
            ),
            run("device reset", &["device", "reset"], &pop),
            run(
                "device reprovision, rejected",
                &["device", "reprovision"],
                &pop,
            ),
            run(
                "device wifi, wrong PoP",
                &["device", "wifi"],
                &["--pop", "wrong"],
            ),
            run(
                "discover, SoftAP",
                &["discover"],
                &["--transport", "softap"],
            ),
        ]
    },
    || {
        let turns = vec![Turn::send(ok("v1.0"))];
        vec![run_against_script(
            "device info, version without JSON",
            turns,
            &["device", "info"],
        )]
    },
    || {
        let turns = vec![version(0, &[]), session_of_sec0(), Turn::send(ok("hello"))];
        let line = ["device", "call", "custom-data", "--data", "x"];
        vec![run_against_script("device call, text answer", turns, &line)]
    },
    || {
        let reprovisioned = NetworkCtrlPayload {
            msg: NetworkCtrlMsgType::TypeRespCtrlWifiReprov.into(),
            payload: Some(Payload::RespCtrlWifiReprov(RespCtrlWifiReprov {})),
            ..NetworkCtrlPayload::default()
        };
        let reprovisioned = Turn::send(ok(reprovisioned.encode_to_vec()));
        let turns = vec![version(0, &[]), session_of_sec0(), reprovisioned];
        vec![run_against_script(
            "device reprovision",
            turns,
            &["device", "reprovision"],
        )]
    },
    || run_info("device info, BLE", &Device::over_bluetooth(&[])),
    || run_info("device info, console", &Device::on_serial_line(&[])),
    || {
        let network = Network::new();
        let devices = [
            network.start_device(&["--name", "Lamp"]),
            network.start_device(&["--name", "Fan", "--sec-ver", "2"]),
        ];
        for device in &devices {
            until("it is announced", || {
                !device.log_entries("announced").is_empty()
            });
        }
        let json = ["--format", "json", "--discovery-timeout", "5"];
        let named = [&json[..], &["--device-name", "Lamp"]].concat();
        let discovered = network.run(&["discover"], &json).output();
        let info = network.run(&["device", "info"], &named).output();
        vec![
            Section::printed("discover, on-network", &discovered),
            Section::printed("device info, on-network", &info),
        ]
    },
    || {
        // The strongest is listed first.
        let others = json!([{"name": "Headphones", "rssi": -30}, {"rssi": -90}]);
        let path = fresh_path("neighbours.json");
        std::fs::write(&path, others.to_string()).unwrap();
        let device = Device::over_bluetooth(&[
            "--customer-id",
            "1",
            "--host-trouble",
            "adapter-off",
            "--rssi",
            "-60",
            "--neighbours",
            path.to_str().unwrap(),
        ]);
        discover_ble("discover --all, BLE", &device, &["--all"])
    },
    || {
        let connected = Device::over_bluetooth(&["--link-trouble", "connected"]);
        discover_ble("discover, BLE, connected device", &connected, &[])
    },
    || {
        let held = Device::over_bluetooth(&["--link-trouble", "held"]);
        discover_ble("discover, BLE, no device", &held, &[])
    },
    || {
        discover_port(
            "discover, console",
            &Device::on_serial_line(&["--sec-ver", "1"]),
        )
    },
    || {
        let other = Device::on_serial_line(&["--console-trouble", "repl"]);
        discover_port("discover, other console", &other)
    },
];

/// The serial ports of a computer that has two on USB and another one.
pub(super) fn discover_on_usb() -> Vec<Section> {
    let _boards = [
        Board::plug_in("ttyS0", &[], None),
        Board::plug_in("ttyUSB0", &["--sec-ver", "1"], Some(CP2102)),
        Board::plug_in("ttyACM0", &["--console-trouble", "repl"], Some(CH340)),
    ];
    let discover = |arguments: &[&str]| {
        let line = ["discover", "--transport", "console", "--format", "json"];
        espctl(line.iter().chain(arguments)).output()
    };
    vec![
        Section::printed("discover", &discover(&[])),
        Section::printed("discover --all", &discover(&["--all"])),
        Section::printed("discover --probe", &discover(&["--probe"])),
    ]
}

fn run_against_script(heading: &str, turns: Vec<Turn>, line: &[&str]) -> Section {
    let line = [line, &["--format", "json"]].concat();
    Section::printed(heading, &scripted(turns, &line))
}

fn run_info(heading: &str, device: &Device) -> Vec<Section> {
    let output = at(device, &["device", "info"], &["--format", "json"]);
    vec![Section::printed(heading, &output)]
}

fn discover_ble(heading: &str, device: &Device, arguments: &[&str]) -> Vec<Section> {
    let line = ["discover", "--transport", "ble", "--format", "json"];
    let output = device.run(line.iter().chain(arguments)).output();
    vec![Section::printed(heading, &output)]
}

fn discover_port(heading: &str, device: &Device) -> Vec<Section> {
    let output = at(device, &["discover"], &["--format", "json"]);
    vec![Section::printed(heading, &output)]
}
