//! Logins at the emulated cloud, which knows its own tokens from others. That none of them is
//! printed is `cli/canary/account.rs`'s.

use serde_json::Value;

use super::Home;
use crate::support::cloud::Cloud;
use crate::support::espctl::Output;

fn log_in(home: &Home, cloud: &Cloud, more: &[&str]) -> Output {
    let name = ["login", "--user-name", cloud.user(), "-vv"];
    home.run(&[&name[..], more].concat()).output()
}

#[test]
fn login_is_renewed_until_logout() {
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
fn rejected_token_is_renewed() {
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
fn code_works_as_second_or_only_factor() {
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
