//! Logins at the emulated cloud, which knows its own tokens from others.

use serde_json::Value;

use super::Home;
use crate::cli::canary::found;
use crate::support::cloud::Cloud;
use crate::support::espctl::Output;

fn log_in(home: &Home, cloud: &Cloud, more: &[&str]) -> Output {
    let name = ["login", "--user-name", cloud.user(), "-vv"];
    home.run(&[&name[..], more].concat()).output()
}

#[test]
fn a_login_is_renewed_as_often_as_it_takes_and_ends_with_the_logout() {
    // With less than a minute left, each call renews first; each renewal ends the token before.
    let cloud = Cloud::start(&[
        "--access-life",
        "30",
        "--rotate-refresh",
        "--base64url-claims",
    ]);
    let home = Home::with_lab(cloud.url());
    log_in(&home, &cloud, &["--password", cloud.password()]).exits(0);
    let mut before = home.login("lab").unwrap();
    for _ in 0..2 {
        let checked = home.result(&["whoami", "--check"])["account"].clone();
        assert_eq!(checked["user_id"], cloud.user_id());
        assert_eq!(checked["user_name"], cloud.user());
        let after = home.login("lab").unwrap();
        assert_ne!(after["accesstoken"], before["accesstoken"]);
        assert_ne!(after["refreshtoken"], before["refreshtoken"]);
        before = after;
    }
    assert_eq!(home.result(&["logout"])["cloud_told"], true);
    assert_eq!(home.login("lab"), None);
}

#[test]
fn a_token_that_is_refused_once_is_renewed() {
    let cloud = Cloud::start(&["--fault", "user/nodes:1:unauthorized"]);
    let home = Home::with_lab(cloud.url());
    log_in(&home, &cloud, &["--password", cloud.password()]).exits(0);
    let before = home.login("lab").unwrap();
    assert_eq!(
        home.result(&["node", "list"])["nodes"],
        Value::Array(vec![])
    );
    assert_ne!(
        home.login("lab").unwrap()["accesstoken"],
        before["accesstoken"]
    );
}

#[test]
fn a_code_is_a_second_factor_or_the_only_one() {
    let cloud = Cloud::start(&["--otp", "246810"]);
    let home = Home::with_lab(cloud.url());
    let password = ["--password", cloud.password()];
    log_in(
        &home,
        &cloud,
        &[&password[..], &["--code", "246810"]].concat(),
    )
    .exits(0);
    home.result(&["logout"]);
    log_in(&home, &cloud, &["--otp", "--code", "246810"]).exits(0);
    home.result(&["logout"]);
    let wrong = log_in(
        &home,
        &cloud,
        &[&password[..], &["--code", "111111"]].concat(),
    )
    .exits(8);
    assert!(wrong.stderr.contains("login-refused"), "{wrong}");
    assert_eq!(home.login("lab"), None);
}

/// Each is shown to have been there, and is then looked for in everything that was printed.
#[test]
fn password_code_and_tokens_are_in_no_output() {
    let cloud = Cloud::start(&["--password", "canary+password=ß41c2", "--otp", "canary-24"]);
    let home = Home::with_lab(cloud.url());
    let (password, code) = (cloud.password(), "canary-24");
    let login = ["--password", password, "--code", code];
    let mut outputs = vec![
        log_in(&home, &cloud, &[&login[..], &["--format", "json"]].concat()).exits(0),
        log_in(
            &home,
            &cloud,
            &["--password", password, "--code", "canary-25"],
        )
        .exits(8),
    ];
    let stored = home.login("lab").unwrap();
    let token = |key: &str| stored[key].as_str().unwrap().to_owned();
    let tokens = ["accesstoken", "idtoken", "refreshtoken"].map(token);
    for line in [
        &["whoami", "--check"][..],
        &["node", "list"],
        &["node", "info", "nothing"],
        &["profile", "list"],
        &["logout"],
        &["node", "list"],
    ] {
        for format in ["json", "text"] {
            let line = [line, &["-vv", "--format", format]].concat();
            outputs.push(home.run(&line).output());
        }
    }
    // In the environment, after they have ended at the cloud.
    let run = home.run(&["node", "list", "-vv"]);
    let run = run.env("ESPCTL_ACCESS_TOKEN", &tokens[0]);
    outputs.push(run.env("ESPCTL_ID_TOKEN", &tokens[1]).output());
    let mut secrets = vec![password, code, "canary-25"];
    secrets.extend(tokens.iter().map(String::as_str));
    // A part is enough to look for: nobody prints less on purpose.
    secrets.extend(tokens.iter().filter_map(|token| token.rsplit('.').next()));
    for output in outputs {
        assert_eq!(found(&output, &secrets), None, "{output}");
    }
}
