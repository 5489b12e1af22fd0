//! The devices, servers and runs that the rows of the table need: what brings an error about, not
//! which.

use std::fs;

use espctl::proto::network_provisioning::network_config_payload::Payload as Config;
use espctl::proto::network_provisioning::network_ctrl_payload::Payload as Control;
use espctl::proto::network_provisioning::{
    NetworkConfigMsgType, NetworkConfigPayload, NetworkCtrlMsgType, NetworkCtrlPayload,
    RespApplyWifiConfig, RespCtrlWifiReset, RespGetWifiStatus, RespSetWifiConfig, WifiStationState,
};
use espctl::proto::protocomm::session_data::Proto;
use espctl::proto::protocomm::{
    S0SessionResp, Sec0MsgType, Sec0Payload, Sec1MsgType, Sec1Payload, SessionData, SessionResp0,
    SessionResp1, Status, sec0_payload, sec1_payload,
};
use prost::Message as _;
use serde_json::{Value, json};

use crate::support::device::{Device, access_points, fresh_path};
use crate::support::espctl::{Output, command, espctl};
use crate::support::scripted_server::{ScriptedServer, Turn, ok};
use crate::support::wait::until;

pub(in crate::cli) const HOME: [&str; 4] =
    ["--ssid", "Home", "--passphrase", "correct horse battery"];

pub(in crate::cli) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A command line that never gets as far as a device.
pub(in crate::cli) fn without_device(arguments: &[&str]) -> Output {
    let unused_address = ["--device-ip", "127.0.0.1", "--device-port", "1"];
    let line = ["provision", "--no-cloud", "--ssid", "Home"];
    espctl([&line[..], &unused_address, arguments].concat()).output()
}

pub(in crate::cli) fn at(device: &Device, line: &[&str], arguments: &[&str]) -> Output {
    let mut line: Vec<String> = line.iter().map(ToString::to_string).collect();
    line.extend(device.address());
    line.extend(arguments.iter().map(ToString::to_string));
    device.run(line).output()
}

/// Reads what such a device is, over Bluetooth.
pub(in crate::cli) fn over_bluetooth(device: &[&str]) -> Output {
    at(&Device::over_bluetooth(device), &["device", "info"], &[])
}

/// Reads what such a device is, over a serial line.
pub(in crate::cli) fn on_serial_line(device: &[&str]) -> Output {
    at(&Device::on_serial_line(device), &["device", "info"], &[])
}

/// Provisions an emulated device, with its own PoP unless another is given.
pub(in crate::cli) fn provision(device: &[&str], arguments: &[&str]) -> Output {
    let device = Device::start(device);
    let mut arguments = arguments.to_vec();
    if !arguments.contains(&"--ssid") {
        arguments.extend(HOME);
    }
    if !arguments.contains(&"--pop") {
        arguments.extend(["--pop", device.pop()]);
    }
    at(&device, &["provision", "--no-cloud"], &arguments)
}

/// Runs against a server that answers by a script, on one connection.
pub(in crate::cli) fn scripted(turns: Vec<Turn>, line: &[&str]) -> Output {
    let line: Vec<String> = line.iter().map(ToString::to_string).collect();
    scripted_for(turns, move |address| {
        espctl(line.into_iter().chain(address)).output()
    })
}

/// The same with a run of the test's own, which is given the flags that lead to the server.
pub(in crate::cli) fn scripted_for(
    turns: Vec<Turn>,
    run: impl FnOnce([String; 4]) -> Output + Send + 'static,
) -> Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = ScriptedServer::start(vec![turns]).await;
        let port = server.address.port().to_string();
        let address = ["--device-ip", "127.0.0.1", "--device-port", &port].map(str::to_owned);
        let run = move || run(address);
        tokio::task::spawn_blocking(run).await.unwrap()
    })
}

pub(in crate::cli) fn version(scheme: u8, capabilities: &[&str]) -> Turn {
    let document = json!({"prov": {"ver": "v1.1", "sec_ver": scheme, "cap": capabilities}});
    Turn::send(ok(document.to_string()))
}

/// From here on, everything is in the clear.
pub(in crate::cli) fn session_of_sec0() -> Turn {
    let data = SessionData {
        proto: Some(Proto::Sec0(Sec0Payload {
            msg: Sec0MsgType::S0SessionResponse.into(),
            payload: Some(sec0_payload::Payload::Sr(S0SessionResp::default())),
        })),
        ..SessionData::default()
    };
    Turn::send(ok(data.encode_to_vec()))
}

pub(in crate::cli) fn config(msg: NetworkConfigMsgType, payload: Config) -> Turn {
    let message = NetworkConfigPayload {
        msg: msg.into(),
        payload: Some(payload),
    };
    Turn::send(ok(message.encode_to_vec()))
}

pub(in crate::cli) fn set() -> Turn {
    config(
        NetworkConfigMsgType::TypeRespSetWifiConfig,
        Config::RespSetWifiConfig(RespSetWifiConfig::default()),
    )
}

pub(in crate::cli) fn applied() -> Turn {
    config(
        NetworkConfigMsgType::TypeRespApplyWifiConfig,
        Config::RespApplyWifiConfig(RespApplyWifiConfig::default()),
    )
}

pub(in crate::cli) fn failed_without_reason() -> Turn {
    let status = RespGetWifiStatus {
        wifi_sta_state: WifiStationState::ConnectionFailed.into(),
        ..RespGetWifiStatus::default()
    };
    config(
        NetworkConfigMsgType::TypeRespGetWifiStatus,
        Config::RespGetWifiStatus(status),
    )
}

pub(in crate::cli) fn control(msg: NetworkCtrlMsgType, status: Status) -> Turn {
    let message = NetworkCtrlPayload {
        msg: msg.into(),
        status: status.into(),
        payload: Some(Control::RespCtrlWifiReset(RespCtrlWifiReset {})),
    };
    Turn::send(ok(message.encode_to_vec()))
}

pub(in crate::cli) fn reset(status: Status) -> Turn {
    control(NetworkCtrlMsgType::TypeRespCtrlWifiReset, status)
}

pub(in crate::cli) fn reset_answered(msg: NetworkCtrlMsgType, status: Status) -> Output {
    let turns = vec![version(0, &[]), session_of_sec0(), control(msg, status)];
    scripted(turns, &["device", "reset"])
}

/// Takes part in the handshake of Security 1, and knows no PoP.
pub(in crate::cli) fn device_not_authentic() -> Output {
    let sec1 = |msg: Sec1MsgType, payload| {
        let data = SessionData {
            sec_ver: 1,
            proto: Some(Proto::Sec1(Sec1Payload {
                msg: msg.into(),
                payload: Some(payload),
            })),
        };
        Turn::send(ok(data.encode_to_vec()))
    };
    let key = SessionResp0 {
        device_pubkey: vec![9; 32],
        device_random: vec![7; 16],
        ..SessionResp0::default()
    };
    let proof = SessionResp1 {
        device_verify_data: vec![5; 32],
        ..SessionResp1::default()
    };
    let turns = vec![
        version(1, &[]),
        sec1(Sec1MsgType::Sec1Response0, sec1_payload::Payload::Sr0(key)),
        sec1(
            Sec1MsgType::Sec1Response1,
            sec1_payload::Payload::Sr1(proof),
        ),
    ];
    scripted(turns, &["device", "wifi", "--pop", "x"])
}

pub(in crate::cli) fn cannot_listen() -> Output {
    let device = Device::start(&[]);
    let port = device.ready["port"].to_string();
    espctl([
        "emulate",
        "device",
        "--transport",
        "softap",
        "--port",
        &port,
    ])
    .output()
}

pub(in crate::cli) fn enterprise_network() -> Output {
    let world = access_points(&json!([{
        "ssid": "Office", "bssid": "a0b1c2d3e4f5", "channel": 6, "rssi": -40, "auth": 5,
    }]));
    provision(
        &["--aps", &world, "--time-scale", "0.1"],
        &["--ssid", "Office"],
    )
}

/// By SIGTERM, while the device joins.
pub(in crate::cli) fn interrupted() -> Output {
    let device = Device::start(&["--join-ms", "600000"]);
    let transcript = fresh_path("transcript");
    let mut line: Vec<String> = [
        "provision",
        "--no-cloud",
        "--pop",
        device.pop(),
        "--transcript",
    ]
    .map(str::to_owned)
    .to_vec();
    line.push(transcript.to_str().unwrap().to_owned());
    line.extend(device.address());
    line.extend(HOME.map(str::to_owned));
    let child = command(line).spawn().unwrap();
    let applied = || fs::read_to_string(&transcript).is_ok_and(|text| text.contains("ApplyWifi"));
    until("it is applied", applied);
    let signal = std::process::Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(signal.unwrap().success());
    let output = child.wait_with_output().unwrap();
    Output {
        exit: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A file that is always full.
pub(in crate::cli) fn output_lost() -> Output {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(["explain"]).stdout(full).output().unwrap();
    Output {
        exit: output.status.code(),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
