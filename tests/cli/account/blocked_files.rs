//! Account files that would make a program wait forever: a lock that another program holds, and named
//! pipes. And files that a killed program left.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::json;

use super::{Home, tokens};
use crate::support::espctl::{command, send_signal};
use crate::support::wait;

fn make_pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.unwrap().success());
}

impl Home {
    /// With a login to the current profile, whose cloud cannot be reached.
    fn logged_in() -> Self {
        let home = Self::with_lab("http://127.0.0.1:1/v1/");
        home.log_in("lab", &tokens("me"));
        home
    }

    fn hold_lock(&self) -> File {
        let lock = File::create(self.path("profiles/.espctl.lock")).unwrap();
        lock.lock().unwrap();
        lock
    }

    fn start(&self, line: &[&str]) -> Child {
        let mut command = command(line);
        command.env("RM_USER_CONFIG_DIR", self.path(""));
        command.spawn().unwrap()
    }
}

/// Whether the process handles SIGTERM by itself (proc(5)).
fn handles_signals(child: &Child) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    mask & (1 << (15 - 1)) != 0
}

#[test]
fn signals_end_a_wait_for_the_lock() {
    let home = Home::logged_in();
    let _lock = home.hold_lock();
    for signal in ["-INT", "-TERM"] {
        for line in [
            &["profile", "switch", "global"][..],
            &["logout"],
            &["profile", "remove", "lab"],
        ] {
            let child = home.start(line);
            wait::until("espctl handles signals", || handles_signals(&child));
            send_signal(signal, child.id());
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(130), "{line:?}: {output:?}");
        }
    }
    assert_eq!(home.login("lab"), Some(tokens("me")));
}

#[test]
fn wait_for_the_lock_has_a_limit() {
    let home = Home::logged_in();
    let _lock = home.hold_lock();
    let lines: [&[&str]; 3] = [
        &["profile", "switch", "global"],
        &["logout"],
        &["profile", "add", "b", "--base-url", "https://b.example"],
    ];
    // At the same time: each of them waits for the whole limit.
    let children = lines.map(|line| home.start(line));
    for child in children {
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{errors}");
        assert!(errors.contains("profiles/.espctl.lock"), "{errors}");
        assert!(errors.contains("espctl explain account-files"), "{errors}");
    }
    // Reading needs no lock.
    home.run(&["whoami"]).output().exits(0);
}

#[test]
fn named_pipe_in_place_of_an_account_file_is_an_error() {
    for file in [
        "profiles/lab_config.json",
        "profiles/profiles.json",
        "profiles/current_profile",
        "profiles/.espctl.lock",
    ] {
        let home = Home::logged_in();
        let _missing = fs::remove_file(home.path(file));
        make_pipe(&home.path(file));
        let began = Instant::now();
        let output = home.error(&["logout"], 3, "account-files");
        assert!(output.stderr.contains(file), "{output}");
        assert!(began.elapsed() < Duration::from_secs(5), "{output}");
    }
}

#[test]
fn signal_ends_a_wait_for_certificates() {
    let home = Home::logged_in();
    let pipe = home.path("ca.pem");
    make_pipe(&pipe);
    let line = ["whoami", "--check", "--ca-cert", pipe.to_str().unwrap()];
    let child = home.start(&line);
    // Opening the pipe waits until espctl reads it.
    let mut writer = File::options().write(true).open(&pipe).unwrap();
    writer.write_all(b"-----BEGIN").unwrap();
    send_signal("-TERM", child.id());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
}

#[test]
fn oversized_files_are_not_read() {
    let home = Home::logged_in();
    let huge = format!("{{\"accesstoken\":\"{}\"}}", "x".repeat(2 * 1024 * 1024));
    home.write("profiles/lab_config.json", &huge);
    let output = home.error(&["whoami"], 3, "account-files");
    assert!(output.stderr.contains("bytes"), "{output}");
    home.log_in("lab", &tokens("me"));

    let certificates = home.path("ca.pem");
    fs::write(&certificates, vec![b'-'; 5 * 1024 * 1024]).unwrap();
    let line = [
        "whoami",
        "--check",
        "--ca-cert",
        certificates.to_str().unwrap(),
    ];
    let output = home.error(&line, 2, "unreadable-file");
    assert!(output.stderr.contains("bytes"), "{output}");
}

#[test]
fn files_of_killed_writes_are_removed() {
    let home = Home::logged_in();
    let secret = json!({"accesstoken": "left behind"}).to_string();
    for name in ["profiles/.espctl-write-a1b2c3", "profiles/.tmpAb12Cd"] {
        home.write(name, &secret);
    }
    for name in ["profiles/.tmpx", "profiles/notes.json"] {
        home.write(name, "mine");
    }
    home.run(&["logout"]).output();
    let left = fs::read_dir(home.path("profiles")).unwrap();
    let mut left: Vec<String> = left
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        [
            ".espctl.lock",
            ".tmpx",
            "current_profile",
            "notes.json",
            "profiles.json"
        ]
    );
}
