//! Mapping by the shipped binary, between an emulated device and an emulated cloud, over real
//! sockets. The logs of both are the proof.

mod cloud_trouble;
mod deferred;
mod login;
mod refusals;
mod secret_key;
mod stopped;
mod two_profiles;
mod ways;

use std::thread;

use serde_json::Value;

use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::device::Device;
use crate::support::espctl::Output;

const HOME: [&str; 4] = ["--ssid", "Home", "--passphrase", "correct horse battery"];
/// Nothing is waited for longer than it must be.
const QUICK: [&str; 2] = ["--time-scale", "0.2"];

/// A node that this cloud knows.
fn node(cloud: &Cloud, arguments: &[&str]) -> Device {
    Device::start(&[&["--cloud", cloud.url()][..], &QUICK, arguments].concat())
}

/// Firmware without challenge-response, that this cloud knows.
fn older_node(cloud: &Cloud, arguments: &[&str]) -> Device {
    node(cloud, &[&["--cap", "user_assoc"][..], arguments].concat())
}

fn id_of(device: &Device) -> &str {
    device.ready["node_id"].as_str().expect("a node")
}

#[track_caller]
fn mapped(output: Output, device: &Device, way: &str) -> Output {
    let output = output.exits(0);
    let summary = &output.result()["summary"];
    assert_eq!(summary["mapped"], true, "{output}");
    assert_eq!(summary["mapped_by"], way, "{output}");
    assert_eq!(summary["node_id"], id_of(device), "{output}");
    output
}

#[track_caller]
fn failed(output: Output, exit: i32, id: &str, words: &str) -> Value {
    let output = output.exits(exit);
    let result = output.result();
    assert_eq!(result["ok"], false, "{output}");
    let error = result["error"].clone();
    assert_eq!(error["id"], id, "{output}");
    let reported = format!(
        "{}; {}; {}",
        error["message"], error["causes"], error["hints"]
    );
    assert!(reported.contains(words), "{words:?} is not in {reported}");
    error
}

/// Cases that wait more than they work, all at the same time.
fn at_once<T: Sync>(cases: &[T], check: impl Fn(&T) + Sync) {
    let check = &check;
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || check(case));
        }
    });
}

/// The events of one name.
fn events(output: &Output, event: &str) -> Vec<Value> {
    let lines = output.json().into_iter();
    lines.filter(|line| line["event"] == event).collect()
}

/// The requests to a path that the cloud met, below `/v1/`.
fn asked(cloud: &Cloud, method: &str, path: &str) -> Vec<Value> {
    let path = format!("/v1/{path}");
    let requests = cloud.log_entries("request").into_iter();
    requests
        .filter(|request| request["method"] == method && request["path"] == path)
        .collect()
}

/// No run contacted the device.
#[track_caller]
fn assert_not_contacted(device: &Device) {
    let opened = device.log_entries("connection_opened");
    assert!(opened.is_empty(), "{:#?}", device.log());
}

/// It was spoken with, and is as it was before.
#[track_caller]
fn is_unchanged(device: &Device) {
    for event in [
        "wifi_set",
        "wifi_applied",
        "chal_resp_disabled",
        "user_mapping_received",
    ] {
        assert!(
            device.log_entries(event).is_empty(),
            "{event}: {:#?}",
            device.log()
        );
    }
}

/// Not even a handshake took place.
#[track_caller]
fn was_not_secured(device: &Device) {
    assert_eq!(device.requests("proto-ver"), 1, "{:#?}", device.log());
    assert!(device.log_entries("handshake_started").is_empty());
    is_unchanged(device);
}

/// The cloud has mapped no node.
#[track_caller]
fn maps_nothing(cloud: &Cloud, account: &Account) {
    assert!(cloud.log_entries("mapped").is_empty(), "{:#?}", cloud.log());
    assert!(account.nodes(&[]).is_empty());
}
