//! Once mapped, a device signs no more until it restarts, unless that is not wanted.

use super::{Home, at, events, failed, flags};
use crate::support::wait::until;

#[test]
fn disabling_removes_separate_service() {
    let home = Home::new();
    let mut device = home.device(&["--name", "Lamp"]);
    let named = ["--device-name", "Lamp", "--discovery-timeout", "60"];
    let output = home.mapped(home.provision(&named), &device);
    let disabled = events(&output, "challenge_response_disabled");
    assert_eq!(disabled[0]["already"], false, "{output}");
    assert_eq!(device.log_entries("chal_resp_disabled").len(), 1);
    device.wait_until_ended();
    let removed = device.log_entries("announcement_removed");
    assert_eq!(removed[0]["service"], "_esp_rmaker_chal_resp._tcp");
    assert_eq!(removed[0]["instance"], "Lamp");
    assert_eq!(device.log_entries("service_stopped").len(), 1);
    // Mapped first, then disabled.
    let log = device.log();
    let place = |event: &str| log.iter().position(|entry| entry["event"] == event);
    assert!(place("challenge_signed") < place("chal_resp_disabled"));
    assert!(place("chal_resp_disabled") < place("service_stopped"));
    let output = home.provision(&["--discovery-timeout", "1.5"]);
    failed(output, 4, "no-device", &[]);
}

#[test]
fn disabling_keeps_local_control() {
    let home = Home::new();
    let own = ["--variant", "local-control", "--name", "Lamp", "--pop", "a"];
    let device = home.device(&own);
    let given = ["--device-name", "Lamp", "--pop", "a"];
    home.mapped(home.provision(&given), &device);
    assert_eq!(device.log_entries("chal_resp_disabled").len(), 1);
    assert_eq!(device.log_entries("announcement_removed").len(), 1);
    assert!(device.log_entries("service_stopped").is_empty());

    // The error explains it, and what to do.
    let again = home.provision(&flags(&at(&device), &["--pop", "a"]));
    let words = ["restart", "espctl node list"];
    failed(again, 6, "challenge-disabled", &words);
    assert_eq!(device.log_entries("challenge_signed").len(), 1);
    assert_eq!(home.owner.cloud.log_entries("mapped").len(), 1);
}

#[test]
fn flag_keeps_challenge_response_enabled() {
    let home = Home::new();
    for variant in ["standalone", "local-control"] {
        let own = ["--variant", variant, "--name", variant, "--pop", "a"];
        let device = home.device(&own);
        let given = [
            "--device-name",
            variant,
            "--pop",
            "a",
            "--no-disable-chal-resp",
        ];
        let output = home.mapped(home.provision(&given), &device);
        assert!(events(&output, "challenge_response_disabled").is_empty());
        until("the client has gone", || {
            !device.log_entries("connection_closed").is_empty()
        });
        for event in [
            "chal_resp_disabled",
            "announcement_removed",
            "service_stopped",
        ] {
            assert!(device.log_entries(event).is_empty(), "{:#?}", device.log());
        }
        // It signs again, and the account has the node already.
        let output = home.provision(&given).exits(0);
        assert_eq!(output.result()["summary"]["mapped"], true, "{output}");
        assert_eq!(device.log_entries("challenge_signed").len(), 2);
        assert!(device.log_entries("chal_resp_disabled").is_empty());
    }
}

#[test]
fn already_disabled_device_is_reported() {
    let home = Home::new();
    for variant in ["standalone", "local-control"] {
        let own = [
            "--variant",
            variant,
            "--no-pop",
            "--scenario",
            "chal-resp-disabled",
        ];
        let device = home.silent(&own);
        let output = home.provision(&flags(&at(&device), &[]));
        let words = ["disabled", "restart", "espctl node list"];
        failed(output, 6, "challenge-disabled", &words);
        assert_eq!(device.log_entries("secured").len(), 1);
        home.maps_nothing(&[&device]);
    }
}

/// The node is in the account, whatever becomes of the rest.
#[test]
fn failed_disable_is_a_warning() {
    let home = Home::new();
    let device = home.silent(&["--fault", "ch_resp:2:close"]);
    let output = home.mapped(home.provision(&flags(&at(&device), &[])), &device);
    let warned = events(&output, "warned");
    assert_eq!(warned[0]["id"], "not-disabled", "{output}");
    assert!(events(&output, "challenge_response_disabled").is_empty());
}

#[test]
fn invalid_signature_disables_nothing() {
    let home = Home::new();
    let device = home.silent(&["--scenario", "wrong-signature"]);
    let output = home.provision(&flags(&at(&device), &[]));
    failed(output, 7, "cloud-refused", &["signature"]);
    assert!(device.log_entries("chal_resp_disabled").is_empty());
    assert!(home.owner.cloud.log_entries("mapped").is_empty());
}
