//! Runs that succeed: both ways, both kinds of key, and what the node gets along with its owner.

use serde_json::{Value, json};

use super::{HOME, asked, assert_not_contacted, events, id_of, mapped, node, older_node};
use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::device::Device;
use crate::support::espctl::send_signal;

#[test]
fn challenge_maps_node_before_wifi() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    for kind in ["ec", "rsa"] {
        let device = node(&cloud, &["--key", kind]);
        let output = account.provision(&device, &HOME).output();
        let output = mapped(output, &device, "challenge_response");
        let order: Vec<_> = output
            .json()
            .iter()
            .map(|line| line["event"].as_str().unwrap().to_owned())
            .filter(|event| {
                ["challenge_signed", "mapped", "wifi_sent", "wifi_joined"].contains(&&**event)
            })
            .collect();
        assert_eq!(
            order,
            ["challenge_signed", "mapped", "wifi_sent", "wifi_joined"]
        );
        let reported = cloud.log_entries("mapped").pop().unwrap();
        assert_eq!(reported["node_id"], id_of(&device));
        assert_eq!(reported["by"], "challenge_response");
        assert_eq!(reported["key"], kind, "whose signature was checked");
        assert_eq!(device.log_entries("challenge_signed").len(), 1);
        assert_eq!(device.log_entries("wifi_joined").len(), 1);
        assert!(
            device.log_entries("chal_resp_disabled").is_empty(),
            "nobody asked for that"
        );
        let nodes = account.nodes(&[]);
        assert!(nodes.iter().any(|node| node["node_id"] == id_of(&device)));
    }
    // One request each, and nothing that need not be asked.
    assert_eq!(
        asked(&cloud, "POST", "user/nodes/mapping/initiate").len(),
        2
    );
    assert_eq!(asked(&cloud, "POST", "user/nodes/mapping/verify").len(), 2);
}

#[test]
fn secret_key_maps_node_after_it_is_online() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = older_node(&cloud, &[]);
    let output = account.provision(&device, &HOME).output();
    let output = mapped(output, &device, "secret_key");
    assert_eq!(events(&output, "mapping_started")[0]["way"], "secret_key");
    let reported = cloud.log_entries("mapped").pop().unwrap();
    assert_eq!(reported["by"], "secret_key");
    let received = &device.log_entries("user_mapping_received")[0];
    assert_eq!(received["user_id"], cloud.user_id());
    let secret = received["secret_key"].as_str().unwrap();
    assert_eq!(secret.len(), 36, "a UUID: {secret}");
    assert!(!output.stdout.contains(secret), "{output}");
    assert!(!output.stderr.contains(secret), "{output}");
    assert_eq!(account.nodes(&[])[0]["node_id"], id_of(&device));
    assert_eq!(asked(&cloud, "POST", "user/nodes/mapping/verify").len(), 0);
}

#[test]
fn maps_node_without_wifi() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let output = account.provision(&device, &["--no-wifi"]).output();
    let output = mapped(output, &device, "challenge_response");
    assert_eq!(output.result()["summary"]["ssid"], Value::Null);
    assert!(device.log_entries("wifi_set").is_empty());
    assert_eq!(account.nodes(&[])[0]["node_id"], id_of(&device));
}

/// A group of the first user. Its id.
fn group(cloud: &Cloud, name: &str) -> String {
    let body = json!({"group_name": name});
    let made = cloud.call("POST", "/v1/user/node_group", &cloud.token(), &body);
    made.json()["group_id"].as_str().unwrap().to_owned()
}

/// The nodes of a group.
fn members(cloud: &Cloud, group_id: &str) -> Value {
    let target = format!("/v1/user/node_group?group_id={group_id}&node_list=true");
    let reported = cloud.call("GET", &target, &cloud.token(), &Value::Null);
    reported.json()["groups"][0]["nodes"].clone()
}

#[test]
fn both_methods_set_tags_metadata_and_group() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let group_id = group(&cloud, "Kitchen");
    let extras = [
        "--tags",
        "location:mumbai, env:production",
        "--metadata",
        r#"{"serial_no":"abc123","rev":2}"#,
        "--group",
    ];
    let cases = [
        (node(&cloud, &[]), "challenge_response", "Kitchen"),
        (older_node(&cloud, &[]), "secret_key", group_id.as_str()),
    ];
    for (device, way, wanted) in &cases {
        let arguments = [&HOME[..], &extras, &[wanted]].concat();
        let output = account.provision(device, &arguments).output();
        let output = mapped(output, device, way);
        assert!(events(&output, "warned").is_empty(), "{output}");
        let info = ["node", "info", id_of(device), "--format", "json"];
        let reported = account.run(&info).output().exits(0).result()["node"].clone();
        let tags = reported["tags"].as_array().unwrap();
        for tag in ["location:mumbai", "env:production"] {
            assert!(tags.contains(&json!(tag)), "{reported}");
        }
        assert_eq!(
            reported["metadata"],
            json!({"serial_no": "abc123", "rev": 2})
        );
    }
    let mut ids: Vec<&str> = cases.iter().map(|(device, ..)| id_of(device)).collect();
    ids.sort_unstable();
    assert_eq!(members(&cloud, &group_id), json!(ids));
}

#[test]
fn failed_group_assignment_keeps_mapping() {
    let cloud = Cloud::start(&["--fault", "PUT user/node_group:*:status=403"]);
    let account = Account::logged_in(&cloud);
    group(&cloud, "Kitchen");
    let device = older_node(&cloud, &[]);
    let arguments = [&HOME[..], &["--group", "Kitchen"]].concat();
    let output = account.provision(&device, &arguments).output();
    let output = mapped(output, &device, "secret_key");
    let warned = events(&output, "warned");
    assert_eq!(warned[0]["id"], "not-set-up", "{output}");
}

/// Found when the run began, gone when the node is to join it.
#[test]
fn vanished_group_keeps_mapping() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let group_id = group(&cloud, "Kitchen");
    let device = node(&cloud, &[]);
    let arguments = ["--no-wifi", "--group", "Kitchen"];
    // The device answers only after the group is gone.
    device.suspend();
    let output = account.watch(&device, &arguments, |line, _| {
        if line.contains("\"search_started\"") {
            let target = format!("/v1/user/node_group?group_id={group_id}");
            let gone = cloud.call("DELETE", &target, &cloud.token(), &Value::Null);
            assert_eq!(gone.status, 200, "{gone:?}");
            device.resume();
        }
    });
    let output = mapped(output, &device, "challenge_response");
    let warned = events(&output, "warned");
    assert_eq!(warned[0]["id"], "not-set-up", "{output}");
    assert_eq!(account.nodes(&[])[0]["node_id"], id_of(&device));
}

/// The node has confirmed before the first poll, so the account answers with the result at once.
#[test]
fn vanished_group_keeps_mapping_of_older_node() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let group_id = group(&cloud, "Kitchen");
    let device = older_node(&cloud, &["--join-ms", "500"]);
    let arguments = [&HOME[..], &["--group", "Kitchen"]].concat();
    let output = account.watch(&device, &arguments, |line, _| {
        if line.contains("\"wifi_applied\"") {
            let target = format!("/v1/user/node_group?group_id={group_id}");
            let gone = cloud.call("DELETE", &target, &cloud.token(), &Value::Null);
            assert_eq!(gone.status, 200, "{gone:?}");
        }
    });
    let output = mapped(output, &device, "secret_key");
    assert_eq!(events(&output, "warned")[0]["id"], "not-set-up", "{output}");
    assert_eq!(
        output.result()["summary"]["warnings"],
        json!(["not-set-up"])
    );
}

/// The node is where it belongs, and a stopped run reports it.
#[test]
fn stop_during_setup_keeps_mapping() {
    let cloud = Cloud::start(&["--fault", "PUT user/node_group:*:drop"]);
    let account = Account::logged_in(&cloud);
    group(&cloud, "Kitchen");
    let arguments = [&HOME[..], &["--group", "Kitchen", "--timeout", "15"]].concat();
    let device = older_node(&cloud, &[]);
    let output = account.provision(&device, &arguments).output();
    let output = mapped(output, &device, "secret_key");
    assert_eq!(
        output.result()["summary"]["warnings"],
        json!(["not-set-up"])
    );

    let device = older_node(&cloud, &[]);
    let output = account.watch(
        &device,
        &arguments[..arguments.len() - 2],
        |line, process| {
            if line.contains("\"setup_node\"") {
                send_signal("-INT", process);
            }
        },
    );
    let message = output.exits(130).result()["error"]["message"].to_string();
    assert!(message.contains("is in your account"), "{message}");
}

#[test]
fn disables_challenge_response_only_on_request() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let off = ["--no-wifi", "--disable-chal-resp"];
    let output = account.provision(&device, &off).output();
    let output = mapped(output, &device, "challenge_response");
    assert_eq!(events(&output, "challenge_response_disabled").len(), 1);
    assert_eq!(device.log_entries("chal_resp_disabled").len(), 1);

    let again = account.provision(&device, &HOME).output();
    super::failed(again, 6, "challenge-disabled", "espctl node list");
    assert!(device.log_entries("wifi_set").is_empty());
    assert_eq!(device.log_entries("challenge_signed").len(), 1);
}

#[test]
fn named_profile_overrides_current_one() {
    let (home, lab) = (Cloud::start(&[]), Cloud::start(&[]));
    let account = Account::logged_in(&home);
    account.log_in("other", lab.url(), &lab);
    let device = node(&lab, &[]);
    let arguments = ["--no-wifi", "--profile", "other"];
    let output = account.provision(&device, &arguments).output();
    mapped(output, &device, "challenge_response");
    assert_eq!(account.nodes(&["--profile", "other"]).len(), 1);
    assert!(account.nodes(&[]).is_empty());
    assert!(asked(&home, "POST", "user/nodes/mapping/initiate").is_empty());
}

#[test]
fn join_failure_after_mapping_reports_mapped_node() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let wrong = ["--ssid", "Home", "--passphrase", "wrong horse battery"];
    let output = account.provision(&device, &wrong).output();
    let in_account = format!("the node {} is in your account", id_of(&device));
    super::failed(output, 9, "wifi-auth-failed", &in_account);
    assert_eq!(account.nodes(&[])[0]["node_id"], id_of(&device));

    let again = account.provision(&device, &HOME).output();
    mapped(again, &device, "challenge_response");
    assert_eq!(account.nodes(&[]).len(), 1);
}

#[test]
fn without_account_nothing_is_mapped() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let before = cloud.log_entries("request").len();
    let device = Device::start(&["--key", "ec"]);
    let arguments = [&HOME[..], &["--no-cloud"]].concat();
    let output = account.provision(&device, &arguments).output().exits(0);
    assert_eq!(output.result()["summary"]["mapped"], false);
    assert_eq!(cloud.log_entries("request").len(), before);
    let other = node(&cloud, &[]);
    let both = [&HOME[..], &["--no-cloud", "--tags", "a:b"]].concat();
    let output = account.provision(&other, &both).output();
    super::failed(output, 2, "conflicting-flags", "--tags");
    assert_not_contacted(&other);
}
