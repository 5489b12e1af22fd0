//! What is refused before anything is changed: on the command line, by what the device says of
//! itself, by what it signs.

use std::fs;

use super::{
    HOME, asked, failed, heard_nothing, is_unchanged, maps_nothing, node, older_node,
    was_not_secured,
};
use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::device::Device;

#[test]
fn without_a_login_the_device_hears_nothing() {
    let cloud = Cloud::start(&[]);
    let account = Account::empty();
    account.add("lab", cloud.url());
    let device = node(&cloud, &[]);
    let arguments = [&HOME[..], &["--profile", "lab"]].concat();
    let output = account.provision(&device, &arguments).output();
    failed(output, 8, "login-required", "espctl login --profile lab");
    heard_nothing(&device);
    assert!(asked(&cloud, "POST", "user/nodes/mapping/initiate").is_empty());
}

#[test]
fn a_login_that_cannot_be_renewed_is_found_before_the_device_is() {
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
    heard_nothing(&device);
}

#[test]
fn tags_metadata_and_group_are_checked_before_the_device_is_touched() {
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
    heard_nothing(&device);
    assert!(asked(&cloud, "POST", "user/nodes/mapping/initiate").is_empty());
}

#[test]
fn a_device_that_must_be_claimed_is_left_alone() {
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
fn without_wifi_a_device_must_sign_and_one_that_cannot_is_left_alone() {
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
fn firmware_that_knows_no_account_is_given_no_wifi() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = Device::start(&[]);
    let output = account.provision(&device, &HOME).output();
    failed(output, 6, "no-mapping", "--no-cloud");
    is_unchanged(&device);
    maps_nothing(&cloud, &account);
}

#[test]
fn a_signature_that_is_not_the_nodes_is_refused_in_the_clouds_words() {
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
fn a_node_that_the_cloud_does_not_know_is_refused() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = Device::start(&["--key", "ec"]);
    let output = account.provision(&device, &HOME).output();
    failed(output, 7, "cloud-refused", "code ");
    is_unchanged(&device);
    maps_nothing(&cloud, &account);
}

#[test]
fn a_device_that_signs_no_more_or_hangs_up_is_given_no_wifi() {
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
fn a_challenge_that_has_expired_is_refused_in_the_clouds_words() {
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
