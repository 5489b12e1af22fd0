//! Which networks this computer is on, as the system lists them. Nothing is sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use netdev::interface::interface::Interface;
use netdev::interface::types::InterfaceType;

/// One address of this computer, and the network that it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostNetwork {
    /// The interface's name, such as `wlan0`.
    pub interface: String,
    /// The interface's number, as the system counts.
    pub index: u32,
    /// This computer's address.
    pub address: IpAddr,
    /// How many bits the network's addresses share.
    pub prefix: u8,
    /// Whether a cable is plugged in, or a Wi-Fi network joined.
    pub is_up: bool,
    /// Whether the interface leads to one other computer, as a tunnel does.
    pub is_point_to_point: bool,
    /// Whether the interface looks like a VPN's.
    pub is_tunnel: bool,
}

impl HostNetwork {
    /// Whether it connects this computer with itself only.
    pub(crate) fn is_loopback(&self) -> bool {
        self.address.is_loopback()
    }

    /// Whether a search for devices uses it: it is up and leads to a network rather than to one
    /// other computer.
    pub(crate) fn is_searched(&self) -> bool {
        self.is_up && !self.is_point_to_point
    }

    /// Whether this address is one of this network's own.
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = 32_u32.saturating_sub(self.prefix.into());
                let bits = |address: Ipv4Addr| u32::from(address).checked_shr(shift).unwrap_or(0);
                bits(own) == bits(other)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = 128_u32.saturating_sub(self.prefix.into());
                let bits = |address: Ipv6Addr| u128::from(address).checked_shr(shift).unwrap_or(0);
                bits(own) == bits(other)
            }
            _ => false,
        }
    }
}

/// All networks of this computer, by interface and address.
pub(crate) fn list_networks() -> Vec<HostNetwork> {
    let mut networks: Vec<HostNetwork> = netdev::get_interfaces()
        .iter()
        .flat_map(of_interface)
        .collect();
    networks.sort_by(|one, other| {
        (&one.interface, one.address).cmp(&(&other.interface, other.address))
    });
    networks
}

fn of_interface(interface: &Interface) -> impl Iterator<Item = HostNetwork> {
    let v4 = interface
        .ipv4
        .iter()
        .map(|net| (net.addr().into(), net.prefix_len()));
    let v6 = interface
        .ipv6
        .iter()
        .map(|net| (net.addr().into(), net.prefix_len()));
    v4.chain(v6).map(|(address, prefix)| HostNetwork {
        interface: interface.name.clone(),
        index: interface.index,
        address,
        prefix,
        is_up: interface.is_running(),
        is_point_to_point: interface.is_point_to_point(),
        is_tunnel: is_tunnel(interface),
    })
}

/// Judged by the kind that the system reports, and by the names that systems and VPN programs give.
fn is_tunnel(interface: &Interface) -> bool {
    let is_made_as_one = match interface.if_type {
        InterfaceType::Ppp | InterfaceType::Slip | InterfaceType::Tunnel => true,
        // A modem leads to one other computer, too, and is not a tunnel.
        InterfaceType::Wwan | InterfaceType::Wwanpp | InterfaceType::Wwanpp2 => false,
        _ => interface.is_point_to_point(),
    };
    // Linux: a tap looks like Ethernet otherwise.
    let is_tap = || {
        Path::new("/sys/class/net")
            .join(&interface.name)
            .join("tun_flags")
            .exists()
    };
    is_made_as_one || has_tunnel_name(&interface.name) || is_tap()
}

fn has_tunnel_name(name: &str) -> bool {
    TUNNEL_NAMES.iter().any(|start| name.starts_with(start))
}

/// The Wi-Fi interfaces of this computer, joined to a network or not.
pub(crate) fn list_wifi_interfaces() -> Vec<String> {
    netdev::get_interfaces()
        .into_iter()
        .filter(|interface| interface.if_type == InterfaceType::Wireless80211)
        .map(|interface| interface.name)
        .collect()
}

/// How the names of tunnels begin.
const TUNNEL_NAMES: [&str; 9] = [
    "tun",
    "tap",
    "wg",
    "ppp",
    "utun",
    "tailscale",
    "zt",
    "nordlynx",
    "proton",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn network(interface: &str, address: &str, prefix: u8) -> HostNetwork {
        HostNetwork {
            interface: interface.to_owned(),
            index: 1,
            address: address.parse().unwrap(),
            prefix,
            is_up: true,
            is_point_to_point: false,
            is_tunnel: false,
        }
    }

    #[test]
    fn network_contains_addresses_that_share_its_prefix() {
        let has =
            |own: &str, prefix, other: &str| network("x", own, prefix).has(other.parse().unwrap());
        assert!(has("192.168.4.2", 24, "192.168.4.1"));
        assert!(!has("192.168.1.20", 24, "192.168.4.1"));
        assert!(has("192.168.1.20", 16, "192.168.4.1"));
        assert!(has("10.8.0.2", 0, "192.168.4.1"));
        assert!(!has("10.8.0.2", 32, "10.8.0.1"));
        assert!(has("10.8.0.2", 32, "10.8.0.2"));
        assert!(has("fe80::2", 64, "fe80::1"));
        assert!(!has("fd00::2", 64, "fe80::1"));
        assert!(!has("::1", 128, "127.0.0.1"));
        // A prefix that no system should report does not panic.
        assert!(has("10.0.0.1", 200, "10.0.0.1"));
    }

    #[test]
    fn tunnels_are_recognized_by_kind_and_by_name() {
        // Flags as Linux has them: up, point-to-point.
        let looks_like_tunnel = |name: &str, if_type, flags| {
            let mut interface = Interface::dummy();
            name.clone_into(&mut interface.name);
            interface.if_type = if_type;
            interface.flags = flags;
            is_tunnel(&interface)
        };
        let point_to_point = if cfg!(target_os = "linux") { 0x11 } else { 0 };
        for (name, kind, flags) in [
            ("office", InterfaceType::Ppp, 1),
            ("office", InterfaceType::Tunnel, 1),
            ("tun0", InterfaceType::Unknown, 1),
            ("wg-home", InterfaceType::Unknown, 1),
            ("utun4", InterfaceType::Unknown, 1),
            ("tailscale0", InterfaceType::Ethernet, 1),
        ] {
            assert!(looks_like_tunnel(name, kind, flags), "{name} {kind:?}");
        }
        if point_to_point != 0 {
            // WireGuard: ARPHRD_NONE, point-to-point.
            let none = InterfaceType::UnknownWithValue(65534);
            assert!(looks_like_tunnel("office", none, point_to_point));
            // A modem is point-to-point as well.
            assert!(!looks_like_tunnel(
                "wwan0",
                InterfaceType::Wwan,
                point_to_point
            ));
        }
        for name in ["eth0", "wlan0", "wlp3s0", "lo", "en0", "docker0"] {
            assert!(
                !looks_like_tunnel(name, InterfaceType::Ethernet, 1),
                "{name}"
            );
        }
    }
}
