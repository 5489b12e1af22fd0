//! Networks that a test cannot create: radios, switches, tunnels.

use std::io;

use super::*;
use crate::transport::built_in_drivers;

fn network(interface: &str, address: &str) -> HostNetwork {
    HostNetwork {
        interface: interface.to_owned(),
        index: 1,
        address: address.parse().unwrap(),
        prefix: 24,
        is_up: true,
        is_point_to_point: false,
        is_tunnel: interface.starts_with("tun"),
    }
}

/// The route to the device goes by the network of this index, directly or not.
fn snapshot(networks: &[HostNetwork], route: Option<(usize, bool)>) -> NetworkSnapshot {
    NetworkSnapshot {
        networks: networks.to_vec(),
        wifi_interfaces: vec!["wlan0".to_owned()],
        switches: Vec::new(),
        default_networks: Vec::new(),
        device_route: route.map(|(index, is_direct)| HostRoute {
            network: Some(networks[index].clone()),
            is_direct,
        }),
        multicast_route: None,
        mdns: Vec::new(),
    }
}

fn scope(is_requested: bool) -> Scope {
    let mut drivers = built_in_drivers().into_iter();
    let softap = drivers.find_map(|driver| {
        let medium = driver.medium();
        (medium.needs == Some(HostPart::Hotspot)).then_some(medium)
    });
    let softap = softap.unwrap();
    Scope {
        media: vec![softap],
        adapter: None,
        port: None,
        is_requested,
        interface: None,
        mdns_port: None,
        device_ip: None,
        should_call_cloud: true,
    }
}

fn judge(is_requested: bool, snapshot: &NetworkSnapshot, part: HostPart) -> Finding {
    judge_route(&scope(is_requested), snapshot, part)
}

#[test]
fn computer_on_hotspot_is_ready() {
    let networks = [network("wlan0", "192.168.4.2")];
    let mut snapshot = snapshot(&networks, Some((0, true)));
    let route = judge(true, &snapshot, HostPart::Hotspot);
    assert_eq!(route.state, CheckState::Ok);
    assert_eq!(judge_wifi(&snapshot).seen, "wlan0 192.168.4.2/24");
    // Over a cable, as in a laboratory.
    snapshot.wifi_interfaces.clear();
    assert_eq!(judge_wifi(&snapshot).state, CheckState::Ok);
}

#[test]
fn computer_elsewhere_has_to_join_the_hotspot() {
    use CheckState::{Problem, Warning};
    let networks = [("wlan0", "192.168.1.20"), ("tun0", "10.8.0.2")];
    let networks = networks.map(|(interface, address)| network(interface, address));
    for (is_requested, route, state, seen) in [
        (true, Some((0, false)), Problem, "wlan0 192.168.1.20/24"),
        (false, Some((0, false)), Warning, "wlan0 192.168.1.20/24"),
        (false, Some((1, false)), Problem, "tun0"),
        (true, None, Problem, "no route"),
    ] {
        let snapshot = snapshot(&networks, route);
        let finding = judge(is_requested, &snapshot, HostPart::Hotspot);
        assert_eq!(finding.state, state, "{finding:?}");
        assert!(finding.seen.contains(seen), "{finding:?}");
        let fix = finding.fix.unwrap();
        assert!(fix.contains("join the device's hotspot"), "{fix}");
    }
}

#[test]
fn missing_or_blocked_wifi_is_a_problem() {
    let networks = [network("eth0", "192.168.1.20")];
    let mut snapshot = snapshot(&networks, Some((0, false)));
    assert_eq!(judge_wifi(&snapshot).seen, "wlan0, on no network");
    snapshot.switches = vec![RadioSwitch {
        name: "phy0".to_owned(),
        is_soft_blocked: true,
        is_hard_blocked: false,
    }];
    let blocked = judge_wifi(&snapshot);
    assert_eq!(blocked.state, CheckState::Problem);
    assert_eq!(blocked.fix.as_deref(), Some("sudo rfkill unblock wifi"));
    snapshot.wifi_interfaces.clear();
    let missing = judge_wifi(&snapshot).seen;
    assert_eq!(missing, "this computer has no Wi-Fi interface");
}

#[test]
fn default_route_through_vpn_is_a_warning() {
    let networks = [network("tun0", "10.8.0.2"), network("wlan0", "192.168.1.2")];
    let mut snapshot = snapshot(&networks, None);
    assert_eq!(judge_default_route(&snapshot).state, CheckState::Ok);
    snapshot.default_networks = vec![networks[1].clone()];
    let seen = judge_default_route(&snapshot).seen;
    assert!(seen.ends_with("through wlan0"), "{seen}");
    // IPv4 at home, IPv6 through the VPN.
    snapshot.default_networks.push(networks[0].clone());
    snapshot.multicast_route = Some(HostRoute {
        network: Some(networks[0].clone()),
        is_direct: false,
    });
    let finding = judge_default_route(&snapshot);
    assert_eq!(finding.state, CheckState::Warning);
    assert!(finding.seen.contains("through tun0"), "{finding:?}");
    assert!(finding.seen.contains("multicasts included"), "{finding:?}");
}

#[test]
fn mdns_state_depends_on_address_families() {
    let taken = || Some(Err(io::Error::from(io::ErrorKind::AddrInUse)));
    let state = |v4, v6| {
        let interface = "wlan0".to_owned();
        judge_mdns_access(&MdnsAccess { interface, v4, v6 }).state
    };
    assert_eq!(state(Some(Ok(())), None), CheckState::Ok);
    assert_eq!(state(None, Some(Ok(()))), CheckState::Ok);
    assert_eq!(state(Some(Ok(())), taken()), CheckState::Warning);
    assert_eq!(state(taken(), taken()), CheckState::Problem);
    assert_eq!(judge_mdns(&[])[0].state, CheckState::Problem);
}

#[test]
fn interface_is_described_by_its_assigned_addresses() {
    let networks = [
        network("eth0", "fe80::2"),
        network("wlan0", "192.168.1.20"),
        network("wlan0", "fd00::2"),
        network("wlan0", "fe80::1"),
    ];
    let seen = judge_networks(&scope(false), &networks).seen;
    assert_eq!(seen, "eth0 fe80::2/24, wlan0 192.168.1.20/24 fd00::2/24");
}

#[test]
fn named_interface_overrides_the_route() {
    let networks = [network("wlan0", "192.168.4.2"), network("eth0", "10.0.0.2")];
    let find = |device, interface| find_device_route(device, interface, &networks);
    assert!(find("192.168.4.1", Some("wlan0")).unwrap().is_direct);
    let other = find("192.168.4.1", Some("eth0")).unwrap();
    assert!(!other.is_direct && other.network.unwrap().interface == "eth0");
    assert!(!find("fe80::1%wlan0", None).unwrap().is_direct);
}

#[test]
fn device_on_network_may_be_behind_a_router() {
    let networks = [network("eth0", "192.168.1.20"), network("tun0", "10.8.0.2")];
    let state = |route| {
        let snapshot = snapshot(&networks, route);
        judge(true, &snapshot, HostPart::LocalNetwork).state
    };
    assert_eq!(state(Some((0, true))), CheckState::Ok);
    assert_eq!(state(Some((0, false))), CheckState::Ok);
    assert_eq!(state(Some((1, false))), CheckState::Warning);
    assert_eq!(state(None), CheckState::Problem);
}
