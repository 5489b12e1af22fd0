//! What is refused: flags that make no sense, secrets that are missing or wrong, announcements
//! that are not to be believed.

use super::{Home, assert_not_contacted, at, failed, flags};
use crate::support::account::Account;
use crate::support::pty::ENTER;

#[test]
fn rejects_invalid_flags_before_sending() {
    let home = Home::new();
    let device = home.silent(&[]);
    let asked = || {
        let mut requests = home.owner.cloud.log_entries("request").into_iter();
        requests.any(|request| request["path"] == "/v1/user/nodes/mapping/initiate")
    };
    for (wrong, word) in [
        (&["--ssid", "Home"][..], "--ssid"),
        (&["--ssid-hex", "486f6d65"], "--ssid-hex"),
        (&["--passphrase", "correct horse"], "--passphrase"),
        (&["--open"], "--open"),
        (&["--no-cloud"], "--no-cloud"),
    ] {
        let output = home.provision(&flags(&at(&device), wrong));
        failed(output, 2, "conflicting-flags", &[word, "on-network"]);
    }
    let both = ["--disable-chal-resp", "--no-disable-chal-resp"];
    let output = home.provision(&flags(&at(&device), &both));
    failed(output, 2, "usage", &["--no-disable-chal-resp"]);
    assert_not_contacted(&device);
    assert!(!asked(), "nor is the account asked for anything");
}

#[test]
fn missing_login_contacts_no_device() {
    let home = Home::new();
    let device = home.device(&["--name", "Lamp"]);
    let logged_out = Account::empty();
    logged_out.add("lab", home.owner.cloud.url());
    let line = ["provision", "--transport", "on-network", "--profile", "lab"];
    let address = at(&device);
    let line = [&line[..], &flags(&address, &["--format", "json"])].concat();
    failed(logged_out.run(&line).output(), 8, "login-required", &[]);
    assert_not_contacted(&device);
}

#[test]
fn missing_interface_error_lists_others() {
    let home = Home::new();
    let device = home.device(&[]);
    let elsewhere = ["--interface", "nonesuch0"];
    let line = ["provision", "--transport", "on-network", "--format", "json"];
    let output = home.owner.account.run(&[&line[..], &elsewhere].concat());
    let error = failed(output.output(), 3, "unknown-interface", &["nonesuch0"]);
    let hints = error["hints"].to_string();
    assert!(
        hints.contains("available interfaces: ") && hints.contains("lo"),
        "{hints}"
    );
    assert_not_contacted(&device);
}

/// Only the handshake shows that one is needed.
#[test]
fn asks_for_pop_only_if_needed() {
    let home = Home::new();
    for own in [
        &["--pop", "abcd1234"][..],
        &["--pop", "abcd1234", "--variant", "local-control"],
    ] {
        let device = home.silent(own);
        let output = home.provision(&flags(&at(&device), &[]));
        let words = ["--pop", "ESPCTL_POP", "the app shows it"];
        failed(output, 2, "missing-pop", &words);
        home.maps_nothing(&[&device]);

        let address = at(&device);
        let mut terminal = home
            .network
            .at_a_terminal(&home.owner, &flags(&address, &[]));
        terminal.shows("Proof of possession (PoP):");
        terminal.type_keys("abcd1234");
        terminal.type_keys(ENTER);
        let screen = terminal.exits(0);
        assert!(!screen.contains("abcd1234"), "{screen}");
        assert!(home.owner.has(&device), "{screen}");
        assert!(!terminal.raw().contains("abcd1234"));
    }
}

#[test]
fn asks_for_security_2_password_only_if_needed() {
    let home = Home::new();
    let device = home.silent(&["--sec-ver", "2", "--pop", "abcd1234"]);
    let output = home.provision(&flags(&at(&device), &[]));
    failed(output, 2, "missing-pop", &["--sec2-password"]);
    home.maps_nothing(&[&device]);
    let address = at(&device);
    let mut terminal = home
        .network
        .at_a_terminal(&home.owner, &flags(&address, &[]));
    terminal.shows("Password of Security 2:");
    terminal.type_keys("abcd1234");
    terminal.type_keys(ENTER);
    terminal.exits(0);
    assert!(home.owner.has(&device));
}

#[test]
fn wrong_pop_is_rejected_once() {
    let home = Home::new();
    for (scheme, variant) in [
        ("1", "standalone"),
        ("1", "local-control"),
        ("2", "standalone"),
        ("2", "local-control"),
    ] {
        let own = [
            "--sec-ver",
            scheme,
            "--variant",
            variant,
            "--pop",
            "right-one",
        ];
        let device = home.silent(&own);
        let output = home.provision(&flags(&at(&device), &["--pop", "wrong-one"]));
        let error = failed(output, 5, "wrong-pop", &["--pop"]);
        // Nothing counts wrong tries there.
        assert!(!error.to_string().contains("five"), "{error}");
        assert_eq!(
            device.log_entries("refused").len(),
            refusals(scheme, variant)
        );
        home.maps_nothing(&[&device]);
        // The device is as it was.
        let output = home.provision(&flags(&at(&device), &["--pop", "right-one"]));
        home.mapped(output, &device);
    }
}

/// Without a word about the scheme, Security 1 is tried before 2.
fn refusals(scheme: &str, variant: &str) -> usize {
    if scheme == "2" && variant == "standalone" {
        2
    } else {
        1
    }
}

#[test]
fn announced_plaintext_is_rejected_if_secret_was_given() {
    let home = Home::new();
    let liar = [
        "--sec-ver",
        "1",
        "--pop",
        "abcd1234",
        "--txt",
        "sec_version=0",
    ];
    let device = home.device(&[&liar[..], &["--name", "Lamp"]].concat());
    let given = ["--device-name", "Lamp", "--pop", "abcd1234"];
    let output = home.provision(&given);
    failed(output, 6, "announced-no-security", &["--sec-ver 0"]);
    assert!(device.log_entries("handshake_started").is_empty());
    // A plain one likewise, unless it is asked for.
    let plain = home.device(&["--sec-ver", "0", "--name", "Plain"]);
    let given = ["--device-name", "Plain", "--pop", "abcd1234"];
    failed(home.provision(&given), 6, "announced-no-security", &[]);
    assert!(plain.log_entries("handshake_started").is_empty());
    let asked = [&given[..], &["--sec-ver", "0"]].concat();
    home.mapped(home.provision(&asked), &plain);
    home.mapped(
        home.provision(
            &[
                &["--device-name", "Lamp", "--sec-ver", "1"][..],
                &["--pop", "abcd1234"],
            ]
            .concat(),
        ),
        &device,
    );
}

/// A given PoP proves who has it, regardless of the announcement.
#[test]
fn given_pop_is_used_even_if_not_required() {
    let home = Home::new();
    let own = ["--pop", "abcd1234", "--txt", "pop_required=false"];
    let device = home.device(&[&own[..], &["--name", "Lamp"]].concat());
    let output = home.provision(&["--device-name", "Lamp", "--pop", "abcd1234"]);
    home.mapped(output, &device);
    assert_eq!(device.log_entries("secured")[0]["pop"], true);
}
