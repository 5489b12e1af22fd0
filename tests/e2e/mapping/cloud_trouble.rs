//! A cloud that is down, slow, busy, broken, or not there but for a captive portal: exit 7 with
//! the reason, and a device that is as it was; or the run goes on, where that is safe.

use serde_json::json;

use super::{
    HOME, asked, assert_not_contacted, at_once, failed, is_unchanged, mapped, maps_nothing, node,
};
use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::switchable_proxy::SwitchableProxy;

const INITIATE: &str = "user/nodes/mapping/initiate";
const VERIFY: &str = "user/nodes/mapping/verify";
/// No answer of an emulated cloud takes as long, unless it is made to.
const HASTY: [&str; 2] = ["--cloud-timeout", "5"];

fn fault(path: &str, number: &str, kind: &str) -> [String; 2] {
    ["--fault".to_owned(), format!("{path}:{number}:{kind}")]
}

fn with_faults(faults: &[[String; 2]]) -> Cloud {
    let arguments: Vec<&str> = faults.iter().flatten().map(String::as_str).collect();
    Cloud::start(&arguments)
}

#[test]
fn missing_challenge_fails_before_search() {
    let cases = [
        (
            "status=500",
            "cloud-refused",
            "Internal Server Error (HTTP 500)",
            3,
        ),
        (
            "status=429",
            "cloud-refused",
            "Too Many Requests (HTTP 429)",
            3,
        ),
        (
            "failure-200",
            "cloud-refused",
            "this failure was ordered (HTTP 200, code 100900)",
            1,
        ),
        ("html", "cloud-answer", "a web page", 1),
        ("malformed", "cloud-answer", "not JSON", 1),
        (
            "no-challenge",
            "cloud-answer",
            "missing field `challenge`",
            1,
        ),
    ];
    at_once(&cases, |&(kind, id, words, requests)| {
        let cloud = with_faults(&[fault(INITIATE, "*", kind)]);
        let account = Account::logged_in(&cloud);
        let device = node(&cloud, &[]);
        let output = account.provision(&device, &HOME).output();
        failed(output, 7, id, words);
        assert_not_contacted(&device);
        assert_eq!(asked(&cloud, "POST", INITIATE).len(), requests, "{kind}");
        maps_nothing(&cloud, &account);
    });
}

/// Clouds of older make do not have the call, and firmware of the older way does not need it: so
/// that is an error only after the version document was read.
#[test]
fn cloud_without_challenges_fails_before_handshake() {
    let cloud = with_faults(&[fault(INITIATE, "*", "not-found")]);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let output = account.provision(&device, &HOME).output();
    failed(output, 7, "cloud-refused", "Not Found (HTTP 404)");
    assert_eq!(device.requests("prov-session"), 0);
    maps_nothing(&cloud, &account);

    let older = node(&cloud, &["--cap", "user_assoc"]);
    let output = account.provision(&older, &HOME).output();
    mapped(output, &older, "secret_key");
}

#[test]
fn rejected_signature_sends_no_wifi() {
    let cases = [
        (
            "status=500",
            "cloud-refused",
            "Internal Server Error (HTTP 500)",
            3,
            3,
        ),
        (
            "status=429",
            "cloud-refused",
            "Too Many Requests (HTTP 429)",
            3,
            1,
        ),
        (
            "failure-200",
            "cloud-refused",
            "this failure was ordered (HTTP 200, code 100900)",
            1,
            1,
        ),
        ("html", "cloud-answer", "a web page", 3, 3),
    ];
    at_once(&cases, |&(kind, id, words, requests, signatures)| {
        let cloud = with_faults(&[fault(VERIFY, "*", kind)]);
        let account = Account::logged_in(&cloud);
        let device = node(&cloud, &[]);
        let output = account.provision(&device, &HOME).output();
        failed(output, 7, id, words);
        // What may have been handled is followed by another challenge, not by the same again.
        assert_eq!(device.log_entries("challenge_signed").len(), signatures);
        is_unchanged(&device);
        assert_eq!(asked(&cloud, "POST", VERIFY).len(), requests, "{kind}");
        maps_nothing(&cloud, &account);
    });
}

#[test]
fn error_code_can_be_text() {
    let kinds = [
        fault(VERIFY, "1", "error-code-string"),
        fault(VERIFY, "2", "delay=0"),
    ];
    let cloud = with_faults(&kinds);
    let account = Account::logged_in(&cloud);
    for _ in kinds {
        let device = node(&cloud, &["--scenario", "wrong-signature"]);
        let output = account.provision(&device, &HOME).output();
        failed(output, 7, "cloud-refused", "code 103903");
    }
}

#[test]
fn temporary_cloud_errors_are_retried_if_safe() {
    let cases = [
        (INITIATE, "status=500"),
        (INITIATE, "status=429"),
        (INITIATE, "close"),
        (VERIFY, "status=429"),
        (VERIFY, "status=500"),
        (VERIFY, "close"),
    ];
    at_once(&cases, |&(path, kind)| {
        let cloud = with_faults(&[fault(path, "1", kind)]);
        let account = Account::logged_in(&cloud);
        let device = node(&cloud, &[]);
        let output = account.provision(&device, &["--no-wifi"]).output();
        mapped(output, &device, "challenge_response");
        assert_eq!(asked(&cloud, "POST", path).len(), 2, "{path} {kind}");
    });
}

#[test]
fn lost_verify_answer_is_repeated_with_new_challenge() {
    at_once(&["mute", "malformed"], |&kind| {
        let cloud = with_faults(&[fault(VERIFY, "1", kind)]);
        let account = Account::logged_in(&cloud);
        let device = node(&cloud, &[]);
        let arguments = [&["--no-wifi", "--tags", "room:office"][..], &HASTY].concat();
        let output = account.provision(&device, &arguments).output();
        mapped(output, &device, "challenge_response");
        // A challenge is good for one answer: the same again would be a replay.
        assert_eq!(asked(&cloud, "POST", VERIFY).len(), 2, "{kind}");
        assert_eq!(asked(&cloud, "POST", INITIATE).len(), 2, "{kind}");
        assert!(cloud.log_entries("mapping_refused").is_empty(), "{kind}");
        let nodes = account.nodes(&[]);
        assert_eq!(nodes.len(), 1);
        assert_eq!(nodes[0]["tags"], json!(["room:office"]));
    });
}

#[test]
fn slow_cloud_is_waited_for_within_limit() {
    let cloud = with_faults(&[
        fault(INITIATE, "1", "delay=400"),
        fault(VERIFY, "1", "delay=400"),
    ]);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let output = account.provision(&device, &["--no-wifi"]).output();
    mapped(output, &device, "challenge_response");
    assert_eq!(asked(&cloud, "POST", INITIATE).len(), 1);
    assert_eq!(asked(&cloud, "POST", VERIFY).len(), 1);
}

#[test]
fn cloud_beyond_time_limit_times_out() {
    let cloud = with_faults(&[fault(INITIATE, "*", "delay=60000")]);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let arguments = [&HOME[..], &["--cloud-timeout", "1"]].concat();
    let output = account.provision(&device, &arguments).output();
    failed(output, 7, "cloud-timed-out", "within 1 s");
    assert!(device.log_entries("challenge_signed").is_empty());
    is_unchanged(&device);
}

#[test]
fn unreachable_cloud_changes_nothing_on_device() {
    let cloud = Cloud::start(&[]);
    let proxy = SwitchableProxy::to(cloud.url());
    let account = Account::logged_in_through(&proxy.url(), &cloud);
    proxy.off();
    let device = node(&cloud, &[]);
    let output = account.provision(&device, &HOME).output();
    failed(output, 7, "cloud-unreachable", " cannot be reached");
    assert!(device.log_entries("challenge_signed").is_empty());
    is_unchanged(&device);
    proxy.on();
    maps_nothing(&cloud, &account);
}
