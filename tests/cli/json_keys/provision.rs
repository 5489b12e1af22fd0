//! `provision`: each event, stage and kind of result, in runs whose events come in the same order on
//! any machine.

use espctl::proto::network_provisioning::network_config_payload::Payload;
use espctl::proto::network_provisioning::resp_get_wifi_status::State;
use espctl::proto::network_provisioning::{
    NetworkConfigMsgType, RespGetWifiStatus, WifiAttemptFailed, WifiConnectedState,
    WifiStationState,
};
use serde_json::json;

use super::{Case, Section};
use crate::cli::account::Home;
use crate::cli::account::kept::on_a_full_disk;
use crate::cli::errors::arranged::{
    HOME, applied, at, config, scripted, session_of_sec0, set, version,
};
use crate::support::device::Device;
use crate::support::espctl::{command, espctl, send_signal, watch};
use crate::support::network::Network;
use crate::support::owner::Owner;
use crate::support::scripted_server::Turn;

pub(super) const CASES: &[Case] = &[
    || provision_softap("SoftAP, Security 1", &["--sec-ver", "1"], &HOME),
    || {
        provision_softap(
            "SoftAP, Security 2, network scan",
            &[],
            &["--ssid", "Guest"],
        )
    },
    || provision_softap("SoftAP, Security 0", &["--sec-ver", "0"], &HOME),
    || {
        let device = ["--sec-ver", "1", "--fault", "proto-ver:*:not-found"];
        provision_softap("SoftAP, no version document", &device, &HOME)
    },
    || {
        let device =
            Device::over_bluetooth(&["--host-trouble", "adapter-off", "--time-scale", "0.5"]);
        provision_without_account("BLE, adapter switched on", &device, &HOME)
    },
    || {
        let device = Device::on_serial_line(&["--sec-ver", "1", "--time-scale", "0.5"]);
        provision_without_account("console", &device, &HOME)
    },
    || {
        let (network, owner) = (Network::new(), Owner::start(&[]));
        let cloud = ["--cloud", owner.cloud.url(), "--name", "Lamp"];
        let _device = network.device(&cloud);
        let named = ["--device-name", "Lamp", "--discovery-timeout", "60"];
        vec![Section::printed(
            "on-network",
            &network.provision(&owner, &named),
        )]
    },
    || provision_with_account("mapping by challenge-response", &[], &[], &HOME),
    || provision_with_account("mapping by secret key", &[], &USER_MAPPING, &HOME),
    || {
        let arguments = ["--no-wifi", "--disable-chal-resp"];
        provision_with_account(
            "mapping only, challenge-response disabled",
            &[],
            &[],
            &arguments,
        )
    },
    provision_without_challenge,
    || {
        // The answer to the signature is lost, and so are those to the next requests for a challenge.
        let lost = [
            "--fault=user/nodes/mapping/verify:1:close",
            "--fault=user/nodes/mapping/initiate:2:close",
            "--fault=user/nodes/mapping/initiate:3:close",
            "--fault=user/nodes/mapping/initiate:4:close",
        ];
        let arguments = ["--no-wifi", "--disable-chal-resp"];
        provision_with_account("mapping deferred", &lost, &[], &arguments)
    },
    || {
        let device = ["--scenario", "wrong-signature"];
        provision_with_account("signature rejected", &[], &device, &HOME)
    },
    || {
        provision_with_account(
            "challenge rejected",
            &[],
            &["--fault", "ch_resp:1:close"],
            &HOME,
        )
    },
    || {
        let fault = [
            "--fault",
            "GET user/nodes/mapping:*:request-status=timedout",
        ];
        provision_with_account("mapping timed out", &fault, &USER_MAPPING, &HOME)
    },
    || {
        let wrong = ["--ssid", "Home", "--passphrase", "wrong horse battery"];
        provision_with_account("mapped, wrong passphrase", &[], &FAILS_AT_ONCE, &wrong)
    },
    || {
        let wrong = [
            "--ssid",
            "Home",
            "--passphrase",
            "wrong horse",
            "--retries",
            "1",
        ];
        provision_softap("wrong passphrase, one retry", &FAILS_AT_ONCE, &wrong)
    },
    || {
        let unknown = ["--ssid", "Nowhere", "--passphrase", "correct horse"];
        provision_softap("network not found", &FAILS_AT_ONCE, &unknown)
    },
    || {
        let arguments = [&HOME[..], &["--join-timeout", "0.2"]].concat();
        provision_softap("join timed out", &NEVER_JOINS, &arguments)
    },
    provision_with_counted_attempts,
    || {
        provision_softap(
            "network rejected",
            &["--fault", "prov-config:1:close"],
            &HOME,
        )
    },
    || {
        let device = ["--fault", "prov-config:3:close"];
        provision_softap("contact lost and regained", &device, &HOME)
    },
    || {
        let arguments = [&HOME[..], &["--join-timeout", "1.5"]].concat();
        provision_softap("contact lost", &["--scenario", "service-gone"], &arguments)
    },
    interrupt_provision,
    || {
        let wrong = [&HOME[..], &["--pop", "wrong", "--sec2-compat"]].concat();
        provision_softap("wrong password, --sec2-compat", &[], &wrong)
    },
    provision_with_unwritable_login,
    || {
        let nowhere = ["--device-ip", "127.0.0.1", "--device-port", "1"];
        let line = ["provision", "--format", "json"];
        let output = espctl(line.iter().chain(&nowhere).chain(&HOME)).output();
        vec![Section::printed("no login", &output)]
    },
    || {
        let output = espctl(["provision", "--unknown", "--format", "json"]).output();
        vec![Section::printed("unknown flag", &output)]
    },
];

fn provision_softap(heading: &str, device: &[&str], arguments: &[&str]) -> Vec<Section> {
    provision_without_account(
        heading,
        &Device::start(&join_before_first_poll(device)),
        arguments,
    )
}

fn provision_without_account(heading: &str, device: &Device, arguments: &[&str]) -> Vec<Section> {
    let mut arguments = arguments.to_vec();
    if let Some(pop) = device.ready["pop"].as_str()
        && !arguments.contains(&"--pop")
    {
        arguments.extend(["--pop", pop]);
    }
    let line = ["provision", "--no-cloud", "--format", "json"];
    vec![Section::printed(heading, &at(device, &line, &arguments))]
}

/// Maps a node of this cloud.
fn provision_with_account(
    heading: &str,
    cloud: &[&str],
    device: &[&str],
    arguments: &[&str],
) -> Vec<Section> {
    let owner = Owner::start(cloud);
    let device = start_node(&owner, device);
    let output = owner.account.provision(&device, arguments).output();
    vec![Section::printed(heading, &output)]
}

fn start_node(owner: &Owner, arguments: &[&str]) -> Device {
    let arguments = [&["--cloud", owner.cloud.url()], arguments].concat();
    Device::start(&join_before_first_poll(&arguments))
}

/// Makes a device join half a second after Apply, before espctl polls it for the first time. It
/// waits 15 seconds for that poll.
fn join_before_first_poll<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let scale: &[&str] = if arguments.contains(&"--time-scale") {
        &[]
    } else {
        &["--time-scale", "0.5"]
    };
    [scale, arguments].concat()
}

/// An older node needs no challenge. The cloud does not add it to its group.
fn provision_without_challenge() -> Vec<Section> {
    let owner = Owner::start(&[
        "--fault=user/nodes/mapping/initiate:*:not-found",
        "--fault=PUT user/node_group:*:status=403",
    ]);
    let (token, group) = (owner.cloud.token(), json!({"group_name": "Kitchen"}));
    owner
        .cloud
        .call("POST", "/v1/user/node_group", &token, &group);
    let device = start_node(&owner, &USER_MAPPING);
    let arguments = [&HOME[..], &["--group", "Kitchen"]].concat();
    let output = owner.account.provision(&device, &arguments).output();
    vec![Section::printed(
        "no challenge, node outside its group",
        &output,
    )]
}

fn provision_with_counted_attempts() -> Vec<Section> {
    let status = |station: WifiStationState, state| {
        config(
            NetworkConfigMsgType::TypeRespGetWifiStatus,
            Payload::RespGetWifiStatus(RespGetWifiStatus {
                wifi_sta_state: station.into(),
                state: Some(state),
                ..RespGetWifiStatus::default()
            }),
        )
    };
    let attempt_failed = State::AttemptFailed(WifiAttemptFailed {
        attempts_remaining: 2,
    });
    let joined = State::WifiConnected(WifiConnectedState::default());
    let turns: Vec<Turn> = vec![
        version(0, &[]),
        session_of_sec0(),
        set(),
        applied(),
        status(WifiStationState::Connecting, attempt_failed),
        status(WifiStationState::Connected, joined),
    ];
    let line = ["provision", "--no-cloud", "--ssid", "Home", "--open"];
    let output = scripted(turns, &[&line[..], &["--format", "json"]].concat());
    vec![Section::printed("attempts counted, no address", &output)]
}

fn interrupt_provision() -> Vec<Section> {
    let device = Device::start(&NEVER_JOINS);
    let mut line = vec![
        "provision",
        "--no-cloud",
        "--format",
        "json",
        "--pop",
        device.pop(),
    ];
    line.extend(HOME);
    let address = device.address();
    line.extend(address.iter().map(String::as_str));
    let output = watch(command(line), |line, process| {
        if line.contains("\"wifi_joining\"") {
            send_signal("-INT", process);
        }
    });
    vec![Section::printed("interrupted", &output)]
}

/// Each call renews the login, and no file can be written.
fn provision_with_unwritable_login() -> Vec<Section> {
    let owner = Owner::start(&["--access-life", "30"]);
    let home = Home::with_lab(owner.cloud.url());
    let user = [
        "login",
        "--user-name",
        owner.cloud.user(),
        "--password",
        owner.cloud.password(),
    ];
    home.run(&user).output().exits(0);
    let device = start_node(&owner, &["--sec-ver", "0"]);
    let address = device.address();
    let mut line = vec!["provision", "--no-wifi", "--format", "json"];
    line.extend(address.iter().map(String::as_str));
    vec![Section::printed(
        "login not kept",
        &on_a_full_disk(&home, &line),
    )]
}

const USER_MAPPING: [&str; 2] = ["--cap", "user_assoc"];
/// The device fails before espctl polls it for the first time.
const FAILS_AT_ONCE: [&str; 2] = ["--time-scale", "0.05"];
const NEVER_JOINS: [&str; 2] = ["--scenario", "endless-connecting"];
