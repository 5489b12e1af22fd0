//! The first thing a newcomer runs.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::support::device::fresh_path;
use crate::support::espctl::{command, espctl};

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
    let mut demo = command(["demo", "--format", "json"])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut last = Value::Null;
    for line in BufReader::new(demo.stdout.take().unwrap()).lines() {
        last = serde_json::from_str(&line.unwrap()).unwrap();
        if last["event"] == "wifi_applied" {
            kill(&only_child_of(demo.id()));
        }
    }
    let exit = demo.wait().unwrap().code();
    assert_eq!(exit, Some(10), "{last}");
    assert_eq!(last["error"]["id"], "unconfirmed");
}

/// The process that a process of ours started.
fn only_child_of(parent: u32) -> String {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(path).expect("Linux lists children");
    let mut children = children.split_whitespace();
    let child = children.next().expect("the demo's device").to_owned();
    assert_eq!(children.next(), None);
    child
}

fn kill(process: &str) {
    let status = std::process::Command::new("kill")
        .args(["-KILL", process])
        .status()
        .unwrap();
    assert!(status.success());
}
