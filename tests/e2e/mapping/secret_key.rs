//! The secret-key way where it does not end in the account: every state that the cloud reports, and
//! every half that does not come.

use super::{HOME, asked, at_once, events, failed, id_of, mapped, node, older_node};
use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::device::Device;
use crate::support::espctl::Output;

const STATUS: &str = "GET user/nodes/mapping";

fn provision(cloud: &Cloud, device: &Device) -> (Account, Output) {
    let account = Account::logged_in(cloud);
    let output = account.provision(device, &HOME).output();
    (account, output)
}

#[test]
fn unconfirmed_node_times_out() {
    let cloud = Cloud::start(&["--mapping-timeout", "1"]);
    let cases = ["no-user-mapping-message", "wrong-secret-key"];
    at_once(&cases, |scenario| {
        let device = older_node(&cloud, &["--scenario", scenario]);
        let (account, output) = provision(&cloud, &device);
        let joined = "the device has joined Home";
        let error = failed(output, 7, "mapping-timed-out", joined);
        let words = error["message"].as_str().unwrap();
        assert!(words.contains("timedout"), "{words}");
        assert!(error["hints"].to_string().contains("8883"), "{error}");
        assert_eq!(device.log_entries("wifi_joined").len(), 1);
        assert!(account.nodes(&[]).is_empty());
    });
    assert_eq!(cloud.log_entries("mapping_timed_out").len(), 2);
}

#[test]
fn distinguishes_final_mapping_states() {
    let cases = [
        ("timedout", "mapping-timed-out", "timedout"),
        ("discarded", "mapping-discarded", "discarded"),
    ];
    at_once(&cases, |&(word, id, words)| {
        let fault = format!("{STATUS}:*:request-status={word}");
        let cloud = Cloud::start(&["--fault", &fault]);
        let device = older_node(&cloud, &["--scenario", "no-user-mapping-message"]);
        let (_, output) = provision(&cloud, &device);
        failed(output, 7, id, words);
        assert_eq!(asked(&cloud, "GET", "user/nodes/mapping").len(), 1);
    });
}

#[test]
fn unknown_mapping_state_is_polled_again() {
    let fault = format!("{STATUS}:1:request-status=internal error");
    let cloud = Cloud::start(&["--fault", &fault]);
    let device = older_node(&cloud, &[]);
    let (_, output) = provision(&cloud, &device);
    let output = mapped(output, &device, "secret_key");
    let polled = events(&output, "mapping_polled");
    assert_eq!(polled[0]["status"], "internal error", "{output}");
    assert_eq!(polled.last().unwrap()["status"], "confirmed");
}

#[test]
fn newer_request_discards_this_one() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let device = older_node(&cloud, &["--scenario", "no-user-mapping-message"]);
    let node_id = id_of(&device).to_owned();
    let mut done = false;
    let output = account.watch(&device, &HOME, |line, _| {
        if line.contains("\"mapping_polled\"") && !done {
            done = true;
            let body = serde_json::json!({
                "node_id": node_id, "secret_key": "another", "operation": "add",
            });
            let answer = cloud.call("PUT", "/v1/user/nodes/mapping", &cloud.token(), &body);
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    });
    failed(output, 7, "mapping-discarded", "discarded");
    assert_eq!(cloud.log_entries("mapping_discarded").len(), 1);
}

#[test]
fn polling_errors_are_retried_or_reported() {
    let cloud = Cloud::start(&["--fault", &format!("{STATUS}:1:close")]);
    let device = older_node(&cloud, &[]);
    let (_, output) = provision(&cloud, &device);
    mapped(output, &device, "secret_key");

    let cases = [
        ("html", "cloud-answer", "a web page"),
        ("failure-200", "cloud-refused", "this failure was ordered"),
    ];
    at_once(&cases, |&(kind, id, words)| {
        let fault = format!("PUT user/nodes/mapping:*:{kind}");
        let cloud = Cloud::start(&["--fault", &fault]);
        let device = older_node(&cloud, &[]);
        let (account, output) = provision(&cloud, &device);
        let error = failed(output, 7, id, words);
        let words = error["message"].as_str().unwrap();
        assert!(words.contains("the device has joined Home"), "{words}");
        assert!(account.nodes(&[]).is_empty());
    });
}

#[test]
fn device_that_rejects_user_gets_no_wifi() {
    let cloud = Cloud::start(&[]);
    let fault = ["--fault", "cloud_user_assoc:1:close"];
    let device = older_node(&cloud, &fault);
    let (account, output) = provision(&cloud, &device);
    output.exits(6);
    assert!(device.log_entries("wifi_set").is_empty());
    assert!(account.nodes(&[]).is_empty());
    // It has no other method.
    let signing = node(&cloud, &["--fault", "ch_resp:1:not-found"]);
    let output = account.provision(&signing, &HOME).output().exits(6);
    assert_eq!(signing.requests("cloud_user_assoc"), 0, "{output}");
}

/// Whether the node or the user came first: a request that the node confirmed is not added again,
/// because the node would not confirm the second one.
#[test]
fn lost_answer_is_resolved_by_node_lookup() {
    let cases = ["mute", "close", "status=503"];
    at_once(&cases, |kind| {
        let fault = format!("PUT user/nodes/mapping:1:{kind}");
        let cloud = Cloud::start(&["--fault", &fault, "--mapping-timeout", "20"]);
        let account = Account::logged_in(&cloud);
        let device = older_node(&cloud, &[]);
        let arguments = [&HOME[..], &["--cloud-timeout", "5"]].concat();
        let output = account.provision(&device, &arguments).output();
        mapped(output, &device, "secret_key");
        assert!(cloud.log_entries("mapping_discarded").is_empty());
        assert_eq!(cloud.log_entries("mapped").len(), 1, "{kind}");
        assert_eq!(account.nodes(&[]).len(), 1);
    });
}
