//! Logging in by name, out, and what is sent to whom on the way.

use serde_json::{Value, json};

use super::{
    Home, access, answer_ok, body, ended, id, refuses, request_line, token, tokens, with_cloud,
};
use crate::support::device::fresh_path;
use crate::support::scripted_server::Turn;

const ME: [&str; 3] = ["login", "--user-name", "me@example.com"];

fn log_in(more: &[&'static str]) -> Vec<&'static str> {
    [&ME[..], more].concat()
}

#[test]
fn sends_password_once_and_stores_tokens_in_profile() {
    let requests = with_cloud(vec![vec![answer_ok(&tokens("me"))]], |url| {
        let home = Home::with_lab(url);
        home.log_in("global", &tokens("other"));
        let line = log_in(&["--password", "canary-password", "-vv", "--format", "json"]);
        let output = home.run(&line).output().exits(0);
        let account = output.result()["account"].clone();
        assert_eq!(
            account,
            json!({
                "profile": "lab",
                "base_url": format!("{url}/v1/"),
                "region": "lab",
                "user_name": "me@example.com",
                "user_id": "id-of-me",
            })
        );
        for secret in ["canary-password", "refresh-me", &access("me"), &id("me")] {
            assert!(!output.to_string().contains(secret), "{output}");
        }
        let stored = home.login("lab").unwrap();
        let mut given = tokens("me");
        given.as_object_mut().unwrap().remove("status");
        assert_eq!(stored, given);
        assert_eq!(home.login("global"), Some(tokens("other")));
    });
    assert_eq!(requests.len(), 1);
    assert_eq!(request_line(&requests[0]), "POST /v1/login2");
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!(
        body(&requests[0]),
        json!({"user_name": "me@example.com", "password": "canary-password"})
    );
}

#[test]
fn password_comes_from_any_source() {
    let requests = with_cloud(vec![vec![answer_ok(&tokens("me"))]; 6], |url| {
        let home = Home::with_lab(url);
        let file = fresh_path("password");
        std::fs::write(&file, "from-file\n").unwrap();
        let file = file.to_str().unwrap();
        let variables = |line: &[&str]| {
            home.run(line)
                .env("ESPCTL_PASSWORD", "from-variable")
                .env("ESP_RAINMAKER_PASSWORD", "from-old-variable")
        };
        variables(&log_in(&["--password", "from-flag"]))
            .output()
            .exits(0);
        variables(&log_in(&[])).output().exits(0);
        let old = home.run(&["login", "--user_name", "me@example.com"]);
        old.env("ESP_RAINMAKER_PASSWORD", "from-old-variable")
            .output()
            .exits(0);
        let line = [
            "login",
            "--email",
            "me@example.com",
            "--password-file",
            file,
        ];
        variables(&line).output().exits(0);
        variables(&log_in(&["--password-file", "-"]))
            .stdin(b"from-stdin\n")
            .output()
            .exits(0);
        let from_variables = home.run(&["login"]).env("ESPCTL_PASSWORD", "from-both");
        from_variables
            .env("ESPCTL_USER_NAME", "me")
            .output()
            .exits(0);
    });
    let sent: Vec<Value> = requests
        .iter()
        .map(|requests| body(requests)["password"].clone())
        .collect();
    assert_eq!(
        sent,
        [
            "from-flag",
            "from-variable",
            "from-old-variable",
            "from-file",
            "from-stdin",
            "from-both"
        ]
    );
}

#[test]
fn one_time_code_completes_login() {
    let session = || answer_ok(&json!({"status": "success", "session": "the-session"}));
    let script = vec![vec![session(), answer_ok(&tokens("me"))]; 2];
    let requests = with_cloud(script, |url| {
        let home = Home::with_lab(url);
        let line = log_in(&["--password", "x", "--code-file", "-"]);
        home.run(&line).stdin(b" 123456 \n").output().exits(0);
        let line = log_in(&["--otp", "--format", "json"]);
        // A password of the environment does not belong to this login.
        let run = home.run(&line).env("ESPCTL_PASSWORD", "y");
        run.env("ESPCTL_CODE", "654321").output().exits(0);
    });
    let sent: Vec<Value> = requests.iter().map(body).collect();
    let code = |code: &str| json!({"user_name": "me@example.com", "session": "the-session", "verification_code": code});
    assert_eq!(
        sent,
        [
            json!({"user_name": "me@example.com", "password": "x"}),
            code("123456"),
            json!({"user_name": "me@example.com"}),
            code("654321"),
        ]
    );
}

#[test]
fn missing_login_values_are_named() {
    let requests = with_cloud(Vec::new(), |url| {
        let home = Home::with_lab(url);
        let output = home.error(&ME, 2, "missing-login");
        for named in [
            "--password-file",
            "ESPCTL_PASSWORD",
            "ESP_RAINMAKER_PASSWORD",
        ] {
            assert!(output.stderr.contains(named), "{output}");
        }
        home.error(
            &log_in(&["--otp", "--password", "x"]),
            2,
            "conflicting-flags",
        );
        home.error(&log_in(&["--password", ""]), 2, "unusable-secret");
        home.error(&["login", "--password", "x"], 2, "missing-login");
        home.error(&["login"], 2, "no-login-page");
        home.error(&["login", "--profile", "global"], 2, "missing-login");
        home.error(&["login", "--user-name", ""], 2, "usage");
        // The cloud sends no code if the user cannot enter it.
        let output = home.error(&log_in(&["--otp"]), 2, "missing-login");
        assert!(output.stderr.contains("ESPCTL_CODE"), "{output}");
        assert_eq!(home.login("lab"), None);
    });
    assert_eq!(requests.len(), 0);
}

#[test]
fn rejected_login_has_reason_and_keeps_previous_login() {
    let refusal = json!({
        "status": "failure", "error_code": "101011", "description": "Incorrect user name or password",
    });
    let script = vec![vec![refuses("401 Unauthorized", &refusal)]];
    let requests = with_cloud(script, |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("before"));
        let output = home.error(&log_in(&["--password", "canary"]), 8, "login-refused");
        assert!(
            output.stderr.contains("Incorrect user name or password"),
            "{output}"
        );
        assert!(!output.stderr.contains("canary"), "{output}");
        assert_eq!(home.login("lab"), Some(tokens("before")));
    });
    assert_eq!(requests.len(), 1, "a password is tried once");
}

#[test]
fn password_is_not_sent_over_plain_http() {
    let home = Home::new();
    let output = home
        .run(&["profile", "add", "lan", "--base-url", "http://192.0.2.1"])
        .output()
        .exits(0);
    assert!(output.stderr.contains("warning"), "{output}");
    let line = log_in(&["--password", "x", "--profile", "lan"]);
    home.error(&line, 2, "insecure-cloud");
    home.log_in("lan", &tokens("me"));
    home.error(&["node", "list", "--profile", "lan"], 2, "insecure-cloud");
    // What is only read is not sent, and a logout is one here at least.
    assert_eq!(
        home.result(&["whoami", "--profile", "lan"])["account"]["profile"],
        "lan"
    );
    let done = home.result(&["logout", "--profile", "lan"]);
    assert_eq!(done["cloud_told"], false);
    assert_eq!(home.login("lan"), None);
}

#[test]
fn logout_is_local_and_in_cloud() {
    let expired = || refuses("401 Unauthorized", &json!({"message": "Unauthorized"}));
    let renewed = json!({"status": "success", "accesstoken": access("new"), "idtoken": id("me")});
    let script = vec![
        vec![answer_ok(&json!({"status": "success"}))],
        vec![
            expired(),
            answer_ok(&renewed),
            answer_ok(&json!({"status": "success"})),
        ],
        // Neither the token nor the login is good any more: that is out.
        vec![expired(), expired()],
        vec![expired(), refuses("500 Internal Server Error", &json!({}))],
        vec![answer_ok(&json!({"status": "error", "description": "no"}))],
        vec![refuses("500 Internal Server Error", &json!({})); 5],
    ];
    let requests = with_cloud(script, |url| {
        let home = Home::with_lab(url);
        home.log_in("global", &tokens("other"));
        for is_notified in [true, true, true, false, false, false] {
            home.log_in("lab", &tokens("me"));
            let done = home.result(&["logout"]);
            assert_eq!(done["profile"], "lab");
            assert_eq!(done["was_logged_in"], true);
            assert_eq!(done["cloud_told"], is_notified, "{done}");
            assert_eq!(home.login("lab"), None);
        }
        let again = home.result(&["logout"]);
        assert_eq!(again["was_logged_in"], false);
        assert_eq!(again["cloud_told"], Value::Null);
        assert_eq!(home.login("global"), Some(tokens("other")));
    });
    assert!(request_line(&requests[0]).starts_with("POST /v1/logout2"));
    assert_eq!(
        requests[0].header("authorization"),
        Some(access("me").as_str())
    );

    // The access token had ended, not the login.
    assert_eq!(body(&requests[2]), json!({"refreshtoken": "refresh-me"}));
    assert!(request_line(&requests[3]).starts_with("POST /v1/logout2"));
    assert_eq!(
        requests[3].header("authorization"),
        Some(access("new").as_str())
    );

    // No server is there.
    let home = Home::with_lab("http://127.0.0.1:1");
    home.log_in("lab", &tokens("me"));
    let output = home.run(&["logout"]).output().exits(0);
    assert!(
        output
            .stderr
            .contains("warning: the cloud did not end the login"),
        "{output}"
    );
    assert_eq!(home.login("lab"), None);
}

#[test]
fn expired_login_is_renewed_in_its_own_profile() {
    let renewed = json!({"status": "success", "accesstoken": access("new"), "idtoken": id("me")});
    let script = vec![vec![answer_ok(&renewed), answer_ok(&json!({"nodes": []}))]];
    let requests = with_cloud(script, |url| {
        let home = Home::with_lab(url);
        let mut old = tokens("me");
        old["accesstoken"] = json!(ended("old"));
        old["note"] = json!("mine");
        home.log_in("global", &old);
        home.log_in("lab", &old);
        assert_eq!(home.result(&["whoami"])["account"]["expires_in_s"], 0);
        home.result(&["node", "list"]);
        let kept = home.login("lab").unwrap();
        assert_eq!(kept["accesstoken"], access("new"));
        assert_eq!(kept["refreshtoken"], "refresh-me");
        assert_eq!(kept["note"], "mine");
        assert_eq!(home.login("global"), Some(old));
    });
    assert_eq!(body(&requests[0]), json!({"refreshtoken": "refresh-me"}));
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!(
        requests[1].header("authorization"),
        Some(access("new").as_str())
    );
}

#[test]
fn unusable_tokens_do_not_replace_a_login() {
    for unusable in ["", "a\r\nX: y", "tökén", "a b"] {
        let bad = json!({"status": "success", "accesstoken": unusable, "idtoken": id("me")});
        let script = vec![vec![answer_ok(&bad)], vec![answer_ok(&bad)]];
        with_cloud(script, move |url| {
            let home = Home::with_lab(url);
            let mut old = tokens("me");
            home.log_in("lab", &old);
            let line = [
                "login",
                "--user-name",
                "me@example.com",
                "--password",
                "right",
            ];
            home.error(&line, 7, "cloud-answer");
            assert_eq!(home.login("lab"), Some(old.clone()), "{unusable:?}");

            old["accesstoken"] = json!(ended("old"));
            home.log_in("lab", &old);
            home.error(&["node", "list"], 7, "cloud-answer");
            assert_eq!(home.login("lab"), Some(old), "{unusable:?}");
        });
    }
}

#[test]
fn token_variable_is_neither_renewed_nor_stored() {
    let refused = refuses("401 Unauthorized", &json!({"message": "Unauthorized"}));
    let script = vec![vec![answer_ok(&json!({"nodes": []}))], vec![refused]];
    let requests = with_cloud(script, |url| {
        let home = Home::with_lab(url);
        home.log_in("lab", &tokens("stored"));
        let run = || {
            home.run(&["node", "list"])
                .env("ESPCTL_ACCESS_TOKEN", &ended("ci"))
        };
        run().output().exits(0);
        let output = run().output().exits(8);
        assert!(output.stderr.contains("login-expired"), "{output}");
        assert_eq!(home.login("lab"), Some(tokens("stored")));
    });
    let expected = ended("ci");
    assert_eq!(requests.len(), 2);
    for requests in &requests {
        assert_eq!(requests.header("authorization"), Some(expected.as_str()));
    }
}

#[test]
fn tokens_go_only_to_their_own_cloud() {
    let nodes = || vec![vec![answer_ok(&json!({"nodes": []}))]; 2];
    let second = with_cloud(nodes(), move |second| {
        let second = second.to_owned();
        let first = with_cloud(nodes(), move |first| {
            let home = Home::with_lab(first);
            home.result(&["profile", "add", "other", "--base-url", &second]);
            home.log_in("lab", &tokens("one"));
            home.log_in("other", &tokens("two"));
            home.result(&["node", "list"]);
            home.result(&["node", "list", "--profile", "other"]);
            let by_variable = home.run(&["node", "list"]).env("ESPCTL_PROFILE", "other");
            by_variable.output().exits(0);
            home.result(&["profile", "switch", "other"]);
            home.result(&["node", "list", "--profile", "lab"]);
        });
        assert_eq!(first.len(), 2);
        for requests in first {
            assert_eq!(
                requests.header("authorization"),
                Some(access("one").as_str())
            );
        }
    });
    assert_eq!(second.len(), 2);
    for requests in second {
        assert_eq!(
            requests.header("authorization"),
            Some(access("two").as_str())
        );
    }
}

#[test]
fn distinguishes_tokens_of_other_regions() {
    let home = Home::new();
    let us = "https://cognito-idp.us-east-1.amazonaws.com/pool";
    for (profile, issuer, warned) in [
        ("global", us, false),
        ("global", "https://issuer.example.cn", true),
        ("china", us, true),
        ("china", "https://issuer.example.cn", false),
    ] {
        let access = token(&json!({"exp": 4_000_000_000_u64, "iss": issuer}), "me");
        let mut login = tokens("me");
        login["accesstoken"] = json!(access);
        home.log_in(profile, &login);
        let output = home
            .run(&["whoami", "--profile", profile])
            .output()
            .exits(0);
        let has_issuer = output.stderr.contains(&format!("issued by {issuer}"));
        assert_eq!(has_issuer, warned, "{profile}: {output}");
    }
}

#[test]
fn whoami_contacts_cloud_only_on_request() {
    let user = json!({"user_id": "id-of-cloud", "user_name": "cloud@example.com"});
    let script = vec![
        vec![answer_ok(&user)],
        vec![refuses("401 Unauthorized", &json!({"message": "Unauthorized"})); 2],
    ];
    let requests = with_cloud(script, |url| {
        let home = Home::with_lab(url);
        let mut login = tokens("me");
        login["refreshtoken"] = Value::Null;
        home.log_in("lab", &login);
        assert_eq!(home.result(&["whoami"])["account"]["user_id"], "id-of-me");
        let checked = home.result(&["whoami", "--check"])["account"].clone();
        assert_eq!(checked["user_id"], "id-of-cloud");
        assert_eq!(checked["checked"], true);
        home.error(&["whoami", "--check"], 8, "login-expired");
    });
    assert_eq!(request_line(&requests[0]), "GET /v1/user2");
}

#[cfg(unix)]
#[test]
fn terminal_asks_for_password_and_code_without_echo() {
    use crate::support::pty::{ENTER, Terminal};
    let session = answer_ok(&json!({"status": "success", "session": "the-session"}));
    let script: Vec<Vec<Turn>> = vec![vec![session, answer_ok(&tokens("me"))]];
    let requests = with_cloud(script, |url| {
        let home = Home::with_lab(url);
        let folder = home.0.to_str().unwrap();
        let mut terminal = Terminal::start(ME, &[("RM_USER_CONFIG_DIR", folder)]);
        terminal.shows("Password of me@example.com:");
        terminal.type_keys("canary");
        terminal.type_keys(ENTER);
        terminal.shows("One-time code:");
        terminal.type_keys("987654");
        terminal.type_keys(ENTER);
        let screen = terminal.exits(0);
        assert!(screen.contains("Logged in as me@example.com"), "{screen}");
        let raw = terminal.raw();
        assert!(!raw.contains("canary") && !raw.contains("987654"), "{raw}");
    });
    assert_eq!(body(&requests[0])["password"], "canary");
    assert_eq!(body(&requests[1])["verification_code"], "987654");
}
