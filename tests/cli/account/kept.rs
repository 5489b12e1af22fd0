//! Renewed logins on a computer that cannot store files: espctl uses them, and warns that they are not
//! stored. A full disk, as far as a test can make one.

use std::process::Stdio;

use serde_json::{Value, json};

use super::{Home, access, answer_ok, ended, refuses, tokens, with_cloud};
use crate::support::cloud::Cloud;
use crate::support::device::Device;
use crate::support::espctl::Output;

/// Runs where no file can be written.
pub(in crate::cli) fn on_a_full_disk(home: &Home, line: &[&str]) -> Output {
    let done = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\" \"$@\""])
        .arg(env!("CARGO_BIN_EXE_espctl"))
        .args(line)
        .env_clear()
        .env("RM_USER_CONFIG_DIR", home.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Output {
        exit: done.status.code(),
        stdout: String::from_utf8(done.stdout).unwrap(),
        stderr: String::from_utf8(done.stderr).unwrap(),
    }
}

fn old_login() -> Value {
    let mut login = tokens("me");
    login["accesstoken"] = json!(ended("old"));
    login
}

fn renewed() -> Value {
    let mut renewed = tokens("me");
    renewed["accesstoken"] = json!(access("new"));
    renewed
}

#[test]
fn unsaved_renewed_login_is_used_with_warning() {
    let lines = [
        (&["node", "list"][..], json!({"nodes": ["node-1"]})),
        (&["node", "info", "node-1"], json!({"nodes": ["node-1"]})),
        (
            &["node", "remove", "node-1", "--yes"],
            json!({"status": "success"}),
        ),
        (&["whoami", "--check"], json!({"user_id": "id-of-me"})),
    ];
    let answers = lines.iter().map(|(_, answer)| answer.clone());
    let script = answers.map(|answer| vec![answer_ok(&renewed()), answer_ok(&answer)]);
    let requests = with_cloud(script.collect(), move |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &old_login());
        for (line, _) in lines {
            let line = [line, &["--format", "json"]].concat();
            let output = on_a_full_disk(&home, &line).exits(0);
            assert_eq!(output.stdout.lines().count(), 1, "{output}");
            assert!(output.stderr.contains("could not be kept"), "{output}");
            assert!(output.stderr.contains("espctl login"), "{output}");
            assert_eq!(home.login("lab"), Some(old_login()), "{output}");
        }
    });
    for requests in requests.chunks(2) {
        let new = access("new");
        assert_eq!(requests[1].header("authorization"), Some(new.as_str()));
    }
}

#[test]
fn failed_run_also_warns_about_unsaved_login() {
    let script = vec![vec![
        answer_ok(&renewed()),
        refuses("400 Bad Request", &json!({})),
    ]];
    with_cloud(script, |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &old_login());
        let output = on_a_full_disk(&home, &["node", "list"]).exits(7);
        assert!(output.stderr.contains("could not be kept"), "{output}");
    });
    let script = vec![vec![
        answer_ok(&renewed()),
        answer_ok(&json!({"groups": null})),
    ]];
    with_cloud(script, |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &old_login());
        let place = [
            "provision",
            "--device-ip",
            "127.0.0.1",
            "--device-port",
            "1",
        ];
        let line = [&place[..], &["--no-wifi", "--group", "Home"]].concat();
        let output = on_a_full_disk(&home, &line).exits(2);
        assert!(output.stderr.contains("unknown-group"), "{output}");
        assert!(output.stderr.contains("could not be kept"), "{output}");
    });
}

/// Every call renews, and each renewal ends what was before: with the tokens of the file, the
/// second would be refused.
#[test]
fn maps_device_with_unsaved_login() {
    let cloud = Cloud::start(&["--access-life", "30", "--rotate-refresh"]);
    let home = Home::with_lab(cloud.url());
    let log_in = [
        "login",
        "--user-name",
        cloud.user(),
        "--password",
        cloud.password(),
    ];
    home.run(&log_in).output().exits(0);
    let device = Device::start(&["--cloud", cloud.url(), "--sec-ver", "0"]);
    let address = device.address();
    let address: Vec<&str> = address.iter().map(String::as_str).collect();
    let line = [
        &["provision", "--no-wifi", "--format", "json"],
        &address[..],
    ]
    .concat();
    let output = on_a_full_disk(&home, &line).exits(0);
    assert_eq!(output.result()["summary"]["mapped"], true, "{output}");
    let events = output.json();
    let warned: Vec<&Value> = events
        .iter()
        .filter(|line| line["event"] == "warned")
        .collect();
    let of_login = |event: &&&Value| event["id"] == "login-not-kept";
    assert_eq!(warned.iter().filter(of_login).count(), 1, "{output}");
}
