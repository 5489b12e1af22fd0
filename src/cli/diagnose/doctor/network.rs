//! Checks of this computer's networks: its addresses, its Wi-Fi, the route to the device, a VPN that
//! takes all traffic, and mDNS on each interface.

use std::io;
use std::net::IpAddr;

use super::checks::Check::{DeviceRoute, Mdns, Network, VpnRoute, Wifi};
use super::finding::{CheckState, Finding};
use super::scope::{Scope, list_from_system};
use crate::host::{
    GROUP_V4, HostNetwork, HostRoute, MdnsAccess, RadioSwitch, find_default_networks, find_route,
    join_mdns_groups, list_networks, list_switches, list_wifi_interfaces,
};
use crate::ident::printable;
use crate::report::ErrorId;
use crate::transport::HostPart;

/// What the system reports.
struct NetworkSnapshot {
    networks: Vec<HostNetwork>,
    wifi_interfaces: Vec<String>,
    switches: Vec<RadioSwitch>,
    /// The interfaces that lead to the internet.
    default_networks: Vec<HostNetwork>,
    device_route: Option<HostRoute>,
    multicast_route: Option<HostRoute>,
    mdns: Vec<MdnsAccess>,
}

pub(super) async fn examine_networks(scope: &Scope) -> Vec<Finding> {
    let has_hotspot = scope.has(HostPart::Hotspot);
    let has_local_network = scope.has(HostPart::LocalNetwork);
    if !has_hotspot && !has_local_network {
        return Vec::new();
    }
    let device = scope.device().unwrap_or_default().to_owned();
    let interface = scope.interface.clone();
    let mdns_port = scope.mdns_port;
    let snapshot = list_from_system(Network, "the networks", None, move || {
        let mut snapshot = take_snapshot(&device, interface.as_deref())?;
        if has_local_network {
            let networks = &snapshot.networks;
            snapshot.mdns = join_mdns_groups(networks, interface.as_deref(), mdns_port);
        }
        io::Result::Ok(snapshot)
    });
    let snapshot = match snapshot.await {
        Ok(snapshot) => snapshot,
        Err(finding) => return vec![finding],
    };
    let mut findings = vec![judge_networks(scope, &snapshot.networks)];
    if has_hotspot {
        findings.push(judge_wifi(&snapshot));
        findings.push(judge_route(scope, &snapshot, HostPart::Hotspot));
    } else if scope.device_ip.is_some() {
        let part = HostPart::LocalNetwork;
        findings.push(Finding {
            transport: scope.only_medium(part),
            ..judge_route(scope, &snapshot, part)
        });
    }
    findings.push(judge_default_route(&snapshot));
    if has_local_network {
        findings.extend(judge_mdns(&snapshot.mdns));
    }
    findings
}

fn take_snapshot(device: &str, interface: Option<&str>) -> io::Result<NetworkSnapshot> {
    let networks = list_networks()?;
    let default_networks = find_default_networks(&networks).into_iter();
    Ok(NetworkSnapshot {
        device_route: find_device_route(device, interface, &networks),
        multicast_route: find_route(GROUP_V4.into(), &networks),
        wifi_interfaces: list_wifi_interfaces()?,
        switches: list_switches("wlan"),
        default_networks: default_networks.cloned().collect(),
        mdns: Vec::new(),
        networks,
    })
}

/// The route to the device. `interface` or a zone in the address overrides the system's choice.
fn find_device_route(
    device: &str,
    interface: Option<&str>,
    networks: &[HostNetwork],
) -> Option<HostRoute> {
    let (address, zone) = device
        .split_once('%')
        .map_or((device, None), |(address, zone)| (address, Some(zone)));
    let address: IpAddr = address.parse().ok()?;
    let Some(interface) = interface.or(zone) else {
        return find_route(address, networks);
    };
    let networks = || {
        let networks = networks.iter();
        networks.filter(|network| network.interface == interface)
    };
    let direct = networks().find(|network| network.contains(address));
    Some(HostRoute {
        is_direct: direct.is_some(),
        network: direct.or_else(|| networks().next()).cloned(),
    })
}

fn judge_networks(scope: &Scope, networks: &[HostNetwork]) -> Finding {
    let is_in_scope = |network: &&HostNetwork| match &scope.interface {
        Some(interface) => network.interface == *interface,
        None => network.is_up && !network.is_loopback(),
    };
    let networks: Vec<&HostNetwork> = networks.iter().filter(is_in_scope).collect();
    let interfaces: Vec<String> = networks
        .chunk_by(|left, right| left.interface == right.interface)
        .filter_map(describe_interface)
        .collect();
    if !interfaces.is_empty() {
        return Finding::ok(Network, interfaces.join(", "));
    }
    let state = CheckState::problem_if(scope.has(HostPart::LocalNetwork));
    Finding::new(Network, state, "this computer is on no network").with_fix(on_linux_or_other(
        "plug a cable in, or join a Wi-Fi network; `nmcli device status` lists the interfaces",
        "plug a cable in, or join a Wi-Fi network",
    ))
}

/// An interface with its addresses. Link-local addresses count only if there are no others.
fn describe_interface(networks: &[&HostNetwork]) -> Option<String> {
    let is_link_local = |network: &&HostNetwork| match network.address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let mut networks = networks.to_vec();
    if !networks.iter().all(is_link_local) {
        networks.retain(|network| !is_link_local(network));
    }
    let (first, others) = networks.split_first()?;
    let others = others.iter();
    Some(others.fold(describe_network(first), |text, network| {
        format!("{text} {}/{}", network.address, network.prefix)
    }))
}

fn describe_network(network: &HostNetwork) -> String {
    let interface = printable(network.interface.as_bytes());
    format!("{interface} {}/{}", network.address, network.prefix)
}

fn judge_wifi(snapshot: &NetworkSnapshot) -> Finding {
    let route = snapshot.device_route.as_ref();
    let is_on_hotspot = route.is_some_and(|route| route.is_direct && find_tunnel(route).is_none());
    if snapshot.wifi_interfaces.is_empty() {
        if is_on_hotspot {
            let seen = "this computer has no Wi-Fi interface, and needs none for this address";
            return Finding::ok(Wifi, seen);
        }
        return Finding::problem(Wifi, "this computer has no Wi-Fi interface").with_fix(
            "plug a Wi-Fi adapter in, or use another transport: --transport ble, --transport console",
        );
    }
    let radios = snapshot.wifi_interfaces.iter();
    let radios = radios.map(|interface| describe_radio(interface, &snapshot.networks));
    let radios = radios.collect::<Vec<String>>().join(", ");
    if is_on_hotspot || !snapshot.switches.iter().any(RadioSwitch::is_off) {
        return Finding::ok(Wifi, radios);
    }
    let seen = format!("{radios}; it is blocked: a switch, flight mode or rfkill keeps it off");
    let is_off_by_hand = snapshot
        .switches
        .iter()
        .any(|switch| switch.is_hard_blocked);
    Finding::problem(Wifi, seen).with_fix(if is_off_by_hand {
        "look for a switch or a key on the case"
    } else {
        "sudo rfkill unblock wifi"
    })
}

/// A radio, and the network that it is on.
fn describe_radio(interface: &str, networks: &[HostNetwork]) -> String {
    let mut networks = networks.iter();
    let joined = networks.find(|network| {
        network.interface == interface && network.is_up && network.address.is_ipv4()
    });
    joined.map_or_else(
        || format!("{}, on no network", printable(interface.as_bytes())),
        describe_network,
    )
}

fn find_tunnel(route: &HostRoute) -> Option<String> {
    let network = route.network.as_ref()?;
    let is_tunnel = network.is_tunnel;
    is_tunnel.then(|| printable(network.interface.as_bytes()))
}

/// The route to the device. On its hotspot, the device has to be on a network of this computer. On
/// the local network, a router in between does no harm.
fn judge_route(scope: &Scope, snapshot: &NetworkSnapshot, part: HostPart) -> Finding {
    let device = printable(scope.device().unwrap_or_default().as_bytes());
    let route = snapshot.device_route.as_ref();
    let tunnel = route.and_then(find_tunnel);
    let network = route.and_then(|route| route.network.as_ref());
    let network = network.map(describe_network);
    let seen = match (&tunnel, network) {
        _ if route.is_none() => format!("there is no route to {device}"),
        (Some(tunnel), _) => {
            format!("{device} would be sent through {tunnel}, which looks like a VPN")
        }
        (None, Some(network)) if route.is_some_and(|route| route.is_direct) => {
            let seen = format!("{device} is on the network of {network}");
            return Finding::ok(DeviceRoute, seen);
        }
        (None, Some(network)) => format!("{device} would be sent to a router by {network}"),
        (None, None) => format!("{device} would be sent to a router"),
    };
    let join_hotspot = on_linux_or_other(
        "join the device's hotspot: `nmcli device wifi list`, then `nmcli device wifi connect PROV_…`",
        "join the device's hotspot (PROV_…) in the system's Wi-Fi menu",
    );
    let exclude = "disconnect the VPN, or exclude this address from it";
    let finding = match (part, tunnel) {
        (HostPart::Hotspot, Some(_)) => {
            Finding::problem(DeviceRoute, seen).with_fix(format!("{exclude}; then {join_hotspot}"))
        }
        (HostPart::Hotspot, None) => {
            let seen = format!("{seen}: this computer is not on the device's hotspot");
            Finding::new(DeviceRoute, scope.state_of_open_step(), seen).with_fix(join_hotspot)
        }
        (_, Some(_)) => Finding::warning(DeviceRoute, seen)
            .with_fix(format!("{exclude}, unless the device is behind it")),
        (_, None) if route.is_none() => Finding::problem(DeviceRoute, seen)
            .with_fix("join the network that the device is on, or one with a route to it"),
        (_, None) => return Finding::ok(DeviceRoute, seen),
    };
    finding.with_error(ErrorId::Unreachable)
}

fn judge_default_route(snapshot: &NetworkSnapshot) -> Finding {
    let networks = &snapshot.default_networks;
    let Some(tunnel) = networks.iter().find(|network| network.is_tunnel) else {
        let interfaces: Vec<&str> = networks.iter().map(|network| &*network.interface).collect();
        let seen = if interfaces.is_empty() {
            "no default route, so no VPN is involved".to_owned()
        } else {
            format!("all other traffic goes through {}", interfaces.join(", "))
        };
        return Finding::ok(VpnRoute, seen);
    };
    let tunnel = printable(tunnel.interface.as_bytes());
    let multicast_tunnel = snapshot.multicast_route.as_ref().and_then(find_tunnel);
    let multicasts = multicast_tunnel.map_or("", |_| ", multicasts included");
    let seen = format!(
        "all other traffic goes through {tunnel}, which looks like a VPN{multicasts}: it may hide \
         devices on this computer's own network"
    );
    Finding::warning(VpnRoute, seen).with_fix(
        "disconnect the VPN while you provision, or exclude the local network from it; \
         --interface selects the interface to search",
    )
}

fn judge_mdns(interfaces: &[MdnsAccess]) -> Vec<Finding> {
    if interfaces.is_empty() {
        let fix = "join the network that the device is on, or pass its address with --device-ip";
        let finding = Finding::problem(Mdns, "no interface that can be searched is up");
        return vec![finding.with_fix(fix).with_error(ErrorId::NoDevice)];
    }
    interfaces.iter().map(judge_mdns_access).collect()
}

fn judge_mdns_access(access: &MdnsAccess) -> Finding {
    let mut families = Vec::new();
    let mut errors = Vec::new();
    for (family, outcome) in [("IPv4", &access.v4), ("IPv6", &access.v6)] {
        match outcome {
            Some(Ok(())) => families.push(family),
            Some(Err(error)) => errors.push(format!("{family}: {error}")),
            None => {}
        }
    }
    let families = families.join(" and ");
    let received = format!("announcements can be received over {families}");
    let (state, summary) = match (&*families, &*errors) {
        ("", _) => (CheckState::Problem, "announcements cannot be received"),
        (_, []) => (CheckState::Ok, &*received),
        _ => (CheckState::Warning, &*received),
    };
    let seen = [vec![summary.to_owned()], errors].concat().join("; ");
    let finding = Finding::new(Mdns, state, seen);
    let finding = finding.with_subject(printable(access.interface.as_bytes()));
    if state == CheckState::Ok {
        return finding;
    }
    finding
        .with_fix(on_linux_or_other(
            "find the program that has the port: `sudo ss -ulpn 'sport = :5353'`; or pass the device's address with --device-ip",
            "allow espctl, or its terminal, to use the local network; or pass the device's address with --device-ip",
        ))
        .with_error(ErrorId::TransportUnavailable)
}

fn on_linux_or_other(linux: &'static str, other: &'static str) -> &'static str {
    if cfg!(target_os = "linux") {
        linux
    } else {
        other
    }
}

#[cfg(test)]
mod tests;
