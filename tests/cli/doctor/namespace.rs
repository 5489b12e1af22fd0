//! Computers with another network than this one: on none, on a device's hotspot, behind a VPN. Each is
//! a network namespace with virtual cables whose other ends are not connected.

use std::process::Command;

use super::{finding, is_ok, lacks, seen_contains};
use crate::support::device::fresh_path;
use crate::support::espctl::{NO_BUS, Output};

/// A run in a computer that is set up like this; `None` where there are no namespaces, and why is
/// printed.
pub(in crate::cli) fn in_a_computer(set_up: &str, arguments: &[&str]) -> Option<Output> {
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "sh", "-ec"])
        .arg(format!("{set_up}\necho {READY} >&2\nexec \"$@\""))
        .args(["sh", env!("CARGO_BIN_EXE_espctl"), "doctor"])
        .args(["--no-cloud", "--format", "json"])
        .args(arguments)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .env("RM_USER_CONFIG_DIR", fresh_path("rainmaker"))
        .env("DBUS_SYSTEM_BUS_ADDRESS", NO_BUS)
        .output();
    let output = match output {
        Ok(output) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let output = Output {
                exit: output.status.code(),
                stdout: text(&output.stdout),
                stderr: text(&output.stderr),
            };
            if output.stderr.contains(READY) {
                return Some(output);
            }
            output.to_string()
        }
        Err(error) => error.to_string(),
    };
    assert!(
        std::env::var_os("CI").is_none_or(|value| value.is_empty()),
        "no network namespace here, and in CI it must be: {output}"
    );
    skipped(&output);
    None
}

#[expect(clippy::print_stdout, reason = "what was not tested is said")]
fn skipped(why: &str) {
    println!("skipped, because there is no network namespace here: {why}");
}

#[test]
fn computer_without_network_gets_every_finding() {
    let Some(output) = in_a_computer("ip link set lo up", &[]) else {
        return;
    };
    let output = output.exits(0);
    let network = finding(&output, "network");
    assert!(seen_contains(&network, "on no network"), "{output}");
    assert_eq!(network["state"], "problem", "{output}");
    let wifi = finding(&output, "wifi");
    assert!(seen_contains(&wifi, "no Wi-Fi interface"), "{output}");
    assert_eq!(wifi["state"], "problem", "{output}");
    // The run does not require a hotspot.
    lacks(&output, "device-route", "warning", "unreachable", "PROV_");
    lacks(&output, "mdns", "problem", "no-device", "--device-ip");
    is_ok(&output, "vpn-route");
    let see = "no-bluetooth-service";
    lacks(&output, "bluetooth-service", "problem", see, "");
}

#[test]
fn softap_without_hotspot_suggests_joining() {
    let home = "
        ip link add eth0 type veth peer name eth1
        ip link set eth0 up; ip link set eth1 up
        ip addr add 192.168.1.20/24 dev eth0
        ip route add default via 192.168.1.1";
    let arguments = ["--transport", "softap", "--require"];
    let Some(output) = in_a_computer(home, &arguments) else {
        return;
    };
    let output = output.exits(3);
    let see = "unreachable";
    let route = lacks(&output, "device-route", "problem", see, "hotspot");
    assert!(seen_contains(&route, "by eth0 192.168.1.20/24"), "{output}");
    assert!(seen_contains(&is_ok(&output, "vpn-route"), "through eth0"));
    // An address of this network is reached as it is.
    let near = ["--transport", "softap", "--device-ip", "192.168.1.50"];
    let output = in_a_computer(home, &near).unwrap().exits(0);
    assert!(
        seen_contains(&is_ok(&output, "device-route"), "eth0"),
        "{output}"
    );
}

#[test]
fn computer_on_hotspot_is_ready() {
    let hotspot = "
        ip link add eth0 type veth peer name eth1
        ip link set eth0 up; ip link set eth1 up
        ip addr add 192.168.4.2/24 dev eth0";
    let arguments = [
        "--transport",
        "softap",
        "--transport",
        "on-network",
        "--require",
    ];
    let Some(output) = in_a_computer(hotspot, &arguments) else {
        return;
    };
    let output = output.exits(0);
    let route = is_ok(&output, "device-route");
    assert!(seen_contains(
        &route,
        "192.168.4.1 is on the network of eth0"
    ));
    assert!(seen_contains(
        &is_ok(&output, "network"),
        "eth0 192.168.4.2/24"
    ));
    is_ok(&output, "wifi");
    let mdns = finding(&output, "mdns");
    assert!(seen_contains(&mdns, "IPv4"), "{output}");
    assert_eq!(mdns["transport"], "on-network", "{output}");
}

#[test]
fn vpn_with_default_route_is_reported() {
    let vpn = "
        ip link add eth0 type veth peer name eth1
        ip link add tun0 type veth peer name tun1
        for one in eth0 eth1 tun0 tun1; do ip link set $one up; done
        ip addr add 192.168.1.20/24 dev eth0
        ip addr add 10.8.0.2/24 dev tun0
        ip route add default via 192.168.1.1 metric 100";
    let whole = "ip route add default dev tun0 metric 50";
    // As OpenVPN does it: what was there before is left alone.
    let halves = "ip route add 0.0.0.0/1 via 10.8.0.1; ip route add 128.0.0.0/1 via 10.8.0.1";
    for taken in [whole, halves] {
        let Some(output) = in_a_computer(&format!("{vpn}\n{taken}"), &[]) else {
            return;
        };
        let output = output.exits(0);
        let route = finding(&output, "vpn-route");
        assert_eq!(route["state"], "warning", "{output}");
        assert!(seen_contains(&route, "through tun0"), "{output}");
        assert!(seen_contains(&route, "multicasts included"), "{output}");
        let device = lacks(&output, "device-route", "problem", "unreachable", "VPN");
        assert!(seen_contains(
            &device,
            "192.168.4.1 would be sent through tun0"
        ));
    }
    let output = in_a_computer(vpn, &[]).unwrap();
    assert!(seen_contains(&is_ok(&output, "vpn-route"), "through eth0"));
}

const READY: &str = "the-computer-is-ready";
