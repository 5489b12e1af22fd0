//! The login while a node is mapped: renewed where it can be, and as much of it as the way needs.

use std::fs;

use super::{
    HOME, asked, assert_not_contacted, failed, id_of, is_unchanged, mapped, node, older_node,
};
use crate::support::account::Account;
use crate::support::cloud::Cloud;

#[test]
fn rejected_token_is_renewed_and_stored() {
    for path in ["user/nodes/mapping/initiate", "user/nodes/mapping/verify"] {
        let fault = format!("{path}:1:unauthorized");
        let cloud = Cloud::start(&["--fault", &fault, "--rotate-refresh"]);
        let account = Account::logged_in(&cloud);
        let tokens = || ["accesstoken", "refreshtoken"].map(|key| account.token("lab", key));
        let before = tokens();
        let device = node(&cloud, &[]);
        let output = account.provision(&device, &["--no-wifi"]).output();
        mapped(output, &device, "challenge_response");

        let logins = cloud.log_entries("login");
        let renewed: Vec<_> = logins
            .iter()
            .filter(|login| login["by"] == "refresh")
            .collect();
        assert_eq!(renewed.len(), 1, "{logins:?}");
        assert_eq!(asked(&cloud, "POST", path).len(), 2);
        let after = tokens();
        assert_ne!(after[0], before[0]);
        assert_ne!(after[1], before[1]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let file = fs::metadata(account.login_file("lab")).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600);
        }
        // What was kept is good.
        assert_eq!(account.nodes(&[])[0]["node_id"], id_of(&device));
    }
}

#[test]
fn repeatedly_rejected_token_ends_run() {
    let cloud = Cloud::start(&["--fault", "user/nodes/mapping/initiate:*:unauthorized"]);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let output = account.provision(&device, &HOME).output();
    failed(output, 8, "login-expired", "Unauthorized");
    assert_not_contacted(&device);
    assert_eq!(
        asked(&cloud, "POST", "user/nodes/mapping/initiate").len(),
        2
    );
}

#[test]
fn token_that_expires_within_a_minute_is_renewed() {
    let cloud = Cloud::start(&["--access-life", "30"]);
    let account = Account::logged_in(&cloud);
    let device = node(&cloud, &[]);
    let output = account.provision(&device, &["--no-wifi"]).output();
    mapped(output, &device, "challenge_response");
    assert!(cloud.log_entries("unauthorized").is_empty());
    let logins = cloud.log_entries("login");
    assert!(logins.iter().any(|login| login["by"] == "refresh"));
}

#[test]
fn access_token_alone_suffices_for_challenge() {
    let cloud = Cloud::start(&[]);
    let of_login = Account::logged_in(&cloud);
    let account = Account::empty();
    account.add("ci", cloud.url());
    let device = node(&cloud, &[]);
    let run = account.provision(&device, &["--no-wifi", "--profile", "ci"]);
    let access = of_login.token("lab", "accesstoken");
    let output = run.env("ESPCTL_ACCESS_TOKEN", &access).output();
    mapped(output, &device, "challenge_response");
    assert!(!account.login_file("ci").exists(), "it is never written");
}

#[test]
fn older_firmware_needs_user_from_id_token() {
    let cloud = Cloud::start(&[]);
    let of_login = Account::logged_in(&cloud);
    let account = Account::empty();
    account.add("ci", cloud.url());
    let device = older_node(&cloud, &[]);
    let arguments = [&HOME[..], &["--profile", "ci"]].concat();
    let run = || {
        let run = account.provision(&device, &arguments);
        run.env("ESPCTL_ACCESS_TOKEN", &of_login.token("lab", "accesstoken"))
    };
    failed(run().output(), 8, "login-lacks-user", "ESPCTL_ID_TOKEN");
    is_unchanged(&device);
    let with_id = run().env("ESPCTL_ID_TOKEN", &of_login.token("lab", "idtoken"));
    mapped(with_id.output(), &device, "secret_key");
    let received = &device.log_entries("user_mapping_received")[0];
    assert_eq!(received["user_id"], cloud.user_id());
}
