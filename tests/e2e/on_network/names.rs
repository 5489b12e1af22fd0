//! The search by mDNS: for a named device, and the error if it is missing.

use super::{Home, assert_not_contacted, events, failed};

/// Longer than any test lets a run last: a search that waits for its end fails.
const LONG: [&str; 2] = ["--discovery-timeout", "3600"];
const SHORT: [&str; 2] = ["--discovery-timeout", "5"];

#[test]
fn exact_name_or_node_id_ends_search() {
    let home = Home::new();
    let other = home.device(&["--name", "Other"]);
    let lamp = home.device(&[
        "--name",
        "My Lamp.2 \\ 家",
        "--node-id",
        "XeRQn9TDhQDTfhrGgcLesA",
    ]);
    let socket = home.device(&["--name", "Socket", "--node-id", "bK1qV0cJRhS2o3u4v5w6xA"]);
    for (device, name) in [
        (&lamp, "My Lamp.2 \\ 家"),
        (&socket, "bK1qV0cJRhS2o3u4v5w6xA"),
    ] {
        let output = home.provision(&[&["--device-name", name][..], &LONG].concat());
        let output = home.mapped(output, device);
        let found = &events(&output, "device_found")[0];
        assert_eq!(found["node_id"], device.node_id());
        assert_eq!(found["name"], device.ready["instance"]);
        assert_eq!(
            found["address"],
            format!("127.0.0.1:{}", device.ready["port"])
        );
    }
    assert_not_contacted(&other);
}

/// It starts while the search is under way.
#[test]
fn finds_device_that_appears_during_search() {
    let home = Home::new();
    let name = ["--device-name", "Late", "--format", "json"];
    let run = home
        .network
        .run(&["device", "info"], &[&name[..], &LONG].concat());
    let output = std::thread::scope(|scope| {
        let looking = scope.spawn(|| run.output());
        let device = home.network.start_device(&["--name", "Late"]);
        let output = looking.join().unwrap();
        assert_eq!(device.requests("esp_local_ctrl/version"), 1, "{output}");
        output
    });
    output.exits(0);
}

#[test]
fn unique_name_prefix_selects_device() {
    let home = Home::new();
    let kitchen = home.device(&["--name", "Kitchen", "--node-id", "AAAA1"]);
    let cellar = home.device(&["--name", "Cellar", "--node-id", "BBBB1"]);
    let output = home.provision(&[&["--device-name", "Kit"][..], &SHORT].concat());
    home.mapped(output, &kitchen);
    let output = home.provision(&[&["--device-name", "BBB"][..], &SHORT].concat());
    home.mapped(output, &cellar);
}

#[test]
fn ambiguous_name_prefix_lists_only_matches() {
    let home = Home::new();
    let one = home.device(&["--name", "Lamp 1"]);
    let two = home.device(&["--name", "Lamp 2"]);
    let other = home.device(&["--name", "Socket"]);
    let output = home.provision(&[&["--device-name", "Lamp"][..], &SHORT].concat());
    let error = failed(output, 2, "ambiguous-device", &["Lamp 1", "Lamp 2"]);
    assert!(!error.to_string().contains("Socket"), "{error}");
    for device in [&one, &two, &other] {
        assert_not_contacted(device);
    }
}

#[test]
fn missing_device_error_lists_others() {
    let home = Home::new();
    let lamp = home.device(&["--name", "Lamp", "--node-id", "NodeOfLamp"]);
    let socket = home.device(&["--name", "Socket"]);
    let output = home.provision(&[&["--device-name", "Fridge"][..], &SHORT].concat());
    let there = format!(
        "found Lamp (node NodeOfLamp) at 127.0.0.1:{}",
        lamp.ready["port"]
    );
    let words = [&there, "found Socket (node ", "Fridge"];
    failed(output, 4, "no-device", &words);
    assert_not_contacted(&lamp);
    assert_not_contacted(&socket);
}

#[test]
fn empty_search_error_names_interfaces() {
    let home = Home::new();
    let silent = home.silent(&[]);
    let output = home.provision(&["--discovery-timeout", "0.5"]);
    let words = [
        "searched for _esp_rmaker_chal_resp._tcp on lo (",
        "127.0.0.1",
    ];
    let error = failed(output, 4, "no-device", &words);
    assert_eq!(error["exit"], 4);
    let discover = ["--discovery-timeout", "0.5", "--format", "json"];
    let output = home.network.run(&["discover"], &discover).output();
    failed(output, 4, "no-device", &words);
    assert_not_contacted(&silent);
    home.maps_nothing(&[&silent]);
}

#[test]
fn non_interactive_run_uses_only_device() {
    let home = Home::new();
    let device = home.device(&["--name", "Lamp"]);
    let output = home.mapped(home.provision(&SHORT), &device);
    assert_eq!(events(&output, "device_found")[0]["name"], "Lamp");
}
