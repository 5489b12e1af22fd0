//! What an announcement may decide, which is nothing: a liar costs a try, not a node.

use serde_json::json;

use super::{Home, events, failed};

#[test]
fn node_that_differs_from_announcement_is_not_mapped() {
    let home = Home::new();
    let liar = home.device(&[
        "--node-id",
        "NodeLiar",
        "--name",
        "Liar",
        "--txt",
        "node_id=Wanted",
    ]);
    for name in ["Wanted", "Liar"] {
        let output = home.provision(&["--device-name", name]);
        failed(output, 6, "other-node", &["Wanted", "NodeLiar"]);
    }
    assert!(!home.owner.has(&liar));
    assert!(liar.log_entries("chal_resp_disabled").is_empty());
}

#[test]
fn announced_scheme_is_tried_first() {
    let home = Home::new();
    for (number, announced) in ["0", "2", "7", "one"].into_iter().enumerate() {
        let name = format!("Device{number}");
        let txt = format!("sec_version={announced}");
        let device = home.device(&["--name", &name, "--txt", &txt]);
        let output = home.provision(&["--device-name", &name]);
        let output = home.mapped(output, &device);
        let chosen = events(&output, "scheme_chosen");
        assert_eq!(chosen.last().unwrap()["scheme"], 1, "{announced}: {output}");
        assert!(
            events(&output, "warned").is_empty(),
            "{announced}: {output}"
        );
    }
}

/// Firmware announces of an empty PoP that one is required.
#[test]
fn empty_pop_can_be_omitted() {
    let home = Home::new();
    let device = home.device(&["--name", "Lamp", "--pop", ""]);
    let output = home.provision(&["--device-name", "Lamp"]);
    home.mapped(output, &device);
}

#[test]
fn unneeded_pop_hint_suggests_omitting_it() {
    let home = Home::new();
    let device = home.device(&["--name", "Lamp"]);
    let output = home.provision(&["--device-name", "Lamp", "--pop", "abcd1234"]);
    failed(output, 5, "wrong-pop", &["omit `--pop`"]);
    assert!(!home.owner.has(&device));
}

/// A label describes provisioning: its name is that of a hotspot, its scheme that of another service.
#[test]
fn label_name_and_scheme_are_ignored_on_network() {
    let home = Home::new();
    let device = home.device(&["--name", "Lamp"]);
    let label = json!({"ver": "v1", "name": "PROV_d76c30", "security": 2}).to_string();
    let output = home.provision(&["--qrcode", &label, "--discovery-timeout", "1.5"]);
    home.mapped(output, &device);
}
