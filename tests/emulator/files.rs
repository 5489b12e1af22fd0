//! The size limit of the files that an emulated device reads.

use std::fs::File;

use crate::support::device::fresh_path;
use crate::support::espctl::espctl;

#[track_caller]
fn assert_limited(transport: &str, flag: &str) {
    let long = fresh_path("long");
    let file = File::create(&long).unwrap();
    file.set_len((1 << 20) + 1).unwrap();
    for path in ["/dev/zero", long.to_str().unwrap()] {
        if cfg!(not(unix)) && path == "/dev/zero" {
            continue;
        }
        let line = ["emulate", "device", "--transport", transport, flag, path];
        let run = espctl(line.into_iter().chain(["--format", "json"])).output();
        assert_eq!(run.result()["error"]["id"], "unreadable-file", "{run}");
        let cause = "the file is longer than 1 MiB";
        assert!(run.stdout.contains(cause), "{run}");
        assert!(run.stdout.contains(flag), "{run}");
    }
}

#[test]
fn limits_list_of_access_points() {
    assert_limited("softap", "--aps");
}

#[test]
fn limits_state() {
    assert_limited("softap", "--state");
}

#[test]
fn limits_node_key() {
    assert_limited("softap", "--node-key");
}

#[cfg(target_os = "linux")]
#[test]
fn limits_list_of_neighbors() {
    assert_limited("ble", "--neighbours");
}
