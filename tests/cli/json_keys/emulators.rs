//! `emulate`: the first and the last line on each transport, and each kind of log entry.

use std::{fs, slice};

use espctl::proto::Service;
use espctl::proto::protocomm::session_data::Proto;
use espctl::proto::protocomm::{S2SessionCmd0, Sec2Payload, SessionData, sec2_payload};
use prost::Message as _;
use serde_json::{Value, json};

use super::{Case, Section};
use crate::cli::errors::arranged::{HOME, at};
use crate::support::cloud::Cloud;
use crate::support::device::{Device, fresh_path};
use crate::support::espctl::{Output, command, espctl, send_signal, watch};
use crate::support::network::Network;
use crate::support::owner::Owner;
use crate::support::serial::Port;
use crate::support::wait::until;

pub(super) const CASES: &[Case] = &[
    first_lines,
    last_lines,
    || {
        let owner = Owner::start(&[]);
        let own = [
            "--cap",
            "user_assoc",
            "--sec-ver",
            "1",
            "--time-scale",
            "0.5",
        ];
        let mut device = Device::start(&[&["--cloud", owner.cloud.url()], &own[..]].concat());
        owner.account.provision(&device, &HOME).output().exits(0);
        device.wait_until_ended();
        vec![device_log(&device), cloud_log(&owner.cloud)]
    },
    || {
        let owner = Owner::start(&[]);
        let device = Device::start(&["--cloud", owner.cloud.url()]);
        let arguments = ["--no-wifi", "--disable-chal-resp"];
        owner
            .account
            .provision(&device, &arguments)
            .output()
            .exits(0);
        vec![device_log(&device), cloud_log(&owner.cloud)]
    },
    || {
        let network = Network::new();
        let owner = Owner::start(&[]);
        let device = network.device(&["--cloud", owner.cloud.url(), "--name", "Lamp"]);
        let named = ["--device-name", "Lamp", "--discovery-timeout", "60"];
        network.provision(&owner, &named).exits(0);
        wait_for_entry(&device, "announcement_removed")
    },
    || {
        // Two devices cannot have the same name.
        let network = Network::new();
        let _first = network.device(&["--name", "Lamp"]);
        let second = network.start_device(&["--name", "Lamp"]);
        wait_for_entry(&second, "announcement_failed")
    },
    || {
        let device = Device::start(&["--time-scale", "0.05"]);
        provision(&device, &["--ssid", "Home", "--passphrase", "wrong horse"]);
        wait_for_entry(&device, "reset")
    },
    || {
        let device = Device::start(&["--sec-ver", "0", "--scenario", "endless-connecting"]);
        provision(&device, &[&HOME[..], &["--join-timeout", "0.2"]].concat());
        wait_for_entry(&device, "wifi_status")
    },
    || {
        // The last poll is at the time limit, between the first failed attempt and the last one.
        let device = Device::start(&["--scenario", "attempts-countdown", "--time-scale", "0.5"]);
        provision(&device, &[&HOME[..], &["--join-timeout", "2"]].concat());
        wait_for_entry(&device, "wifi_status")
    },
    || {
        let scenario = ["--scenario", "wrong-passphrase,app-resets"];
        let device = Device::start(&[&scenario[..], &["--time-scale", "0.05"]].concat());
        provision(&device, &HOME);
        wait_for_entry(&device, "application_reset")
    },
    || {
        let scenario = ["--scenario", "channel-change", "--time-scale", "0.5"];
        let device = Device::start(&scenario);
        provision(&device, &HOME);
        wait_for_entry(&device, "reachable")
    },
    || {
        let mut device = Device::start(&["--max-strikes", "1"]);
        at(&device, &["device", "wifi"], &["--pop", "wrong"]);
        device.wait_until_ended();
        vec![device_log(&device)]
    },
    || {
        let device = Device::start(&["--fault", "proto-ver:1:close"]);
        at(&device, &["device", "info"], &[]);
        at(
            &device,
            &["device", "reprovision"],
            &["--pop", device.pop()],
        );
        send_short_key(&device);
        wait_for_entry(&device, "short_a")
    },
    || {
        let device = Device::start(&["--firmware", "v5", "--sec-ver", "0"]);
        let without_body = ["--hex", "0802"];
        at(&device, &["device", "call", "prov-config"], &without_body);
        wait_for_entry(&device, "crashed")
    },
    || {
        let state = fresh_path("state").join("nowhere/state.json");
        let device = Device::start(&["--state", state.to_str().unwrap(), "--time-scale", "0.5"]);
        provision(&device, &HOME);
        wait_for_entry(&device, "state_lost")
    },
    || {
        let cloud = Cloud::start(&[]);
        let own = ["--cloud", cloud.url(), "--time-scale", "0.5"];
        let device = Device::start(&own);
        drop(cloud);
        provision(&device, &HOME);
        wait_for_entry(&device, "cloud_failed")
    },
    || {
        let device = Device::on_serial_line(&["--console-trouble", "resets=1"]);
        at(&device, &["device", "info"], &[]);
        wait_for_entry(&device, "restarted")
    },
    || {
        let own = ["--noise", "none", "--sec-ver", "0"];
        let device = Device::on_serial_line(&own);
        let mut port = Port::open(device.ready["pty"].as_str().unwrap());
        port.until("\n>> ");
        // During a scan the device does not read.
        port.send("prov-scan 7 520408012078\r");
        port.with("\r\n");
        for _ in 0..4 {
            port.send(&format!("{}\r", "x".repeat(199)));
        }
        until("refused", || !device.log_entries("refused").is_empty());
        wait_for_entry(&device, "overrun")
    },
    || log_over_ble("encryption-required", "paired"),
    || log_over_ble("stale-cache", "forgotten"),
    || {
        let devices = Device::start(&["--count", "2"]);
        at(&devices, &["device", "info"], &[]);
        let closed = || !devices.log_entries("connection_closed").is_empty();
        until("the connection is closed", closed);
        vec![Section::logged("log of several devices", &devices.log())]
    },
    call_cloud,
];

fn first_lines() -> Vec<Section> {
    let cloud = Cloud::start(&[]);
    let first = |heading: &str, device: &Device| {
        Section::new(
            format!("first line, {heading}"),
            slice::from_ref(&device.ready),
        )
    };
    let local_control = ["--variant", "local-control", "--no-announce"];
    vec![
        Section::new(
            "first line, cloud".to_owned(),
            slice::from_ref(&cloud.ready),
        ),
        first("SoftAP", &Device::start(&[])),
        first(
            "SoftAP, no PoP",
            &Device::start(&["--sec-ver", "1", "--no-pop"]),
        ),
        first("SoftAP, node", &Device::start(&["--cloud", cloud.url()])),
        first("on-network", &Device::on_network(&["--no-announce"])),
        first(
            "on-network, local control",
            &Device::on_network(&local_control),
        ),
        first("BLE", &Device::over_bluetooth(&[])),
        first("console", &Device::on_serial_line(&[])),
        first(
            "console, boot log",
            &Device::on_serial_line(&["--console-trouble", "boot-log"]),
        ),
    ]
}

fn last_lines() -> Vec<Section> {
    let state = fresh_path("state.json");
    let wifi = json!({"ssid_hex": "486f6d65", "passphrase_hex": ""});
    fs::write(&state, json!({"wifi": wifi}).to_string()).unwrap();
    let emulate = ["emulate", "device", "--format", "json"];
    let kept = [&emulate[..], &["--state", state.to_str().unwrap()]].concat();
    let one = [&emulate[..], &["--max-strikes", "1"]].concat();
    let cloud = command(["emulate", "cloud", "--format", "json"]);
    let interrupted = watch(cloud, |line, process| {
        if line.contains("\"ready\"") {
            send_signal("-INT", process);
        }
    });
    vec![
        Section::printed("device with credentials", &espctl(kept).output()),
        Section::printed("device that locks", &lock_devices(&one)),
        Section::printed(
            "two devices that lock",
            &lock_devices(&[&one[..], &["--count", "2"]].concat()),
        ),
        Section::printed("interrupted cloud", &interrupted),
    ]
}

/// Emulates devices, and locks each with a wrong secret.
fn lock_devices(line: &[&str]) -> Output {
    watch(command(line), |line, _| {
        let ready: Value = serde_json::from_str(line).unwrap();
        if ready["event"] == "ready" {
            let port = ready["port"].to_string();
            let address = ["--device-ip", "127.0.0.1", "--device-port", &port];
            let line = ["device", "wifi", "--pop", "wrong"];
            espctl(line.iter().chain(&address)).output().exits(5);
        }
    })
}

/// Provisions a device without an account. The run may fail.
fn provision(device: &Device, arguments: &[&str]) {
    let pop = device.ready["pop"].as_str().unwrap_or_default();
    let pop = if pop.is_empty() {
        &[][..]
    } else {
        &["--pop", pop]
    };
    at(
        device,
        &["provision", "--no-cloud"],
        &[arguments, pop].concat(),
    );
}

/// The log of a device with this link trouble.
fn log_over_ble(trouble: &str, event: &str) -> Vec<Section> {
    let mut device = Device::over_bluetooth(&["--link-trouble", trouble]);
    at(&device, &["device", "info"], &[]);
    let sections = wait_for_entry(&device, event);
    device.terminate();
    sections
}

/// Sends the first message of a Security 2 handshake, with a public key without its leading zero.
fn send_short_key(device: &Device) {
    let command = S2SessionCmd0 {
        client_username: b"wifiprov".to_vec(),
        client_pubkey: vec![1; 383],
    };
    let message = SessionData {
        sec_ver: 2,
        proto: Some(Proto::Sec2(Sec2Payload {
            msg: 0,
            payload: Some(sec2_payload::Payload::Sc0(command)),
        })),
    };
    let address = device.ready["url"].as_str().unwrap().replace("http://", "");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let mut transport = crate::transport::open(address.parse().unwrap()).await;
        let message = message.encode_to_vec();
        let answer = transport
            .exchange(&Service::Provisioning.session_endpoint(), &message)
            .await;
        answer.expect_err("the device rejects a short key");
    });
}

/// Calls of the cloud that produce each kind of log entry.
fn call_cloud() -> Vec<Section> {
    let cloud = Cloud::start(&["--fault", "user:1:status=500", "--mapping-timeout", "30"]);
    let login = cloud.log_in(cloud.user(), cloud.password()).json();
    let token = login["accesstoken"].as_str().unwrap();
    cloud.log_in(cloud.user(), "wrong");
    let refresh = json!({"refreshtoken": "wrong"});
    let call = |method: &str, path: &str, body: &Value| {
        cloud
            .call(method, &format!("/v1/{path}"), token, body)
            .json()
    };
    cloud.call("POST", "/v1/login2", "", &refresh);
    cloud.call("GET", "/v1/user/nodes", "nonsense", &Value::Null);
    call("GET", "user", &Value::Null);
    cloud.control("PUT", "faults", &json!({"faults": []}));

    let node = json!({"public_keys": [], "config": {"node_id": "n1"}});
    cloud.control("PUT", "nodes/n1", &node);
    cloud.control("PUT", "nodes/n1/connectivity", &json!({"connected": true}));
    let mapping = |operation: &str, id: &str, group: &Value| {
        let body = json!({
            "node_id": id, "secret_key": "s", "operation": operation, "group_id": group,
        });
        call("PUT", "user/nodes/mapping", &body)
    };
    mapping("add", "n1", &Value::Null);
    mapping("add", "n1", &Value::Null);
    let message = json!({"node_id": "n1", "user_id": cloud.user_id(), "secret_key": "s"});
    cloud.control("POST", "nodes/n1/user_mapping", &message);
    mapping("remove", "n1", &Value::Null);
    mapping("add", "n1", &Value::Null);
    cloud.advance(60);
    mapping("add", "unknown", &Value::Null);
    call("PUT", "user/nodes/mapping", &json!({}));
    // The node is mapped at once, but its group does not exist.
    cloud.control("POST", "nodes/n1/user_mapping", &message);
    mapping("add", "n1", &json!("nowhere"));
    call(
        "POST",
        "user/nodes/mapping/initiate",
        &json!({"timeout": 360}),
    );
    call("POST", "logout2", &json!({}));
    vec![cloud_log(&cloud)]
}

/// The log of a device, once it has an entry of this event.
fn wait_for_entry(device: &Device, event: &str) -> Vec<Section> {
    until(event, || !device.log_entries(event).is_empty());
    vec![device_log(device)]
}

fn device_log(device: &Device) -> Section {
    Section::logged("log of a device", &device.log())
}

fn cloud_log(cloud: &Cloud) -> Section {
    Section::logged("log of a cloud", &cloud.log())
}
