//! A device whose address is known: no mDNS, every way to write an address, and its port.

use super::{Home, assert_not_contacted, at, events, failed, flags};
use crate::support::device::{Device, fresh_path};

fn port(device: &Device) -> String {
    device.ready["port"].to_string()
}

#[test]
fn name_ipv4_and_ipv6_address_reach_device() {
    let home = Home::new();
    for (listen, flag, host) in [
        ("127.0.0.1", "--device-ip", "127.0.0.1"),
        ("127.0.0.1", "--device-host", "localhost"),
        ("127.0.0.1", "--device-host", "127.0.0.1"),
        ("::1", "--device-ip", "::1"),
        ("::1", "--device-ip", "[::1]"),
        ("::", "--device-host", "localhost"),
    ] {
        let device = home.silent(&["--listen", listen]);
        let address = [flag, host, "--device-port", &port(&device)];
        let output = home.mapped(home.provision(&address), &device);
        let search = &events(&output, "search_started")[0];
        let bare = host.trim_matches(['[', ']']);
        let shown = if bare.contains(':') {
            format!("[{bare}]:{}", port(&device))
        } else {
            format!("{bare}:{}", port(&device))
        };
        assert_eq!(search["address"], shown, "{output}");
        assert_eq!(events(&output, "connected")[0]["address"], shown);
    }
}

#[test]
fn address_skips_mdns_and_name_is_a_label() {
    let home = Home::new();
    let device = home.silent(&[]);
    let others = ["--device-name", "Elsewhere", "--discovery-timeout", "60"];
    let output = home.mapped(home.provision(&flags(&at(&device), &others)), &device);
    assert_eq!(
        events(&output, "device_found")[0]["name"],
        serde_json::Value::Null
    );
    // The limit of a search is not waited out.
    assert!(output.result()["summary"]["duration_s"].as_f64() < Some(5.0));
}

#[test]
fn unused_address_is_named() {
    let home = Home::new();
    let mut device = home.silent(&[]);
    device.kill();
    let output = home.provision(&flags(&at(&device), &["--discovery-timeout", "1"]));
    let shown = format!("127.0.0.1:{}", port(&device));
    failed(output, 4, "unreachable", &[&shown, "--device-ip"]);
    let host = [
        "--device-host",
        "localhost",
        "--device-port",
        &port(&device),
    ];
    failed(home.provision(&host), 4, "unreachable", &["localhost:"]);
}

#[test]
fn rejects_two_addresses() {
    let home = Home::new();
    let device = home.silent(&[]);
    let address = at(&device);
    let both = flags(&address, &["--device-host", "localhost"]);
    failed(
        home.provision(&both),
        2,
        "conflicting-flags",
        &["--device-host"],
    );
    assert_not_contacted(&device);
}

#[test]
fn other_commands_accept_addresses() {
    let home = Home::new();
    let device = home.device(&["--variant", "local-control", "--name", "Lamp", "--pop", "a"]);
    let transcript = fresh_path("transcript");
    let kept = transcript.to_str().unwrap();
    let named = ["--device-name", "Lamp", "--format", "json"];
    let arguments = [&named[..], &["--transcript", kept]].concat();
    let info = home.network.run(&["device", "info"], &arguments);
    let output = info.output().exits(0);
    assert_eq!(output.result()["version"]["sec_ver"], 1, "{output}");
    assert_eq!(device.requests("esp_local_ctrl/version"), 1);
    let text = std::fs::read_to_string(transcript).unwrap();
    assert!(text.contains("local_ctrl"), "{text}");
}
