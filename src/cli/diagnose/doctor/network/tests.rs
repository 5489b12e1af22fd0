//! What is said of networks that a test cannot make: radios, switches, tunnels.

use std::io;

use super::*;
use crate::host::Host;
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

fn seen(networks: &[HostNetwork], device_by: Option<(usize, bool)>) -> Seen {
    Seen {
        networks: networks.to_vec(),
        wifi_interfaces: vec!["wlan0".to_owned()],
        switches: Vec::new(),
        defaults: Vec::new(),
        to_device: device_by.map(|(place, is_direct)| HostRoute {
            network: Some(networks[place].clone()),
            is_direct,
        }),
        to_multicast: None,
        joined: Vec::new(),
    }
}

fn scope(is_asked: bool) -> Scope {
    let mut drivers = built_in_drivers().into_iter();
    let softap = drivers.find_map(|driver| {
        let medium = driver.medium(&Host::this());
        (medium.needs == Some(HostPart::Hotspot)).then_some(medium)
    });
    let softap = softap.unwrap();
    Scope {
        media: vec![softap],
        adapter: None,
        port: None,
        is_asked,
        interface: None,
        mdns_port: None,
        device: "192.168.4.1".to_owned(),
        is_device_given: false,
        asks_cloud: true,
    }
}

#[test]
fn a_computer_on_the_hotspot_needs_nothing() {
    let networks = [network("wlan0", "192.168.4.2")];
    let mut there = seen(&networks, Some((0, true)));
    assert_eq!(device_route(&scope(true), &there).state, State::Ok);
    assert_eq!(wifi(&there).seen, "wlan0 192.168.4.2/24");
    // Over a cable, as in a laboratory.
    there.wifi_interfaces.clear();
    assert_eq!(wifi(&there).state, State::Ok);
}

#[test]
fn a_computer_elsewhere_is_told_to_join() {
    let networks = [
        network("wlan0", "192.168.1.20"),
        network("tun0", "10.8.0.2"),
    ];
    let elsewhere = seen(&networks, Some((0, false)));
    let told = device_route(&scope(true), &elsewhere);
    assert_eq!(told.state, State::Problem);
    assert!(told.seen.contains("wlan0 192.168.1.20/24"), "{told:?}");
    assert!(told.fix.unwrap().contains("join the device's hotspot"));
    // Who has not said that they want to go this way need not.
    assert_eq!(
        device_route(&scope(false), &elsewhere).state,
        State::Warning
    );
    let swallowed = device_route(&scope(false), &seen(&networks, Some((1, false))));
    assert_eq!(swallowed.state, State::Problem);
    assert!(swallowed.seen.contains("tun0"), "{swallowed:?}");
    let nowhere = device_route(&scope(true), &seen(&networks, None));
    assert!(nowhere.seen.contains("no way"), "{nowhere:?}");
}

#[test]
fn wifi_that_is_missing_or_blocked_is_named() {
    let networks = [network("eth0", "192.168.1.20")];
    let mut here = seen(&networks, Some((0, false)));
    assert_eq!(wifi(&here).seen, "wlan0, on no network");
    here.switches = vec![RadioSwitch {
        name: "phy0".to_owned(),
        is_soft_blocked: true,
        is_hard_blocked: false,
    }];
    let blocked = wifi(&here);
    assert_eq!(blocked.state, State::Problem);
    assert_eq!(blocked.fix.as_deref(), Some("sudo rfkill unblock wifi"));
    here.wifi_interfaces.clear();
    assert_eq!(wifi(&here).seen, "this computer has no Wi-Fi interface");
}

#[test]
fn default_route_through_vpn_is_a_warning() {
    let networks = [network("tun0", "10.8.0.2"), network("wlan0", "192.168.1.2")];
    let mut here = seen(&networks, None);
    assert_eq!(vpn(&here).state, State::Ok);
    here.defaults = vec![networks[1].clone()];
    assert!(vpn(&here).seen.ends_with("through wlan0"));
    // IPv4 at home, IPv6 through the VPN.
    here.defaults.push(networks[0].clone());
    here.to_multicast = Some(HostRoute {
        network: Some(networks[0].clone()),
        is_direct: false,
    });
    let told = vpn(&here);
    assert!(told.seen.contains("through tun0"), "{told:?}");
    assert!(told.seen.contains("multicasts included"), "{told:?}");
}

#[test]
fn mdns_is_judged_by_interface_and_family() {
    let taken = || Some(Err(io::Error::from(io::ErrorKind::AddrInUse)));
    let state = |v4, v6| {
        let interface = "wlan0".to_owned();
        mdns(&MdnsAccess { interface, v4, v6 }).state
    };
    assert_eq!(state(Some(Ok(())), None), State::Ok);
    assert_eq!(state(None, Some(Ok(()))), State::Ok);
    assert_eq!(state(Some(Ok(())), taken()), State::Warning);
    assert_eq!(state(taken(), taken()), State::Problem);
    assert_eq!(mdns_of(&[])[0].state, State::Problem);
}

#[test]
fn an_interface_is_shown_with_the_addresses_that_it_was_given() {
    let networks = [
        network("eth0", "fe80::2"),
        network("wlan0", "192.168.1.20"),
        network("wlan0", "fd00::2"),
        network("wlan0", "fe80::1"),
    ];
    let told = super::network(&scope(false), &networks);
    assert_eq!(
        told.seen,
        "eth0 fe80::2/24, wlan0 192.168.1.20/24 fd00::2/24"
    );
}

#[test]
fn an_interface_that_is_named_is_the_way() {
    let networks = [network("wlan0", "192.168.4.2"), network("eth0", "10.0.0.2")];
    let route = |device, interface| route_to_device(device, interface, &networks);
    assert!(route("192.168.4.1", Some("wlan0")).unwrap().is_direct);
    let other = route("192.168.4.1", Some("eth0")).unwrap();
    assert!(!other.is_direct && other.network.unwrap().interface == "eth0");
    assert!(!route("fe80::1%wlan0", None).unwrap().is_direct);
}

#[test]
fn a_device_on_the_network_may_be_behind_a_router_and_not_behind_a_vpn() {
    let networks = [network("eth0", "192.168.1.20"), network("tun0", "10.8.0.2")];
    let by = |way| route_on_network(&scope(true), &seen(&networks, way)).state;
    assert_eq!(by(Some((0, true))), State::Ok);
    assert_eq!(by(Some((0, false))), State::Ok);
    assert_eq!(by(Some((1, false))), State::Warning);
    assert_eq!(by(None), State::Problem);
}
