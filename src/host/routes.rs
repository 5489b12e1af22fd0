//! By which of its networks this computer would reach an address, as the system answers. Nothing is
//! sent.

#![expect(
    clippy::disallowed_types,
    reason = "a socket that sends nothing tells which route the system would use"
)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::networks::HostNetwork;

/// The interfaces that lead to the internet, over IPv4 and IPv6. The system decides with all of its
/// routes and policies, so that a VPN that splits the default route in two halves is found as well.
pub(crate) fn find_default_networks(networks: &[HostNetwork]) -> Vec<&HostNetwork> {
    let mut found: Vec<&HostNetwork> = INTERNET
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
pub(crate) struct HostRoute {
    /// By which of its networks; `None` when the system names an address that it does not list.
    pub network: Option<HostNetwork>,
    /// Whether the address is on that network, and not behind a router.
    pub is_direct: bool,
}

/// The route to an address, chosen from all routes; `None` when there is none.
pub(crate) fn find_route(address: IpAddr, networks: &[HostNetwork]) -> Option<HostRoute> {
    let source = source_for(address)
        .inspect_err(|error| tracing::debug!(%error, %address, "no route"))
        .ok()?;
    Some(route_from(source, address, networks))
}

fn route_from(source: IpAddr, address: IpAddr, networks: &[HostNetwork]) -> HostRoute {
    let from = || networks.iter().filter(|network| network.address == source);
    let direct = from().find(|network| network.has(address));
    HostRoute {
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

/// The discard service (RFC 863): a port on which no program waits.
const DISCARD: u16 = 9;

/// Reserved for documentation (RFC 5737, RFC 3849), and so behind the default route everywhere.
const INTERNET: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

#[cfg(test)]
mod tests {
    use super::super::networks::list_networks;
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
        let networks = list_networks().unwrap();
        let route = find_route(Ipv4Addr::LOCALHOST.into(), &networks).unwrap();
        assert!(route.is_direct && route.network.unwrap().is_loopback());
    }
}
