//! A device that is looked for by mDNS: the one that is named, and what is said when it is not
//! there.

use super::{Home, events, failed, heard_nothing};

/// Longer than any test lets a run last: a search that waits for its end fails.
const LONG: [&str; 2] = ["--discovery-timeout", "3600"];
const SHORT: [&str; 2] = ["--discovery-timeout", "5"];

#[test]
fn the_wanted_device_ends_the_search_by_its_name_or_its_node_id() {
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
    heard_nothing(&other);
}

/// It starts while the search is under way.
#[test]
fn a_device_that_appears_meanwhile_is_found() {
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
fn the_beginning_of_a_name_is_enough_where_only_one_fits() {
    let home = Home::new();
    let kitchen = home.device(&["--name", "Kitchen", "--node-id", "AAAA1"]);
    let cellar = home.device(&["--name", "Cellar", "--node-id", "BBBB1"]);
    let output = home.provision(&[&["--device-name", "Kit"][..], &SHORT].concat());
    home.mapped(output, &kitchen);
    let output = home.provision(&[&["--device-name", "BBB"][..], &SHORT].concat());
    home.mapped(output, &cellar);
}

#[test]
fn a_beginning_that_fits_several_names_them_and_no_others() {
    let home = Home::new();
    let one = home.device(&["--name", "Lamp 1"]);
    let two = home.device(&["--name", "Lamp 2"]);
    let other = home.device(&["--name", "Socket"]);
    let output = home.provision(&[&["--device-name", "Lamp"][..], &SHORT].concat());
    let error = failed(output, 2, "ambiguous-device", &["Lamp 1", "Lamp 2"]);
    assert!(!error.to_string().contains("Socket"), "{error}");
    for device in [&one, &two, &other] {
        heard_nothing(device);
    }
}

#[test]
fn who_is_not_there_is_answered_with_who_is() {
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
    heard_nothing(&lamp);
    heard_nothing(&socket);
}

#[test]
fn where_nobody_is_the_error_says_where_it_looked() {
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
    heard_nothing(&silent);
    home.maps_nothing(&[&silent]);
}

#[test]
fn the_only_device_is_taken_where_nobody_can_be_asked() {
    let home = Home::new();
    let device = home.device(&["--name", "Lamp"]);
    let output = home.mapped(home.provision(&SHORT), &device);
    assert_eq!(events(&output, "device_found")[0]["name"], "Lamp");
}
