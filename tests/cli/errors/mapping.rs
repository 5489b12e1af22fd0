//! The ids of mapping, each by a device, a cloud and a login that bring it about. What reaches
//! whom is for the tests of `e2e::mapping`.

use espctl::proto::rainmaker::r_maker_config_payload::Payload;
use espctl::proto::rainmaker::{
    RMakerConfigMsgType, RMakerConfigPayload, RMakerConfigStatus, RespSetUserMapping,
};
use prost::Message as _;

use super::Case::{self, Below, Run};
use super::arranged::{HOME, scripted_for, session_of_sec0, version};
use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::device::Device;
use crate::support::espctl::Output;
use crate::support::network::Network;
use crate::support::owner::Owner;
use crate::support::scripted_server::{Turn, ok};

pub(super) const CASES: &[(&str, Case)] = &[
    (
        "challenge-disabled",
        Run(|| signing(&["--scenario", "chal-resp-disabled"])),
    ),
    (
        "challenge-expired",
        Below(
            "a challenge lives longer than a test should take",
            "rare_errors_have_ids_and_exit_codes",
        ),
    ),
    (
        "challenge-refused",
        Run(|| signing(&["--fault", "ch_resp:1:close"])),
    ),
    ("claim-required", Run(|| signing(&["--cap", "claim"]))),
    (
        "invalid-metadata",
        Run(|| with_cloud(&[], &[], &["--no-wifi", "--metadata", "[]"])),
    ),
    (
        "invalid-tags",
        Run(|| with_cloud(&[], &[], &["--no-wifi", "--tags", "office"])),
    ),
    ("login-lacks-user", Run(login_lacks_user)),
    (
        "mapping-discarded",
        Run(|| followed("request-status=discarded")),
    ),
    (
        "mapping-pending",
        Below(
            "the account has a minute, which is longer than a test should take",
            "rare_errors_have_ids_and_exit_codes",
        ),
    ),
    (
        "mapping-timed-out",
        Run(|| followed("request-status=timedout")),
    ),
    ("no-mapping", Run(no_mapping)),
    (
        "no-wifi-needs-challenge",
        Run(|| with_cloud(&[], &["--cap", "user_assoc"], &["--no-wifi"])),
    ),
    ("other-node", Run(other_node)),
    (
        "unknown-group",
        Run(|| with_cloud(&[], &[], &["--no-wifi", "--group", "Cellar"])),
    ),
    ("user-refused", Run(user_refused)),
];

/// Maps a node of this cloud for its user.
fn with_cloud(cloud: &[&str], device: &[&str], arguments: &[&str]) -> Output {
    let cloud = Cloud::start(cloud);
    let account = Account::logged_in(&cloud);
    let device = Device::start(&[&["--cloud", cloud.url()][..], device].concat());
    account.provision(&device, &as_text(arguments)).output()
}

/// For a person to read.
fn as_text<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["--format", "text"][..], arguments].concat()
}

fn signing(device: &[&str]) -> Output {
    with_cloud(&[], device, &HOME)
}

/// The secret-key way, with this done to every question how it goes.
fn followed(kind: &str) -> Output {
    let fault = format!("GET user/nodes/mapping:*:{kind}");
    with_cloud(&["--fault", &fault], &["--cap", "user_assoc"], &HOME)
}

/// Plain ESP-IDF firmware.
fn no_mapping() -> Output {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = Device::start(&[]);
    account.provision(&device, &as_text(&HOME)).output()
}

fn login_lacks_user() -> Output {
    let cloud = Cloud::start(&[]);
    let account = Account::empty();
    account.add("lab", cloud.url());
    let device = Device::start(&["--cap", "user_assoc"]);
    let arguments = [&as_text(&HOME)[..], &["--profile", "lab"]].concat();
    let run = account.provision(&device, &arguments);
    run.env("ESPCTL_ACCESS_TOKEN", &cloud.token()).output()
}

/// As firmware that has no memory left.
fn user_refused() -> Output {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let refusal = RMakerConfigPayload {
        msg: RMakerConfigMsgType::TypeRespSetUserMapping.into(),
        payload: Some(Payload::RespSetUserMapping(RespSetUserMapping {
            status: RMakerConfigStatus::InvalidParam.into(),
            node_id: String::new(),
        })),
    };
    let turns = vec![
        version(0, &[]),
        session_of_sec0(),
        Turn::send(ok(refusal.encode_to_vec())),
    ];
    let line = ["provision", "--ssid", "Home", "--open"];
    scripted_for(turns, move |address| {
        let address = address.iter().map(String::as_str);
        let line: Vec<&str> = line.into_iter().chain(address).collect();
        account.run(&line).output()
    })
}

/// It announces a node id that is not its own.
fn other_node() -> Output {
    let (network, owner) = (Network::new(), Owner::start(&[]));
    let cloud = ["--cloud", owner.cloud.url(), "--txt", "node_id=Another"];
    let _device = network.device(&cloud);
    let run = network.run(&["provision"], &["--device-name", "Another"]);
    run.env("RM_USER_CONFIG_DIR", owner.account.folder())
        .output()
}
