//! The first thing a newcomer runs.

use std::fs;

use crate::support::device::fresh_path;
use crate::support::espctl::{espctl, send_signal, watch_for};

#[test]
fn demo_needs_nothing_and_leaves_nothing() {
    let folder = fresh_path("here").parent().unwrap().to_owned();
    let output = espctl(["demo"]).in_folder(&folder).output().exits(0);
    assert!(
        output.stdout.contains("provisioned successfully!"),
        "{output}"
    );
    for line in [
        "Security Scheme: 2",
        "cloud: user@example.com logged in by password",
        "its ec signature is good",
        "In the account now: ESP RainMaker Device, a Lightbulb",
    ] {
        assert!(output.stderr.contains(line), "{line}\n{output}");
    }
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn demo_prints_json() {
    let output = espctl(["demo", "--format", "json"]).output().exits(0);
    assert_eq!(output.result()["ok"], true);
    assert_eq!(
        output.result()["summary"]["mapped_by"],
        "challenge_response"
    );
    assert!(output.stderr.is_empty(), "{output}");
}

#[test]
fn demo_fails_if_its_device_exits() {
    let output = watch_for(["demo", "--format", "json"], "\"wifi_applied\"", |demo| {
        // The cloud is its first process, and the device the second.
        send_signal("-KILL", children_of(demo)[1]);
    })
    .exits(10);
    let error = &output.result()["error"];
    assert_eq!(error["id"], "unconfirmed");
    let message = error["message"].as_str().unwrap();
    assert!(message.ends_with("is in your account"), "{message}");
}

#[test]
fn demo_fails_if_its_cloud_exits() {
    let output = watch_for(["demo", "--format", "json"], "\"wifi_applied\"", |demo| {
        send_signal("-KILL", children_of(demo)[0]);
    })
    .exits(7);
    assert_eq!(output.result()["error"]["id"], "cloud-unreachable");
}

/// The child processes of a process, in the order in which they started.
fn children_of(parent: u32) -> Vec<u32> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(path).expect("Linux lists children");
    let mut children: Vec<u32> = children
        .split_whitespace()
        .map(|child| child.parse().expect("the number of a process"))
        .collect();
    children.sort_unstable();
    assert_eq!(children.len(), 2, "a cloud and a device");
    children
}
