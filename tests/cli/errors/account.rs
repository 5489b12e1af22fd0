//! The ids of the account and its cloud. The tests of `account` check their full messages.

use serde_json::{Value, json};

use super::Case::{self, Run};
use crate::cli::account::kept::on_a_full_disk;
use crate::cli::account::{Home, answer_ok, refuses, tokens, with_cloud};
use crate::support::device::fresh_path;
use crate::support::espctl::Output;
use crate::support::scripted_server::{Turn, ok};

pub(super) const CASES: &[(&str, Case)] = &[
    (
        "account-files",
        Run(|| {
            let home = Home::new();
            home.write("profiles/profiles.json", "[]");
            home.run(&["profile", "list"]).output()
        }),
    ),
    (
        "bad-ca-cert",
        Run(|| {
            let file = fresh_path("ca.pem");
            std::fs::write(&file, "no certificate").unwrap();
            let home = Home::with_lab("https://127.0.0.1:1");
            home.log_in("lab", &tokens("me"));
            home.run(&["node", "list", "--ca-cert", file.to_str().unwrap()])
                .output()
        }),
    ),
    (
        "cloud-answer",
        Run(|| listing(vec![Turn::send(ok("<html>"))], &[])),
    ),
    (
        "cloud-refused",
        Run(|| {
            let refusal = json!({"status": "failure", "description": "no"});
            listing(vec![refuses("400 Bad Request", &refusal)], &[])
        }),
    ),
    (
        "cloud-timed-out",
        Run(|| {
            // Each time it is asked again, on another connection.
            let line = ["node", "list", "--cloud-timeout", "1"];
            at_cloud(vec![vec![Turn::silence()]; 3], tokens("me"), &line)
        }),
    ),
    (
        "cloud-unreachable",
        Run(|| {
            let home = Home::with_lab("http://127.0.0.1:1");
            home.log_in("lab", &tokens("me"));
            home.run(&["node", "list"]).output()
        }),
    ),
    (
        "confirmation-needed",
        Run(|| {
            let home = Home::with_lab("http://127.0.0.1:1");
            home.log_in("lab", &tokens("me"));
            home.run(&["node", "remove", "x"]).output()
        }),
    ),
    (
        "insecure-cloud",
        Run(|| {
            let home = Home::with_lab("http://192.0.2.1");
            home.run(&["login", "--user-name", "me", "--password", "x"])
                .output()
        }),
    ),
    (
        "invalid-profile",
        Run(|| {
            let line = ["profile", "add", "a/b", "--base-url", "https://a.example"];
            Home::new().run(&line).output()
        }),
    ),
    (
        "login-expired",
        Run(|| {
            let mut login = tokens("me");
            login["refreshtoken"] = Value::Null;
            let refusal = json!({"message": "Unauthorized"});
            let script = vec![vec![refuses("401 Unauthorized", &refusal)]];
            at_cloud(script, login, &["node", "list"])
        }),
    ),
    ("login-not-kept", Run(login_not_kept)),
    (
        "login-refused",
        Run(|| {
            let refusal = json!({"status": "failure", "description": "no"});
            let script = vec![vec![refuses("401 Unauthorized", &refusal)]];
            let line = ["login", "--user-name", "me", "--password", "x"];
            at_cloud(script, tokens("me"), &line)
        }),
    ),
    (
        "login-timed-out",
        Run(|| {
            // The page is never opened, only its address printed.
            let line = ["login", "--no-browser", "--browser-timeout", "0.01"];
            Home::new().run(&line).output()
        }),
    ),
    (
        "missing-login",
        Run(|| {
            Home::new()
                .run(&["login", "--user-name", "me@example.com"])
                .output()
        }),
    ),
    (
        "no-login-page",
        Run(|| {
            Home::with_lab("http://127.0.0.1:1")
                .run(&["login"])
                .output()
        }),
    ),
    (
        "unknown-node",
        Run(|| {
            let script = vec![vec![answer_ok(&json!({"nodes": []}))]];
            at_cloud(script, tokens("me"), &["node", "info", "x"])
        }),
    ),
    (
        "unknown-profile",
        Run(|| Home::new().run(&["profile", "switch", "x"]).output()),
    ),
];

fn listing(turns: Vec<Turn>, more: &[&str]) -> Output {
    at_cloud(
        vec![turns],
        tokens("me"),
        &[&["node", "list"], more].concat(),
    )
}

/// Runs with this login, at a cloud that plays this script.
fn at_cloud(script: Vec<Vec<Turn>>, login: Value, line: &[&str]) -> Output {
    let (sender, output) = std::sync::mpsc::channel();
    let line: Vec<String> = line.iter().map(ToString::to_string).collect();
    with_cloud(script, move |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &login);
        let line: Vec<&str> = line.iter().map(String::as_str).collect();
        sender.send(home.run(&line).output()).unwrap();
    });
    output.recv().unwrap()
}

fn login_not_kept() -> Output {
    let (sender, output) = std::sync::mpsc::channel();
    with_cloud(vec![vec![answer_ok(&tokens("me"))]], move |url| {
        let home = Home::with_lab(url);
        let line = ["login", "--user-name", "me", "--password", "x"];
        let output = on_a_full_disk(&home, &line);
        assert_eq!(home.login("lab"), None, "{output}");
        sender.send(output).unwrap();
    });
    output.recv().unwrap()
}
