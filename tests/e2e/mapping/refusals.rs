//! What is rejected before anything is changed: by the command line, by the device's version document,
//! by its signature.

use std::fs;

use super::{
    HOME, asked, assert_not_contacted, failed, is_unchanged, maps_nothing, node, older_node,
    was_not_secured,
};
use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::device::Device;

#[test]
fn missing_login_contacts_no_device() {
    let cloud = Cloud::start(&[]);
    let account = Account::empty();
    account.add("lab", cloud.url());
    let device = node(&cloud, &[]);
    let arguments = [&HOME[..], &["--profile", "lab"]].concat();
    let output = account.provision(&device, &arguments).output();
    failed(output, 8, "login-required", "espctl login --profile lab");
    assert_not_contacted(&device);
    assert!(asked(&cloud, "POST", "user/nodes/mapping/initiate").is_empty());
}

#[test]
fn expired_login_fails_before_search() {
    let cloud = Cloud::start(&["--access-life", "3600"]);
    let account = Account::logged_in(&cloud);
    let text = fs::read_to_string(account.login_file("lab")).unwrap();
    let mut login: serde_json::Value = serde_json::from_str(&text).unwrap();
    login.as_object_mut().unwrap().remove("refreshtoken");
    fs::write(account.login_file("lab"), login.to_string()).unwrap();
    cloud.advance(4000);
    let device = node(&cloud, &[]);
    let output = account.provision(&device, &HOME).output();
    failed(output, 8, "login-expired", "espctl login");
    assert_not_contacted(&device);
}

#[test]
fn extras_are_checked_before_device_is_contacted() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let before = cloud.log_entries("request").len();
    for (flag, value, id, words) in [
        ("--tags", "mumbai", "invalid-tags", "mumbai"),
        ("--tags", "a:b,mumbai", "invalid-tags", "mumbai"),
        ("--metadata", "[1]", "invalid-metadata", "not a JSON object"),
        ("--metadata", "{", "invalid-metadata", "not JSON"),
    ] {
        let arguments = [&HOME[..], &[flag, value]].concat();
        let output = account.provision(&device, &arguments).output();
        failed(output, 2, id, words);
        assert_eq!(cloud.log_entries("request").len(), before, "{flag} {value}");
    }
    let arguments = [&HOME[..], &["--group", "Cellar"]].concat();
    let output = account.provision(&device, &arguments).output();
    failed(output, 2, "unknown-group", "Cellar");
    assert_not_contacted(&device);
    assert!(asked(&cloud, "POST", "user/nodes/mapping/initiate").is_empty());
}

#[test]
fn unclaimed_device_is_not_changed() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    for claim in ["claim", "camera_claim"] {
        for caps in [claim.to_owned(), format!("{claim},ch_resp")] {
            let device = Device::start(&["--cap", &caps]);
            let no_cloud = [&HOME[..], &["--no-cloud"]].concat();
            let runs: [&[&str]; 3] = [&HOME, &no_cloud, &["--no-wifi"]];
            for (number, arguments) in runs.into_iter().enumerate() {
                let output = account.provision(&device, arguments).output();
                failed(output, 6, "claim-required", "phone app");
                assert_eq!(device.requests("proto-ver"), number + 1);
                assert!(device.log_entries("handshake_started").is_empty());
                is_unchanged(&device);
            }
        }
    }
    maps_nothing(&cloud, &account);
}

#[test]
fn mapping_without_wifi_needs_challenge_response() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    for device in [older_node(&cloud, &[]), Device::start(&[])] {
        let output = account.provision(&device, &["--no-wifi"]).output();
        failed(output, 6, "no-wifi-needs-challenge", "--no-wifi");
        was_not_secured(&device);
    }
    maps_nothing(&cloud, &account);
}

#[test]
fn firmware_without_mapping_gets_no_wifi() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = Device::start(&[]);
    let output = account.provision(&device, &HOME).output();
    failed(output, 6, "no-mapping", "--no-cloud");
    is_unchanged(&device);
    maps_nothing(&cloud, &account);
}

#[test]
fn invalid_signature_is_rejected_with_cloud_message() {
    let cases: [(&str, &[&str]); 3] = [
        ("wrong-signature", &["--key", "ec"]),
        ("raw-signature", &["--key", "ec"]),
        ("pkcs1-signature", &["--key", "rsa"]),
    ];
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    for (scenario, key) in cases {
        let device = node(&cloud, &[key, &["--scenario", scenario]].concat());
        let output = account.provision(&device, &HOME).output();
        failed(
            output,
            7,
            "cloud-refused",
            "the signature is not that of the node",
        );
        assert_eq!(device.log_entries("challenge_signed").len(), 1);
        is_unchanged(&device);
    }
    assert_eq!(cloud.log_entries("mapping_refused").len(), 3);
    // The challenge is burnt: asking again would be of no use, and is not done.
    assert_eq!(asked(&cloud, "POST", "user/nodes/mapping/verify").len(), 3);
    maps_nothing(&cloud, &account);
}

#[test]
fn unknown_node_is_rejected() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = Device::start(&["--key", "ec"]);
    let output = account.provision(&device, &HOME).output();
    failed(output, 7, "cloud-refused", "code ");
    is_unchanged(&device);
    maps_nothing(&cloud, &account);
}

#[test]
fn device_that_does_not_sign_gets_no_wifi() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let disabled = node(&cloud, &["--scenario", "chal-resp-disabled"]);
    let output = account.provision(&disabled, &HOME).output();
    failed(output, 6, "challenge-disabled", "restart");
    is_unchanged(&disabled);
    let silent = node(&cloud, &["--fault", "ch_resp:1:close"]);
    let output = account.provision(&silent, &HOME).output();
    failed(output, 6, "challenge-refused", "claimed");
    is_unchanged(&silent);
    maps_nothing(&cloud, &account);
}

#[test]
fn expired_challenge_is_rejected_with_cloud_message() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &["--fault", "ch_resp:1:delay=1000"]);
    // The challenge is fetched before the device is looked for, and handed in after it has signed.
    let output = account.watch(&device, &HOME, |line, _| {
        if line.contains("\"search_started\"") {
            assert_eq!(cloud.log_entries("challenge_issued").len(), 1);
            cloud.advance(400);
        }
    });
    failed(output, 7, "cloud-refused", "the request has expired");
    assert_eq!(cloud.log_entries("challenge_issued")[0]["life_s"], 360);
    is_unchanged(&device);
    maps_nothing(&cloud, &account);
}
