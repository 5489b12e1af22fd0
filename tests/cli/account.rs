//! The account's commands through the binary, each in a folder of its own: profiles here, which
//! need no cloud; logins and nodes, against scripted ones, in the files below.

mod blocked_files;
mod browser;
mod emulated;
mod flags;
pub(super) mod kept;
mod login;
mod node;
mod verified;

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::device::fresh_path;
use crate::support::espctl::{Output, Run, espctl};
use crate::support::scripted_server::{ReceivedRequest, ScriptedServer, Turn, ok};

/// A folder for account files.
pub(super) struct Home(PathBuf);

impl Home {
    pub(super) fn new() -> Self {
        Self(fresh_path("rainmaker"))
    }

    /// With a profile `lab` for this cloud, which is the current one.
    pub(super) fn with_lab(base_url: &str) -> Self {
        let home = Self::new();
        home.run(&["profile", "add", "lab", "--base-url", base_url])
            .output()
            .exits(0);
        home.run(&["profile", "switch", "lab"]).output().exits(0);
        home
    }

    pub(super) fn run(&self, line: &[&str]) -> Run {
        espctl(line).env("RM_USER_CONFIG_DIR", self.0.to_str().unwrap())
    }

    /// The `result` of a run that succeeds.
    fn result(&self, line: &[&str]) -> Value {
        let line = [line, &["--format", "json"]].concat();
        self.run(&line).output().exits(0).result()
    }

    fn error(&self, line: &[&str], exit: i32, id: &str) -> Output {
        let output = self.run(line).output().exits(exit);
        assert!(
            output.stderr.contains(&format!("espctl explain {id}")),
            "{output}"
        );
        output
    }

    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// The login of a profile, as it lies there.
    pub(super) fn login(&self, profile: &str) -> Option<Value> {
        let text = fs::read_to_string(self.path(&login_file(profile))).ok()?;
        Some(serde_json::from_str(&text).unwrap())
    }

    pub(super) fn log_in(&self, profile: &str, tokens: &Value) {
        self.write(&login_file(profile), &tokens.to_string());
    }
}

fn login_file(profile: &str) -> String {
    format!("profiles/{profile}_config.json")
}

/// A token with these claims. Its signature contains `name`, so that tokens are distinct.
fn token(claims: &Value, name: &str) -> String {
    format!("e30.{}.{name}", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

/// An access token that lives, and one that does not.
fn access(name: &str) -> String {
    token(&json!({"exp": 4_000_000_000_u64}), name)
}

pub(super) fn ended(name: &str) -> String {
    token(&json!({"exp": 1_000_000_000}), name)
}

fn id(user: &str) -> String {
    token(
        &json!({"custom:user_id": format!("id-of-{user}"), "email": format!("{user}@example.com")}),
        user,
    )
}

/// As the cloud answers a login.
pub(super) fn tokens(user: &str) -> Value {
    json!({
        "status": "success",
        "idtoken": id(user),
        "accesstoken": access(user),
        "refreshtoken": format!("refresh-{user}"),
    })
}

pub(super) fn answer_ok(answer: &Value) -> Turn {
    Turn::send(ok(answer.to_string()))
}

pub(super) fn refuses(status: &str, answer: &Value) -> Turn {
    let body = answer.to_string();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Turn::send(head + &body)
}

/// Serves one connection for each entry of the script, while `act` gets the base URL. Returns the
/// requests.
pub(super) fn with_cloud(
    script: Vec<Vec<Turn>>,
    act: impl FnOnce(&str) + Send + 'static,
) -> Vec<ReceivedRequest> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = ScriptedServer::start(script).await;
        let url = format!("http://{}", server.address);
        tokio::task::spawn_blocking(move || act(&url))
            .await
            .unwrap();
        server.requests()
    })
}

fn request_line(request: &ReceivedRequest) -> &str {
    request
        .head
        .lines()
        .next()
        .unwrap()
        .trim_end_matches(" HTTP/1.1")
}

fn body(request: &ReceivedRequest) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[test]
fn adds_switches_and_removes_profiles() {
    let home = Home::new();
    let names = |home: &Home| {
        let listed = home.result(&["profile", "list"])["profiles"].clone();
        let rows = listed.as_array().unwrap().iter();
        rows.map(|row| (row["name"].clone(), row["current"] == true))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&home),
        [(json!("global"), true), (json!("china"), false)]
    );
    assert!(!home.0.exists(), "listing wrote something");

    let added = home.result(&["profile", "add", "lab", "--base-url", "http://127.0.0.1:9"]);
    assert_eq!(added["profile"]["base_url"], "http://127.0.0.1:9/v1/");
    assert_eq!(added["profile"]["description"], "Custom profile: lab");
    home.result(&["profile", "switch", "lab"]);
    assert_eq!(
        home.result(&["profile", "current"])["profile"]["name"],
        "lab"
    );
    assert_eq!(names(&home)[2], (json!("lab"), true));

    let removed = home.result(&["profile", "remove", "lab"]);
    assert_eq!(
        (&removed["removed"], &removed["current"]),
        (&json!("lab"), &json!("global"))
    );
    assert_eq!(names(&home).len(), 2);
}

#[test]
fn rejects_invalid_profiles() {
    let home = Home::new();
    let url = ["--base-url", "https://a.example"];
    for name in ["../x", "", "a b", "global"] {
        home.error(
            &[&["profile", "add", name], &url[..]].concat(),
            2,
            "invalid-profile",
        );
    }
    for url in ["a.example", "ftp://a.example", "https://u:p@a.example"] {
        let line = ["profile", "add", "lab", "--base-url", url];
        home.error(&line, 2, "invalid-profile");
    }
    let output = home.error(&["profile", "switch", "lab"], 2, "unknown-profile");
    assert!(output.stderr.contains("global, china"), "{output}");
    home.error(&["profile", "remove", "china"], 2, "invalid-profile");
    assert!(!home.0.exists());
}

#[test]
fn missing_current_profile_is_an_error() {
    let home = Home::new();
    home.write("profiles/current_profile", "../../x");
    for line in [&["whoami"][..], &["logout"], &["node", "list"]] {
        home.error(line, 2, "unknown-profile");
    }
    let output = home.run(&["profile", "list"]).output().exits(0);
    assert!(
        output.stderr.contains("there is no profile of this name"),
        "{output}"
    );
    // A named profile does not use it, and can replace it.
    home.error(&["whoami", "--profile", "global"], 8, "login-required");
    home.result(&["profile", "switch", "china"]);
}

#[test]
fn malformed_file_is_named_and_kept() {
    let home = Home::new();
    home.write("profiles/profiles.json", "{");
    let output = home.error(&["profile", "list"], 3, "account-files");
    assert!(
        output.stderr.contains("profiles.json is not JSON"),
        "{output}"
    );
    assert_eq!(
        fs::read_to_string(home.path("profiles/profiles.json")).unwrap(),
        "{"
    );

    let home = Home::new();
    home.write(&login_file("global"), "not a login");
    home.error(&["whoami"], 3, "account-files");
    home.error(&["logout"], 3, "account-files");
    // The others are listed all the same.
    let listed = home.result(&["profile", "list"]);
    assert_eq!(listed["profiles"][0]["logged_in"], Value::Null);
    assert_eq!(listed["profiles"][1]["logged_in"], false);
}

/// As esp-rainmaker-cli 1.14.1 leaves it.
#[test]
fn login_of_esp_rainmaker_cli_is_used() {
    let home = Home::new();
    home.write("profiles/current_profile", "china\n");
    let login = json!({
        "idtoken": id("me"), "refreshtoken": "canary-refresh", "accesstoken": access("canary"),
    });
    home.log_in("china", &login);
    let account = home.result(&["whoami"])["account"].clone();
    assert_eq!(account["user_name"], "me@example.com");
    assert_eq!(account["user_id"], "id-of-me");
    assert_eq!(account["profile"], "china");
    assert_eq!(account["region"], "china");
    assert_eq!(account["source"], "stored");
    assert_eq!(account["expires_at"], 4_000_000_000_u64);
    assert_eq!(account["renewable"], true);
    assert_eq!(account["checked"], false);
    let output = home.run(&["whoami", "-vv"]).output().exits(0);
    assert!(output.stdout.contains("me@example.com"), "{output}");
    assert!(!output.to_string().contains("canary"), "{output}");
    // There is no login for the other one.
    let output = home.error(&["whoami", "--profile", "global"], 8, "login-required");
    assert!(
        output.stderr.contains("espctl login --profile global"),
        "{output}"
    );

    let home = Home::new();
    home.write("rainmaker_config.json", &login.to_string());
    assert_eq!(home.result(&["whoami"])["account"]["profile"], "global");
}

#[test]
fn access_token_variable_overrides_login() {
    let home = Home::new();
    home.log_in("global", &tokens("stored"));
    let run = |line: &[&str]| home.run(line).env("ESPCTL_ACCESS_TOKEN", &access("ci"));
    let output = run(&["whoami", "--format", "json"]).output().exits(0);
    let account = output.result()["account"].clone();
    assert_eq!(account["source"], "environment");
    assert_eq!(account["user_id"], Value::Null);
    assert_eq!(account["renewable"], false);
    let output = run(&["whoami", "--format", "json"])
        .env("ESPCTL_ID_TOKEN", &id("ci"))
        .output();
    assert_eq!(output.exits(0).result()["account"]["user_id"], "id-of-ci");

    let output = run(&["whoami"])
        .env("ESPCTL_ACCESS_TOKEN", "Bearer canary")
        .output()
        .exits(2);
    assert!(output.stderr.contains("unusable-secret"), "{output}");
    assert!(!output.stderr.contains("canary"), "{output}");
    let output = run(&["whoami"])
        .env("ESPCTL_ACCESS_TOKEN", "")
        .output()
        .exits(0);
    assert!(output.stdout.contains("stored@example.com"), "{output}");
}
