//! Which networks this computer is on, and by which of them it would reach an address, as the
//! system answers. Nothing is sent.

#![expect(
    clippy::disallowed_types,
    reason = "a socket that sends nothing tells which route the system would use"
)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use netdev::interface::interface::Interface;
use netdev::interface::types::InterfaceType;

/// One address of this computer, and the network that it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Network {
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

impl Network {
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
pub(crate) fn networks() -> Vec<Network> {
    let mut networks: Vec<Network> = netdev::get_interfaces()
        .iter()
        .flat_map(of_interface)
        .collect();
    networks.sort_by(|one, other| {
        (&one.interface, one.address).cmp(&(&other.interface, other.address))
    });
    networks
}

fn of_interface(interface: &Interface) -> impl Iterator<Item = Network> {
    let v4 = interface
        .ipv4
        .iter()
        .map(|net| (net.addr().into(), net.prefix_len()));
    let v6 = interface
        .ipv6
        .iter()
        .map(|net| (net.addr().into(), net.prefix_len()));
    v4.chain(v6).map(|(address, prefix)| Network {
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

/// The interfaces that lead to the internet, over IPv4 and IPv6. The system decides with all of its
/// routes and policies, so that a VPN that splits the default route in two halves is found as well.
pub(crate) fn default_interfaces(networks: &[Network]) -> Vec<&Network> {
    let mut found: Vec<&Network> = INTERNET
        .into_iter()
        .filter_map(|address| {
            let source = source_for(address).ok()?;
            networks.iter().find(|network| network.address == source)
        })
        .collect();
    found.dedup_by_key(|network| &network.interface);
    found
}

/// How this computer would reach an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// By which of its networks; `None` when the system names an address that it does not list.
    pub network: Option<Network>,
    /// Whether the address is on that network, and not behind a router.
    pub is_direct: bool,
}

/// The route to an address, chosen from all routes; `None` when there is none.
pub(crate) fn route_to(address: IpAddr, networks: &[Network]) -> Option<Route> {
    let source = source_for(address)
        .inspect_err(|error| tracing::debug!(%error, %address, "no route"))
        .ok()?;
    Some(route_from(source, address, networks))
}

fn route_from(source: IpAddr, address: IpAddr, networks: &[Network]) -> Route {
    let from = || networks.iter().filter(|network| network.address == source);
    let direct = from().find(|network| network.has(address));
    Route {
        is_direct: direct.is_some(),
        network: direct.or_else(|| from().next()).cloned(),
    }
}

/// The address of this computer that the system would send from. Connecting a UDP socket sends
/// nothing; the system only chooses its own end.
fn source_for(address: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(SocketAddr::new(address, DISCARD))?;
    Ok(socket.local_addr()?.ip())
}

/// The Wi-Fi interfaces of this computer, joined to a network or not.
pub(crate) fn wifi_interfaces() -> Vec<String> {
    netdev::get_interfaces()
        .into_iter()
        .filter(|interface| interface.if_type == InterfaceType::Wireless80211)
        .map(|interface| interface.name)
        .collect()
}

/// The discard service (RFC 863): a port on which no program waits.
const DISCARD: u16 = 9;

/// Reserved for documentation (RFC 5737, RFC 3849), and so behind the default route everywhere.
const INTERNET: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

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

    fn network(interface: &str, address: &str, prefix: u8) -> Network {
        Network {
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
    fn route_is_direct_on_the_same_network_only() {
        let networks = [
            network("wlan0", "192.168.4.2", 24),
            network("tun0", "10.8.0.2", 24),
        ];
        let device: IpAddr = "192.168.4.1".parse().unwrap();
        let from = |source: &str| route_from(source.parse().unwrap(), device, &networks);
        assert!(from("192.168.4.2").is_direct);
        let tunnel = from("10.8.0.2");
        assert!(!tunnel.is_direct);
        assert_eq!(tunnel.network.unwrap().interface, "tun0");
        assert_eq!(from("172.16.0.1").network, None);
    }

    #[test]
    fn this_computer_reaches_itself_directly() {
        let networks = networks();
        let route = route_to(Ipv4Addr::LOCALHOST.into(), &networks).unwrap();
        assert!(route.is_direct && route.network.unwrap().is_loopback());
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
