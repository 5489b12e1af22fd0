//! The first thing a newcomer runs.

use std::fs;

use crate::support::device::fresh_path;
use crate::support::espctl::{espctl, send_signal, watched};

#[test]
fn it_needs_nothing_and_leaves_nothing() {
    let folder = fresh_path("here").parent().unwrap().to_owned();
    let output = espctl(["demo"]).in_folder(&folder).output().exits(0);
    assert!(
        output.stdout.contains("Wi-Fi Provisioning Successful"),
        "{output}"
    );
    assert!(output.stderr.contains("Security Scheme: 2"), "{output}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn machines_can_read_it() {
    let output = espctl(["demo", "--format", "json"]).output().exits(0);
    assert_eq!(output.result()["ok"], true);
    assert!(output.stderr.is_empty(), "{output}");
}

#[test]
fn it_fails_when_its_device_dies() {
    let output = watched(["demo", "--format", "json"], "\"wifi_applied\"", |demo| {
        send_signal("-KILL", only_child_of(demo));
    })
    .exits(10);
    assert_eq!(output.result()["error"]["id"], "unconfirmed");
}

/// The process that a process of ours started.
fn only_child_of(parent: u32) -> u32 {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(path).expect("Linux lists children");
    let mut children = children.split_whitespace();
    let child = children.next().expect("the demo's device");
    assert_eq!(children.next(), None);
    child.parse().expect("the number of a process")
}
