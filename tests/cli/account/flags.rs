//! Flags that only mean something with an account, or only without one, and the variable that
//! selects one.

use super::Home;
use crate::support::espctl::Run;

fn provision(home: &Home, more: &[&str], no_cloud: &str) -> Run {
    let line = [
        "provision",
        "--device-ip",
        "127.0.0.1",
        "--device-port",
        "1",
    ];
    let run = home.run(&[&line[..], more].concat());
    run.env("ESPCTL_NO_CLOUD", no_cloud)
}

#[test]
fn false_variable_conflicts_with_nothing() {
    let home = Home::new();
    for no in ["0", "false", ""] {
        let output = provision(&home, &["--no-wifi"], no).output().exits(8);
        assert!(output.stderr.contains("login-required"), "{output}");
    }
    let output = provision(&home, &["--no-wifi"], "1").output().exits(2);
    assert!(
        output.stderr.contains("--no-wifi and ESPCTL_NO_CLOUD"),
        "{output}"
    );
    let both = ["--no-wifi", "--no-cloud"];
    let output = provision(&home, &both, "0").output().exits(2);
    assert!(
        output.stderr.contains("--no-wifi and --no-cloud"),
        "{output}"
    );
    assert!(output.stderr.contains("conflicting-flags"), "{output}");
}

#[test]
fn explicit_account_is_not_ignored() {
    let home = Home::new();
    for flag in [
        &["--tags", "a:b"][..],
        &["--metadata", "{}"],
        &["--group", "Home"],
        &["--profile", "lab"],
        &["--disable-chal-resp"],
        &["--no-disable-chal-resp"],
        &["--ca-cert", "ca.pem"],
        &["--allow-plain-http"],
        &["--cloud-timeout", "3"],
    ] {
        let network = ["--ssid", "Home", "--open"];
        let line = [&network[..], flag].concat();
        let output = provision(&home, &line, "1").output().exits(2);
        let words = format!("ESPCTL_NO_CLOUD and {} exclude each other", flag[0]);
        assert!(output.stderr.contains(&words), "{output}");
        let line = [&line[..], &["--no-cloud"]].concat();
        let output = provision(&home, &line, "").output().exits(2);
        let words = format!("--no-cloud and {} exclude each other", flag[0]);
        assert!(output.stderr.contains(&words), "{output}");
    }
    // Both variables are set: the run has no account.
    let line = ["--ssid", "Home", "--open", "--discovery-timeout", "0.1"];
    let run = provision(&home, &line, "1").env("ESPCTL_TAGS", "a:b");
    let output = run.env("ESPCTL_PROFILE", "lab").output().exits(4);
    assert!(!output.stderr.contains("conflicting-flags"), "{output}");
}
