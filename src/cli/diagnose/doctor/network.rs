//! The words for this computer's networks: which it is on, whether a device's hotspot is among them,
//! a VPN that takes everything, and mDNS on each interface.

use std::net::IpAddr;

use super::finding::{Finding, Part, State};
use super::{Scope, asked};
use crate::host::{
    GROUP_V4, HostNetwork, HostRoute, MdnsAccess, RadioSwitch, find_default_networks, find_route,
    join_mdns_groups, list_networks, list_switches, list_wifi_interfaces,
};
use crate::ident::printable;
use crate::report::ErrorId;
use crate::transport::HostPart;

/// What the system says.
struct Seen {
    networks: Vec<HostNetwork>,
    wifi_interfaces: Vec<String>,
    switches: Vec<RadioSwitch>,
    /// The interfaces that lead to the internet.
    defaults: Vec<HostNetwork>,
    to_device: Option<HostRoute>,
    to_multicast: Option<HostRoute>,
    joined: Vec<MdnsAccess>,
}

pub(super) async fn look(scope: &Scope) -> Vec<Finding> {
    let (hotspot, on_network) = (HostPart::Hotspot, HostPart::LocalNetwork);
    if !scope.has(hotspot) && !scope.has(on_network) {
        return Vec::new();
    }
    let (device, interface) = (scope.device.clone(), scope.interface.clone());
    let (listens, port) = (scope.has(on_network), scope.mdns_port);
    let look = move || {
        let mut seen = see(&device, interface.as_deref())?;
        if listens {
            seen.joined = join_mdns_groups(&seen.networks, interface.as_deref(), port);
        }
        Ok::<_, std::io::Error>(seen)
    };
    let seen = match asked(look).await {
        Some(Ok(seen)) => seen,
        Some(Err(error)) => {
            let seen = format!("the networks cannot be listed: {error}");
            return vec![Finding::new(Part::Network, NETWORK, State::Problem, seen)];
        }
        None => {
            let seen = "the system did not list the networks in time";
            return vec![Finding::new(Part::Network, NETWORK, State::Skipped, seen)];
        }
    };
    let mut findings = vec![network(scope, &seen.networks)];
    if scope.has(hotspot) {
        findings.push(wifi(&seen).over(scope.only_one(hotspot)));
        findings.push(device_route(scope, &seen).over(scope.only_one(hotspot)));
    }
    if scope.has(on_network) && scope.is_device_given && !scope.has(hotspot) {
        findings.push(route_on_network(scope, &seen).over(scope.only_one(on_network)));
    }
    findings.push(vpn(&seen));
    if scope.has(on_network) {
        findings.extend(
            mdns_of(&seen.joined)
                .into_iter()
                .map(|one| one.over(scope.only_one(on_network))),
        );
    }
    findings
}

fn see(device: &str, interface: Option<&str>) -> std::io::Result<Seen> {
    let networks = list_networks()?;
    Ok(Seen {
        to_device: route_to_device(device, interface, &networks),
        to_multicast: find_route(GROUP_V4.into(), &networks),
        wifi_interfaces: list_wifi_interfaces()?,
        switches: list_switches("wlan"),
        defaults: find_default_networks(&networks)
            .into_iter()
            .cloned()
            .collect(),
        joined: Vec::new(),
        networks,
    })
}

/// A zone or `--interface` names the route by itself.
fn route_to_device(
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
    let of_it = || networks.iter().filter(|one| one.interface == interface);
    let direct = of_it().find(|one| one.contains(address));
    Some(HostRoute {
        is_direct: direct.is_some(),
        network: direct.or_else(|| of_it().next()).cloned(),
    })
}

fn network(scope: &Scope, networks: &[HostNetwork]) -> Finding {
    let here: Vec<&HostNetwork> = networks
        .iter()
        .filter(|one| match &scope.interface {
            Some(interface) => one.interface == *interface,
            None => one.is_up && !one.is_loopback(),
        })
        .collect();
    let shown: Vec<String> = here
        .chunk_by(|one, next| one.interface == next.interface)
        .filter_map(all_of)
        .collect();
    if shown.is_empty() {
        let state = if scope.has(HostPart::LocalNetwork) {
            State::Problem
        } else {
            State::Warning
        };
        return Finding::new(
            Part::Network,
            NETWORK,
            state,
            "this computer is on no network",
        )
        .fix(by_system(
            "plug a cable in, or join a Wi-Fi network; `nmcli device status` shows what there is",
            "plug a cable in, or join a Wi-Fi network",
        ));
    }
    Finding::new(Part::Network, NETWORK, State::Ok, shown.join(", "))
}

/// An interface with its addresses; those that it made up itself where it has no others.
fn all_of(networks: &[&HostNetwork]) -> Option<String> {
    let is_own = |one: &&HostNetwork| match one.address {
        IpAddr::V4(four) => four.is_link_local(),
        IpAddr::V6(six) => six.is_unicast_link_local(),
    };
    let (own, given): (Vec<&HostNetwork>, Vec<&HostNetwork>) =
        networks.iter().copied().partition(is_own);
    let addresses = if given.is_empty() { own } else { given };
    let (first, others) = addresses.split_first()?;
    Some(others.iter().fold(described(first), |text, one| {
        format!("{text} {}/{}", one.address, one.prefix)
    }))
}

fn described(network: &HostNetwork) -> String {
    let HostNetwork {
        interface,
        address,
        prefix,
        ..
    } = network;
    format!("{} {address}/{prefix}", printable(interface.as_bytes()))
}

fn wifi(seen: &Seen) -> Finding {
    let radios = &seen.wifi_interfaces;
    if radios.is_empty() {
        if is_on_hotspot(seen) {
            let seen = "this computer has no Wi-Fi, and needs none for this address";
            return Finding::new(Part::Network, WIFI, State::Ok, seen);
        }
        let seen = "this computer has no Wi-Fi interface";
        return Finding::new(Part::Network, WIFI, State::Problem, seen).fix(
            "plug a Wi-Fi adapter in, or use another way: --transport ble, --transport console",
        );
    }
    let shown: Vec<String> = radios.iter().map(|name| state_of(name, seen)).collect();
    let shown = shown.join(", ");
    if seen.switches.iter().any(RadioSwitch::is_off) && !is_on_hotspot(seen) {
        let by_hand = seen.switches.iter().any(|switch| switch.is_hard_blocked);
        let seen = format!("{shown}; it is blocked: a switch, flight mode or rfkill keeps it off");
        return Finding::new(Part::Network, WIFI, State::Problem, seen).fix(if by_hand {
            "look for a switch or a key on the case"
        } else {
            "sudo rfkill unblock wifi"
        });
    }
    Finding::new(Part::Network, WIFI, State::Ok, shown)
}

/// A radio, and which network it is on.
fn state_of(name: &str, seen: &Seen) -> String {
    let joined = seen
        .networks
        .iter()
        .find(|one| one.interface == name && one.is_up && one.address.is_ipv4());
    match joined {
        Some(network) => described(network),
        None => format!("{}, on no network", printable(name.as_bytes())),
    }
}

fn is_on_hotspot(seen: &Seen) -> bool {
    let route = seen.to_device.as_ref();
    route.is_some_and(|route| route.is_direct && tunnel_of(route).is_none())
}

fn tunnel_of(route: &HostRoute) -> Option<&str> {
    let network = route.network.as_ref()?;
    network.is_tunnel.then_some(&network.interface)
}

fn device_route(scope: &Scope, seen: &Seen) -> Finding {
    let device = printable(scope.device.as_bytes());
    let finding = |state, seen: String| Finding::new(Part::Network, ROUTE, state, seen);
    let join = || {
        by_system(
            "join the device's hotspot: `nmcli device wifi list`, then `nmcli device wifi connect PROV_…`",
            "join the device's hotspot (PROV_…) in the system's Wi-Fi menu",
        )
    };
    let Some(route) = &seen.to_device else {
        let seen =
            format!("there is no way to {device}: this computer is not on the device's hotspot");
        let finding = finding(scope.undone(), seen);
        return finding.fix(join()).see(ErrorId::Unreachable);
    };
    if let Some(tunnel) = tunnel_of(route) {
        let seen = format!("{device} would be sent through {tunnel}, which looks like a VPN");
        return finding(State::Problem, seen)
            .fix(format!(
                "disconnect the VPN, or have it leave out this address; then {}",
                join()
            ))
            .see(ErrorId::Unreachable);
    }
    match &route.network {
        Some(network) if route.is_direct => finding(
            State::Ok,
            format!("{device} is on the network of {}", described(network)),
        ),
        network => {
            let by = network
                .as_ref()
                .map_or_else(String::new, |network| format!(" by {}", described(network)));
            let seen = format!(
                "{device} would be sent to a router{by}: this computer is not on the device's hotspot"
            );
            finding(scope.undone(), seen)
                .fix(join())
                .see(ErrorId::Unreachable)
        }
    }
}

/// Of a device that has its Wi-Fi: a router in between does no harm.
fn route_on_network(scope: &Scope, seen: &Seen) -> Finding {
    let device = printable(scope.device.as_bytes());
    let Some(route) = &seen.to_device else {
        let seen = format!("there is no way to {device}");
        return Finding::new(Part::Network, ROUTE, State::Problem, seen)
            .fix("join the network that the device is on, or one with a route to it")
            .see(ErrorId::Unreachable);
    };
    let by = route.network.as_ref().map_or_else(String::new, described);
    if let Some(tunnel) = tunnel_of(route) {
        let seen = format!(
            "{device} would be sent through {}, which looks like a VPN",
            printable(tunnel.as_bytes())
        );
        return Finding::new(Part::Network, ROUTE, State::Warning, seen)
            .fix("disconnect the VPN, or have it leave out this address, unless the device is behind it")
            .see(ErrorId::Unreachable);
    }
    let seen = if route.is_direct {
        format!("{device} is on the network of {by}")
    } else {
        format!("{device} would be sent to a router by {by}")
    };
    Finding::new(Part::Network, ROUTE, State::Ok, seen)
}

fn vpn(seen: &Seen) -> Finding {
    let Some(tunnel) = seen.defaults.iter().find(|network| network.is_tunnel) else {
        let names: Vec<&str> = seen
            .defaults
            .iter()
            .map(|network| network.interface.as_str())
            .collect();
        let seen = if names.is_empty() {
            "no default route, so no VPN is involved".to_owned()
        } else {
            format!("everything else goes through {}", names.join(", "))
        };
        return Finding::new(Part::Network, VPN, State::Ok, seen);
    };
    let multicast = seen.to_multicast.as_ref().and_then(tunnel_of).is_some();
    let seen = format!(
        "everything else goes through {}, which looks like a VPN{}: it may keep this computer from \
         devices on its own network",
        printable(tunnel.interface.as_bytes()),
        if multicast {
            ", multicasts included"
        } else {
            ""
        }
    );
    Finding::new(Part::Network, VPN, State::Warning, seen).fix(
        "disconnect the VPN while you provision, or have it leave the local network alone; \
         --interface names the one to look on",
    )
}

fn mdns_of(joined: &[MdnsAccess]) -> Vec<Finding> {
    if joined.is_empty() {
        let seen = "there is no interface to look on that is up";
        let finding = Finding::new(Part::Network, MDNS, State::Problem, seen);
        return vec![
            finding
                .fix("join the network that the device is on, or say where it is with --device-ip")
                .see(ErrorId::NoDevice),
        ];
    }
    joined.iter().map(mdns).collect()
}

fn mdns(joined: &MdnsAccess) -> Finding {
    let families = [("IPv4", &joined.v4), ("IPv6", &joined.v6)];
    let mut works = Vec::new();
    let mut fails = Vec::new();
    for (family, outcome) in families {
        match outcome {
            Some(Ok(())) => works.push(family.to_owned()),
            Some(Err(error)) => fails.push(format!("{family}: {error}")),
            None => {}
        }
    }
    let heard = if works.is_empty() {
        "nothing can be heard".to_owned()
    } else {
        format!("devices can be heard by {}", works.join(" and "))
    };
    let state = match (works.is_empty(), fails.is_empty()) {
        (true, _) => State::Problem,
        (false, true) => State::Ok,
        (false, false) => State::Warning,
    };
    let seen = std::iter::once(heard).chain(fails).collect::<Vec<_>>();
    let finding = Finding::new(Part::Network, MDNS, state, seen.join("; "))
        .about(printable(joined.interface.as_bytes()));
    if state == State::Ok {
        return finding;
    }
    finding
        .fix(by_system(
            "`sudo ss -ulpn 'sport = :5353'` shows who has the port; or say where the device is with --device-ip",
            "allow espctl, or its terminal, to reach the local network; or say where the device is with --device-ip",
        ))
        .see(ErrorId::TransportUnavailable)
}

fn by_system(linux: &'static str, other: &'static str) -> &'static str {
    if cfg!(target_os = "linux") {
        linux
    } else {
        other
    }
}

pub(super) const NETWORK: &str = "network";
const WIFI: &str = "wifi";
pub(super) const ROUTE: &str = "device-route";
const VPN: &str = "vpn-route";
pub(super) const MDNS: &str = "mdns";

#[cfg(test)]
mod tests;
