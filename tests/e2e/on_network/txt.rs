//! The values of announcements in their several forms, as `discover` shows them.

use serde_json::{Value, json};

use super::{Home, assert_not_contacted, events, failed};
use crate::support::device::Device;
use crate::support::espctl::espctl;
use crate::support::wait::until;

/// One line of `discover`, by its name.
fn listed(home: &Home, name: &str) -> Value {
    let arguments = ["--discovery-timeout", "5", "--format", "json"];
    let output = home
        .network
        .run(&["discover"], &arguments)
        .output()
        .exits(0);
    let devices = output.result()["devices"].as_array().unwrap().clone();
    let mut found = devices.into_iter().filter(|one| one["name"] == name);
    found.next().unwrap_or_else(|| panic!("{output}"))
}

fn address(device: &Device) -> String {
    format!("127.0.0.1:{}", device.ready["port"])
}

#[test]
fn discover_lists_announced_values() {
    let home = Home::new();
    let alone = home.device(&["--name", "Alone", "--node-id", "NodeOfAlone"]);
    let local = home.device(&[
        "--variant",
        "local-control",
        "--name",
        "Local",
        "--pop",
        "a",
    ]);
    let sec2 = home.device(&["--name", "Sec2", "--sec-ver", "2"]);
    let arguments = ["--discovery-timeout", "5", "--format", "json"];
    let output = home
        .network
        .run(&["discover"], &arguments)
        .output()
        .exits(0);
    let mut devices = output.result()["devices"].as_array().unwrap().clone();
    devices.sort_by_key(|one| one["name"].to_string());
    let row = |device: &Device, sec_ver: u64, pop_required: Value| {
        json!({
            "transport": "on-network",
            "address": address(device),
            "name": device.ready["instance"],
            "node_id": device.node_id(),
            "version": null,
            "sec_ver": sec_ver,
            "pop_required": pop_required,
        })
    };
    assert_eq!(
        devices,
        [
            row(&alone, 1, json!(false)),
            row(&local, 1, json!(true)),
            row(&sec2, 2, Value::Null),
        ],
        "{output}"
    );
    for device in [&alone, &local, &sec2] {
        assert_not_contacted(device);
    }

    let text = ["--discovery-timeout", "5"];
    let output = home.network.run(&["discover"], &text).output().exits(0);
    let lines: Vec<&str> = output.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{output}");
    assert!(lines[0].starts_with("#   Instance Name        Node ID   "));
    let line = format!(
        "Alone                NodeOfAlone              127.0.0.1        {:<6} 1    No       ChalResp",
        alone.ready["port"].to_string()
    );
    assert!(output.stdout.contains(&line), "{line}\n{output}");
    for (name, pop) in [("Local ", "Yes"), ("Sec2 ", "Yes")] {
        let line = lines.iter().find(|line| line.contains(name)).unwrap();
        assert!(line.ends_with(&format!("{pop}      ChalResp")), "{line}");
    }
}

#[test]
fn device_at_address_is_listed_without_mdns() {
    let home = Home::new();
    let device = home.silent(&[]);
    let flags = device.address();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let arguments = [&flags[..], &["--format", "json"]].concat();
    let output = home
        .network
        .run(&["discover"], &arguments)
        .output()
        .exits(0);
    let found = &output.result()["devices"][0];
    assert_eq!(found["address"], address(&device));
    assert_eq!(found["name"], Value::Null);
    assert_eq!(found["version"]["capabilities"], json!(["ch_resp"]));
}

/// Each way is tried, and the device is there once.
#[test]
fn discover_without_transport_lists_device_once() {
    let home = Home::new();
    let device = home.silent(&["--variant", "local-control"]);
    let line = [
        &["discover", "--format", "json"].map(str::to_owned)[..],
        &device.address(),
    ]
    .concat();
    let output = espctl(line).output().exits(0);
    let devices = output.result()["devices"].as_array().unwrap().clone();
    assert_eq!(devices.len(), 1, "{output}");
    assert_eq!(devices[0]["transport"], "on-network");
    assert_eq!(devices[0]["sec_ver"], 1);
    // The table has the same values.
    let words = ["discover", "--transport", "on-network"].map(str::to_owned);
    let line = [&words[..], &device.address()].concat();
    let output = espctl(line).output().exits(0);
    let row = output.stdout.lines().last().unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[cells.len() - 3..], ["1", "-", "ChalResp"], "{output}");
}

/// Missing, empty and meaningless values are ignored.
#[test]
fn meaningless_values_are_ignored() {
    let home = Home::new();
    let cases = [
        "sec_version=",
        "sec_version=one",
        "sec_version=\u{1}\u{fffd}",
        "sec_version=99999999999999999999999",
        "pop_required=",
        "pop_required=maybe",
        "node_id=",
        "unknown_key=value",
        "ch_resp=",
    ];
    let home = &home;
    let check = |index: usize, txt: &str| {
        let name = format!("Lamp {index}");
        let device = home.device(&["--name", &name, "--txt", txt]);
        let given = ["--device-name", &name, "--discovery-timeout", "60"];
        let output = home.mapped(home.provision(&given), &device);
        let chosen = &events(&output, "scheme_chosen")[0];
        assert_eq!(chosen["scheme"], 1, "{txt}: {output}");
        let source = if txt.starts_with("sec_version") {
            "probed"
        } else {
            "announced"
        };
        assert_eq!(chosen["source"], source, "{txt}: {output}");
    };
    std::thread::scope(|scope| {
        for (index, txt) in cases.into_iter().enumerate() {
            scope.spawn(move || check(index, txt));
        }
    });
}

#[test]
fn empty_pop_required_is_unknown() {
    let home = Home::new();
    let device = home.device(&[
        "--name",
        "Lamp",
        "--txt",
        "pop_required=",
        "--txt",
        "node_id=",
    ]);
    let found = listed(&home, "Lamp");
    assert_eq!(found["pop_required"], Value::Null);
    assert_eq!(found["node_id"], Value::Null);
    assert_eq!(found["sec_ver"], 1);
    assert_eq!(found["address"], address(&device));
}

/// `pop_required` applies to Security 1 only: local control also announces "false" for 2.
#[test]
fn pop_required_applies_to_security_1_only() {
    let home = Home::new();
    let own = ["--variant", "local-control", "--sec-ver", "2", "--pop", "a"];
    let device = home.device(&[&own[..], &["--name", "Lamp"]].concat());
    // Of its two services, which are announced in any order.
    until("it says that none is required", || {
        let announced = device.log_entries("announced");
        announced
            .iter()
            .any(|one| one["txt"]["pop_required"] == "false")
    });
    assert_eq!(listed(&home, "Lamp")["pop_required"], Value::Null);
    let output = home.provision(&["--device-name", "Lamp"]);
    failed(output, 2, "missing-pop", &["--sec2-password"]);
    let output = home.provision(&["--device-name", "Lamp", "--pop", "a"]);
    home.mapped(output, &device);
}

#[test]
fn port_of_srv_record_is_used() {
    let home = Home::new();
    for (name, txt) in [
        ("Other", "port=1"),
        ("None", "port="),
        ("ReportedMapping", "port=eighty"),
    ] {
        let device = home.device(&["--name", name, "--txt", txt]);
        let output = home.provision(&["--device-name", name]);
        let output = home.mapped(output, &device);
        assert_eq!(events(&output, "connected")[0]["address"], address(&device));
    }
}

/// A version document is the device's own word; any device can forge an announcement.
#[test]
fn version_document_overrides_announcement() {
    let home = Home::new();
    let own = [
        "--variant",
        "local-control",
        "--pop",
        "a",
        "--txt",
        "sec_version=2",
    ];
    let device = home.device(&[&own[..], &["--name", "Lamp"]].concat());
    let output = home.provision(&["--device-name", "Lamp", "--pop", "a"]);
    let output = home.mapped(output, &device);
    assert_eq!(events(&output, "scheme_chosen")[0]["scheme"], 1);
}
