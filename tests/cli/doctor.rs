//! `doctor` by the shipped binary: computers that lack something, each named with what fixes it. What
//! takes a network of its own is `namespace`'s.

#[cfg(target_os = "linux")]
mod bluetooth;
#[cfg(unix)]
mod files;
#[cfg(target_os = "linux")]
pub(super) mod namespace;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::support::account::Account;
use crate::support::cloud::Cloud;
use crate::support::espctl::{Output, espctl};

/// A look at the account alone, and at what needs no more than this computer.
const ACCOUNT: [&str; 7] = [
    "doctor",
    "--format",
    "json",
    "--transport",
    "console",
    "--port",
    "/dev/null",
];

fn findings(output: &Output) -> Vec<Value> {
    let result = output.result();
    let found = result["findings"].as_array();
    found.unwrap_or_else(|| panic!("{output}")).clone()
}

/// The finding of this id.
#[track_caller]
fn finding(output: &Output, id: &str) -> Value {
    let found = findings(output).into_iter().find(|one| one["id"] == id);
    found.unwrap_or_else(|| panic!("no {id}\n{output}"))
}

/// It is in this state, leads to that error's explanation, and its fix has these words.
#[track_caller]
fn lacks(output: &Output, id: &str, state: &str, see: &str, fix: &str) -> Value {
    let found = finding(output, id);
    assert_eq!(found["state"], state, "{output}");
    assert_eq!(found["see"], see, "{output}");
    let text = found["fix"].as_str().unwrap_or_default();
    assert!(text.contains(fix), "{fix:?}\n{output}");
    found
}

#[track_caller]
fn is_ok(output: &Output, id: &str) -> Value {
    let found = finding(output, id);
    assert_eq!(found["state"], "ok", "{output}");
    assert!(found["fix"].is_null() && found["see"].is_null(), "{output}");
    found
}

fn seen_contains(found: &Value, words: &str) -> bool {
    found["seen"]
        .as_str()
        .is_some_and(|seen| seen.contains(words))
}

#[test]
fn missing_login_is_reported_with_command() {
    let cloud = Cloud::start(&[]);
    let account = Account::empty();
    account.add("lab", cloud.url());
    let line = [&ACCOUNT[..], &["--profile", "lab"]].concat();
    let output = account.run(&line).output().exits(0);
    let login = lacks(
        &output,
        "login",
        "problem",
        "login-required",
        "espctl login --profile lab",
    );
    assert!(seen_contains(&login, "not logged in to the profile lab"));
    // One thing that is missing hides nothing else.
    is_ok(&output, "cloud");
    is_ok(&output, "clock");
    assert_eq!(output.result()["problems"], 1, "{output}");
    assert!(
        cloud
            .log_entries("request")
            .iter()
            .all(|one| one["user_id"].is_null())
    );
}

#[test]
fn login_is_reported_with_age_without_token() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let output = account.run(&ACCOUNT).output().exits(0);
    let login = is_ok(&output, "login");
    for words in [
        cloud.user(),
        " ago, ",
        "profile lab",
        "renewed automatically",
    ] {
        assert!(seen_contains(&login, words), "{words}\n{output}");
    }
    assert_eq!(output.result()["problems"], 0, "{output}");
    let text = account.run(&["doctor", "-vv", "--transport", "console"]);
    let text = format!("{output}{}", text.output());
    for key in ["accesstoken", "idtoken", "refreshtoken"] {
        assert!(!text.contains(&account.token("lab", key)), "{key}");
    }
}

#[test]
fn expired_login_is_a_problem() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    let claims = URL_SAFE_NO_PAD.encode(json!({"exp": 1_700_000_000, "iat": 1}).to_string());
    let token = format!("e30.{claims}.c2ln");
    let run = account.run(&ACCOUNT).env("ESPCTL_ACCESS_TOKEN", &token);
    let output = run.output().exits(0);
    lacks(
        &output,
        "login",
        "problem",
        "login-expired",
        "ESPCTL_ACCESS_TOKEN",
    );
    assert!(!output.to_string().contains(&claims), "{output}");
}

#[test]
fn missing_profile_is_a_finding() {
    let line = [&ACCOUNT[..], &["--profile", "nonesuch"]].concat();
    let output = Account::empty().run(&line).output().exits(0);
    lacks(&output, "login", "problem", "unknown-profile", "--profile");
    assert_eq!(finding(&output, "cloud")["state"], "skipped");
}

#[test]
fn wrong_clock_is_measured_by_cloud_time() {
    let cloud = Cloud::start(&[]);
    let account = Account::logged_in(&cloud);
    for (moved, state, words) in [
        (150, "warning", "2 min behind"),
        (7230, "problem", "2 h behind"),
    ] {
        cloud.advance(moved);
        let output = account.run(&ACCOUNT).output().exits(0);
        let clock = finding(&output, "clock");
        assert_eq!(clock["state"], state, "{output}");
        assert!(seen_contains(&clock, words), "{output}");
        assert!(clock["fix"].is_string(), "{output}");
    }
    let required = [&ACCOUNT[..], &["--require"]].concat();
    let output = account.run(&required).output().exits(3);
    assert!(
        output.result()["error"]["message"]
            .to_string()
            .contains("clock")
    );
}

#[test]
fn unreachable_cloud_is_a_separate_finding() {
    let account = Account::empty();
    account.add("lab", "http://127.0.0.1:1");
    let line = [&ACCOUNT[..], &["--profile", "lab"]].concat();
    let output = account.run(&line).output().exits(0);
    lacks(
        &output,
        "cloud",
        "problem",
        "cloud-unreachable",
        "internet connection",
    );
    assert_eq!(finding(&output, "clock")["state"], "skipped", "{output}");
    // A computer on a device's hotspot has no internet, and SoftAP alone does not need it.
    let softap = ["doctor", "--format", "json", "--transport", "softap"];
    let there = ["--device-ip", "127.0.0.1", "--profile", "lab"];
    let output = account.run(&[&softap[..], &there].concat()).output();
    assert_eq!(finding(&output.exits(0), "cloud")["state"], "warning");
}

#[test]
fn distinguishes_wrong_answers_of_the_cloud() {
    let elapsed = |output: &Output| output.result()["elapsed_ms"].as_u64().unwrap();
    // How long it takes on this computer with a cloud that answers.
    let cloud = Cloud::start(&[]);
    let well = Account::logged_in(&cloud).run(&ACCOUNT).output().exits(0);
    for (fault, state, see) in [
        ("apiversions:*:html", "warning", "cloud-answer"),
        ("apiversions:*:drop", "problem", "cloud-timed-out"),
    ] {
        let cloud = Cloud::start(&["--fault", fault]);
        let account = Account::logged_in(&cloud);
        let output = account.run(&ACCOUNT).output().exits(0);
        lacks(&output, "cloud", state, see, "");
        // Two seconds more at most; another command would wait for fifteen.
        assert!(elapsed(&output) < elapsed(&well) + 10_000, "{output}");
    }
}

#[test]
fn no_cloud_skips_account() {
    let account = Account::empty();
    account.add("lab", "http://127.0.0.1:1");
    let line = [&ACCOUNT[..], &["--no-cloud", "--profile", "lab"]].concat();
    let output = account.run(&line).output().exits(0);
    let ids = ["login", "account-files", "cloud", "clock"];
    let none = |one: &Value| ids.iter().all(|id| one["id"] != *id);
    assert!(findings(&output).iter().all(none), "{output}");
}

#[test]
fn transport_limits_checks_and_can_be_repeated() {
    let of = |arguments: &[&str]| {
        let line = [&["doctor", "--no-cloud", "--format", "json"], arguments].concat();
        let output = espctl(line).output().exits(0);
        let mut kinds: Vec<String> = findings(&output)
            .iter()
            .filter_map(|one| Some(one["transport"].as_str()?.to_owned()))
            .collect();
        kinds.sort();
        kinds.dedup();
        kinds
    };
    assert_eq!(of(&["--transport", "console"]), ["console"]);
    let both = ["--transport", "ble", "--transport", "softap"];
    assert_eq!(of(&both), ["ble", "softap"]);
    assert_eq!(of(&[]), ["ble", "console", "on-network", "softap"]);
}

#[test]
fn report_succeeds_unless_required_to_be_ready() {
    let line = [
        "doctor",
        "--transport",
        "console",
        "--no-cloud",
        "--port",
        "/dev/nonesuch",
    ];
    let text = espctl(line).output().exits(0);
    assert_eq!(text.stderr, "", "{text}");
    for words in [
        "✗ problem  serial-port  /dev/nonesuch: ",
        "fix: ",
        "1 problem, 0 warnings.",
    ] {
        assert!(text.stdout.contains(words), "{words}\n{text}");
    }
    assert!(!text.stdout.contains('\u{1b}'), "{text}");
    let colour = espctl([&line[..], &["--color", "always"]].concat()).output();
    assert!(colour.stdout.contains("\u{1b}["), "{colour}");

    let required = [&line[..], &["--require"]].concat();
    let text = espctl(&required).output().exits(3);
    assert!(text.stdout.contains("serial-port"), "{text}");
    let last = text.stderr.lines().last();
    assert_eq!(last, Some("see: espctl explain host-not-ready"), "{text}");
    let json = espctl([&required[..], &["--format", "json"]].concat()).output();
    let json = json.exits(3);
    assert_eq!(json.json().len(), 1, "{json}");
    assert_eq!(json.result()["ok"], false, "{json}");
    assert_eq!(json.result()["error"]["id"], "host-not-ready", "{json}");
    lacks(&json, "serial-port", "problem", "no-serial-port", "plug");

    let good = [&ACCOUNT[..], &["--no-cloud", "--require"]].concat();
    let output = espctl(good).output().exits(0);
    assert_eq!(output.result()["ok"], true, "{output}");
}

#[cfg(unix)]
#[test]
fn accessible_serial_port_is_ok() {
    let output = espctl([&ACCOUNT[..], &["--no-cloud"]].concat()).output();
    let found = is_ok(&output, "serial-permission");
    assert_eq!(found["subject"], "/dev/null", "{output}");
    assert_eq!(found["transport"], "console", "{output}");
}
