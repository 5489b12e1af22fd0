//! `login`, `logout`, `whoami`, `profile …` and `node …`; and what `doctor` finds in the account.

use serde_json::json;

use super::{Case, Section};
use crate::cli::account::{Home, answer_ok, tokens, with_cloud};
use crate::support::account::Account;
use crate::support::device::Device;
use crate::support::owner::Owner;

pub(super) const CASES: &[Case] = &[
    || {
        let home = Home::new();
        home.write("profiles/china_config.json", "not a login");
        let url = ["--base-url", "http://127.0.0.1:1", "--description", "Mine"];
        vec![
            run_in_home(&home, "profile list", &["profile", "list"]),
            run_in_home(
                &home,
                "profile add",
                &[&["profile", "add", "lab"], &url[..]].concat(),
            ),
            run_in_home(&home, "profile switch", &["profile", "switch", "lab"]),
            run_in_home(&home, "profile current", &["profile", "current"]),
            run_in_home(&home, "whoami, no login", &["whoami"]),
            run_in_home(&home, "logout, no login", &["logout"]),
            run_in_home(&home, "profile remove", &["profile", "remove", "lab"]),
            run_in_home(
                &home,
                "profile switch, unknown",
                &["profile", "switch", "lab"],
            ),
        ]
    },
    || {
        let owner = Owner::start(&[]);
        let user = ["login", "--user-name", owner.cloud.user(), "--password"];
        let run = |heading: &str, line: &[&str]| run_with_account(&owner.account, heading, line);
        let arguments = [
            "--no-wifi",
            "--tags",
            "room:office",
            "--metadata",
            r#"{"rev":2}"#,
        ];
        let device = Device::start(&["--cloud", owner.cloud.url(), "--node-id", "n"]);
        owner
            .account
            .provision(&device, &arguments)
            .output()
            .exits(0);
        vec![
            run("login", &[&user[..], &[owner.cloud.password()]].concat()),
            run("login, rejected", &[&user[..], &["wrong"]].concat()),
            run("profile current, logged in", &["profile", "current"]),
            run("whoami", &["whoami"]),
            run("whoami --check", &["whoami", "--check"]),
            run("node list", &["node", "list"]),
            run("node info", &["node", "info", "n"]),
            run("node info, unknown", &["node", "info", "unknown"]),
            run("node remove, not confirmed", &["node", "remove", "n"]),
            run("node remove", &["node", "remove", "n", "--yes"]),
            run("node list, no nodes", &["node", "list"]),
            run("logout", &["logout"]),
        ]
    },
    || {
        let (sender, sections) = std::sync::mpsc::channel();
        let bare = json!({"nodes": ["node-1"]});
        with_cloud(vec![vec![answer_ok(&bare)]], move |url| {
            let home = Home::with_lab(url);
            home.log_in("lab", &tokens("me"));
            let listed = run_in_home(&home, "node list, bare node", &["node", "list"]);
            sender.send(vec![listed]).unwrap();
        });
        sections.recv().unwrap()
    },
    || {
        let home = Home::new();
        let opaque = home.run(&["whoami", "--format", "json"]);
        let opaque = opaque.env("ESPCTL_ACCESS_TOKEN", "opaque").output();
        let page = ["login", "--no-browser", "--browser-timeout", "0.01"];
        vec![
            Section::printed("whoami, token from the environment", &opaque),
            run_in_home(&home, "login with a browser, timed out", &page),
        ]
    },
];

/// What `doctor` finds in an account.
pub(super) fn run_doctor() -> Section {
    let owner = Owner::start(&[]);
    let line = ["doctor", "--transport", "console", "--port", "/dev/null"];
    run_with_account(&owner.account, "doctor, logged in", &line)
}

fn run_in_home(home: &Home, heading: &str, line: &[&str]) -> Section {
    let line = [line, &["--format", "json"]].concat();
    Section::printed(heading, &home.run(&line).output())
}

fn run_with_account(account: &Account, heading: &str, line: &[&str]) -> Section {
    let line = [line, &["--format", "json"]].concat();
    Section::printed(heading, &account.run(&line).output())
}
