//! Every error id, produced by the binary: a command line and, where it takes one, a device that
//! makes it happen. An id without a case fails here, and so does a case without an id.
//!
//! What no device can be made to do from outside stands in the table with the reason, and with
//! the unit test that produces it.

use std::collections::BTreeSet;
use std::fs;
use std::thread;

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

/// How an id comes about.
enum Case {
    /// This run ends with it.
    Run(fn() -> Output),
    /// Why the binary cannot be made to, and where it is produced instead.
    Below(&'static str, &'static str),
}
use Case::{Below, Run};

const CASES: &[(&str, Case)] = &[
    (
        "announced-no-pop",
        Run(|| provision(&["--sec-ver", "1", "--no-pop"], &["--pop", "x"])),
    ),
    (
        "announced-no-security",
        Run(|| provision(&["--sec-ver", "0"], &["--pop", "x"])),
    ),
    ("cannot-listen", Run(cannot_listen)),
    (
        "conflicting-flags",
        Run(|| without_device(&["--open", "--passphrase", "12345678"])),
    ),
    ("device-not-authentic", Run(device_not_authentic)),
    (
        "disconnected",
        Run(|| {
            let cut_short = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"prov\"";
            scripted(vec![Turn::say_and_close(cut_short)], &["device", "info"])
        }),
    ),
    ("enterprise-network", Run(enterprise_network)),
    (
        "expired",
        Run(|| {
            provision(
                &["--join-ms", "600000"],
                &[&HOME[..], &["--timeout", "1.6"]].concat(),
            )
        }),
    ),
    (
        "fault",
        Below(
            "a fault is what must not happen",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "handshake-broken",
        Run(|| {
            let turns = vec![version(1, &[]), Turn::say(ok("nonsense"))];
            scripted(turns, &["device", "wifi", "--pop", "x"])
        }),
    ),
    (
        "hung-up",
        Run(|| scripted(vec![Turn::hang_up()], &["device", "info"])),
    ),
    ("interrupted", Run(interrupted)),
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
        "join-timed-out",
        Run(|| {
            provision(
                &["--join-ms", "600000"],
                &[&HOME[..], &["--join-timeout", "0.2"]].concat(),
            )
        }),
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
        "message-not-authentic",
        Run(|| {
            let device = Device::start(&["--fault", "prov-scan:1:garble"]);
            at(&device, &["device", "wifi"], &["--pop", device.pop()])
        }),
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
        "no-device",
        Run(|| {
            espctl(["discover", "--discovery-timeout", "0.1"])
                .env("ESPCTL_DEVICE_IP", "127.0.0.1")
                .env("ESPCTL_DEVICE_PORT", "1")
                .output()
        }),
    ),
    (
        "no-such-endpoint",
        Run(|| {
            let device = Device::start(&[]);
            at(
                &device,
                &["device", "call", "nothing-here"],
                &["--pop", device.pop(), "--data", "x"],
            )
        }),
    ),
    (
        "not-a-device",
        Run(|| scripted(vec![Turn::say(ok("<html>"))], &["device", "info"])),
    ),
    ("output-lost", Run(output_lost)),
    (
        "permission-denied",
        Below(
            "it takes a system that forbids connections to this computer itself",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "refused",
        Run(|| {
            reset_answered(
                NetworkCtrlMsgType::TypeRespCtrlWifiReset,
                Status::InvalidArgument,
            )
        }),
    ),
    (
        "scan-unfinished",
        Below(
            "the limit of a scan is longer than a test should take",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "session-exhausted",
        Below(
            "it takes four thousand million messages",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "session-lost",
        Below(
            "flows end with the error that lost the session, and say that one",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "silent",
        Run(|| {
            scripted(
                vec![Turn::silence()],
                &["discover", "--discovery-timeout", "0.1"],
            )
        }),
    ),
    (
        "stdin-twice",
        Run(|| {
            let line = ["provision", "--no-cloud", "--ssid", "Home"];
            let both = ["--pop-file", "-", "--passphrase-file", "-"];
            espctl([&line[..], &both].concat()).stdin(b"x").output()
        }),
    ),
    (
        "thread-only",
        Run(|| {
            let line = ["provision", "--no-cloud", "--ssid", "Home", "--open"];
            scripted(vec![version(0, &["thread_prov"])], &line)
        }),
    ),
    (
        "timed-out",
        Run(|| {
            // Until the limit of one exchange is over.
            let turns = vec![version(0, &[]), session_of_sec0(), Turn::silence()];
            scripted(turns, &["device", "reset"])
        }),
    ),
    (
        "unconfirmed",
        Run(|| {
            let turns = vec![
                version(0, &[]),
                session_of_sec0(),
                set(),
                applied(),
                Turn::hang_up(),
            ];
            let line = [
                "provision",
                "--no-cloud",
                "--ssid",
                "Home",
                "--open",
                "--join-timeout",
                "1.5",
            ];
            scripted(turns, &line)
        }),
    ),
    (
        "unexpected-reply",
        Run(|| reset_answered(NetworkCtrlMsgType::TypeRespCtrlThreadReset, Status::Success)),
    ),
    (
        "unknown-id",
        Run(|| espctl(["explain", "wrong-poop"]).output()),
    ),
    (
        "unknown-scheme",
        Run(|| scripted(vec![version(7, &[])], &["device", "wifi"])),
    ),
    (
        "unreachable",
        Run(|| {
            let mut device = Device::start(&[]);
            device.kill();
            at(
                &device,
                &["device", "info", "--discovery-timeout", "0.1"],
                &[],
            )
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
    (
        "wifi-auth-failed",
        Run(|| {
            let wrong = ["--ssid", "Home", "--passphrase", "wrong horse battery"];
            provision(&["--time-scale", "0.05"], &wrong)
        }),
    ),
    (
        "wifi-join-failed",
        Run(|| {
            let turns = vec![
                version(0, &[]),
                session_of_sec0(),
                set(),
                applied(),
                failed_without_reason(),
                reset(Status::Success),
            ];
            scripted(
                turns,
                &["provision", "--no-cloud", "--ssid", "Home", "--open"],
            )
        }),
    ),
    (
        "wifi-not-found",
        Run(|| {
            let elsewhere = ["--ssid", "Elsewhere", "--passphrase", "correct horse"];
            provision(&["--time-scale", "0.05"], &elsewhere)
        }),
    ),
    (
        "wrong-credentials",
        Below(
            "the command line always makes credentials of the scheme's kind",
            "faults_and_oddities_have_their_ids",
        ),
    ),
    (
        "wrong-password",
        Run(|| {
            let device = Device::start(&[]);
            at(&device, &["device", "wifi"], &["--sec2-password", "not-it"])
        }),
    ),
    (
        "wrong-pop",
        Run(|| {
            let device = Device::start(&["--sec-ver", "1"]);
            at(&device, &["device", "wifi"], &["--pop", "not-it"])
        }),
    ),
    (
        "wrong-scheme",
        Run(|| {
            let device = Device::start(&["--sec-ver", "1"]);
            at(
                &device,
                &["device", "wifi"],
                &["--pop", "x", "--sec-ver", "2"],
            )
        }),
    ),
    (
        "wrong-state",
        Run(|| {
            let device = Device::start(&[]);
            at(
                &device,
                &["device", "reprovision"],
                &["--pop", device.pop()],
            )
        }),
    ),
];

#[test]
fn every_error_id_comes_about() {
    let listed = espctl(["explain", "--format", "json"]).output().exits(0);
    let errors = listed.result()["errors"].as_array().unwrap().clone();
    let ids: BTreeSet<&str> = errors.iter().map(|error| text(&error["id"])).collect();
    let cases: BTreeSet<&str> = CASES.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, cases, "the ids of `explain` and those of this table");
    assert_eq!(CASES.len(), cases.len(), "two cases of one id");

    // Most of them wait for something, so all at once.
    let wrong: Vec<String> = thread::scope(|scope| {
        let checks: Vec<_> = CASES
            .iter()
            .filter_map(|(id, case)| match case {
                Run(run) => Some(scope.spawn(move || (id, run()))),
                Below(..) => None,
            })
            .collect();
        checks
            .into_iter()
            .map(|check| check.join().unwrap())
            .filter_map(|(id, output)| {
                let error = errors.iter().find(|error| error["id"] == **id).unwrap();
                let exits = error["exits"].as_array().unwrap();
                let see = format!("see: espctl explain {id}");
                let fits = output.exit.is_some_and(|exit| exits.contains(&json!(exit)))
                    && output.stderr.lines().last() == Some(&see);
                (!fits).then(|| format!("{id}, exit {exits:?}, but:\n{output}"))
            })
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n====\n"));
}

#[test]
fn what_the_binary_cannot_do_is_produced_below() {
    let source = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/cli/failure/tests.rs"
    ));
    let source = source.unwrap();
    for (id, case) in CASES {
        if let Below(why, test) = case {
            assert!(why.len() > 20, "{id}: {why}");
            assert!(
                source.contains(&format!("fn {test}()")),
                "{id}: no test {test}"
            );
            assert!(
                source.contains(&format!("\"{id}\"")),
                "{id} is not in {test}"
            );
        }
    }
}

const HOME: [&str; 4] = ["--ssid", "Home", "--passphrase", "correct horse battery"];

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A command line that never gets as far as a device.
fn without_device(arguments: &[&str]) -> Output {
    let nobody = ["--device-ip", "127.0.0.1", "--device-port", "1"];
    let line = ["provision", "--no-cloud", "--ssid", "Home"];
    espctl([&line[..], &nobody, arguments].concat()).output()
}

fn at(device: &Device, line: &[&str], arguments: &[&str]) -> Output {
    let mut line: Vec<String> = line.iter().map(ToString::to_string).collect();
    line.extend(device.address());
    line.extend(arguments.iter().map(ToString::to_string));
    espctl(line).output()
}

/// Provisions an emulated device, with its own PoP unless another is given.
fn provision(device: &[&str], arguments: &[&str]) -> Output {
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
fn scripted(turns: Vec<Turn>, line: &[&str]) -> Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let line: Vec<String> = line.iter().map(ToString::to_string).collect();
    runtime.block_on(async {
        let server = ScriptedServer::start(vec![turns]).await;
        let port = server.address.port().to_string();
        let address = ["--device-ip", "127.0.0.1", "--device-port", &port].map(str::to_owned);
        let run = move || espctl(line.into_iter().chain(address)).output();
        tokio::task::spawn_blocking(run).await.unwrap()
    })
}

fn version(scheme: u8, capabilities: &[&str]) -> Turn {
    let document = json!({"prov": {"ver": "v1.1", "sec_ver": scheme, "cap": capabilities}});
    Turn::say(ok(document.to_string()))
}

/// From here on, everything is in the clear.
fn session_of_sec0() -> Turn {
    let data = SessionData {
        proto: Some(Proto::Sec0(Sec0Payload {
            msg: Sec0MsgType::S0SessionResponse.into(),
            payload: Some(sec0_payload::Payload::Sr(S0SessionResp::default())),
        })),
        ..SessionData::default()
    };
    Turn::say(ok(data.encode_to_vec()))
}

fn config(msg: NetworkConfigMsgType, payload: Config) -> Turn {
    let message = NetworkConfigPayload {
        msg: msg.into(),
        payload: Some(payload),
    };
    Turn::say(ok(message.encode_to_vec()))
}

fn set() -> Turn {
    config(
        NetworkConfigMsgType::TypeRespSetWifiConfig,
        Config::RespSetWifiConfig(RespSetWifiConfig::default()),
    )
}

fn applied() -> Turn {
    config(
        NetworkConfigMsgType::TypeRespApplyWifiConfig,
        Config::RespApplyWifiConfig(RespApplyWifiConfig::default()),
    )
}

fn failed_without_reason() -> Turn {
    let status = RespGetWifiStatus {
        wifi_sta_state: WifiStationState::ConnectionFailed.into(),
        ..RespGetWifiStatus::default()
    };
    config(
        NetworkConfigMsgType::TypeRespGetWifiStatus,
        Config::RespGetWifiStatus(status),
    )
}

fn control(msg: NetworkCtrlMsgType, status: Status) -> Turn {
    let message = NetworkCtrlPayload {
        msg: msg.into(),
        status: status.into(),
        payload: Some(Control::RespCtrlWifiReset(RespCtrlWifiReset {})),
    };
    Turn::say(ok(message.encode_to_vec()))
}

fn reset(status: Status) -> Turn {
    control(NetworkCtrlMsgType::TypeRespCtrlWifiReset, status)
}

fn reset_answered(msg: NetworkCtrlMsgType, status: Status) -> Output {
    let turns = vec![version(0, &[]), session_of_sec0(), control(msg, status)];
    scripted(turns, &["device", "reset"])
}

/// Takes part in the handshake of Security 1, and knows no PoP.
fn device_not_authentic() -> Output {
    let sec1 = |msg: Sec1MsgType, payload| {
        let data = SessionData {
            sec_ver: 1,
            proto: Some(Proto::Sec1(Sec1Payload {
                msg: msg.into(),
                payload: Some(payload),
            })),
        };
        Turn::say(ok(data.encode_to_vec()))
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

fn cannot_listen() -> Output {
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

fn enterprise_network() -> Output {
    let world = access_points(&json!([{
        "ssid": "Office", "bssid": "a0b1c2d3e4f5", "channel": 6, "rssi": -40, "auth": 5,
    }]));
    provision(
        &["--aps", &world, "--time-scale", "0.1"],
        &["--ssid", "Office"],
    )
}

/// By SIGTERM, while the device joins.
fn interrupted() -> Output {
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
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !applied() && std::time::Instant::now() < deadline {
        thread::sleep(std::time::Duration::from_millis(10));
    }
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
fn output_lost() -> Output {
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command(["explain"]).stdout(full).output().unwrap();
    Output {
        exit: output.status.code(),
        stdout: String::new(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
