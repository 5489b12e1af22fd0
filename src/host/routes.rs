//! Finds the network over which this computer would reach an address, by asking the system. Nothing
//! is sent.

#![expect(
    clippy::disallowed_types,
    reason = "the socket sends nothing; it only shows the system's route"
)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::networks::HostNetwork;

/// The networks that lead to the internet, over IPv4 and IPv6. The system applies all its routes
/// and policies, so this also finds a VPN that splits the default route in two halves.
pub(crate) fn find_default_networks(networks: &[HostNetwork]) -> Vec<&HostNetwork> {
    let mut defaults: Vec<&HostNetwork> = INTERNET
        .into_iter()
        .filter_map(|address| {
            let source = find_source_address(address).ok()?;
            networks.iter().find(|network| network.address == source)
        })
        .collect();
    defaults.dedup_by_key(|network| &network.interface);
    defaults
}

/// The route from this computer to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostRoute {
    /// The network; `None` if the system's source address is not in the list of networks.
    pub network: Option<HostNetwork>,
    /// Whether the address is in that network, not behind a router.
    pub is_direct: bool,
}

/// The route to an address, chosen by the system; `None` without a route.
pub(crate) fn find_route(address: IpAddr, networks: &[HostNetwork]) -> Option<HostRoute> {
    let source = find_source_address(address)
        .inspect_err(|error| tracing::debug!(%error, %address, "no route"))
        .ok()?;
    Some(route_from(source, address, networks))
}

fn route_from(source: IpAddr, address: IpAddr, networks: &[HostNetwork]) -> HostRoute {
    let from = || networks.iter().filter(|network| network.address == source);
    let direct = from().find(|network| network.contains(address));
    HostRoute {
        is_direct: direct.is_some(),
        network: direct.or_else(|| from().next()).cloned(),
    }
}

/// The source address that the system would use. Connecting a UDP socket sends nothing; it only
/// selects the source.
fn find_source_address(address: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(SocketAddr::new(address, DISCARD))?;
    Ok(socket.local_addr()?.ip())
}

/// The discard service (RFC 863), which no program uses.
const DISCARD: u16 = 9;

/// Addresses reserved for documentation (RFC 5737, RFC 3849), which are behind the default route
/// everywhere.
const INTERNET: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

#[cfg(test)]
mod tests {
    use super::super::networks::list_networks;
    use super::*;

    #[test]
    fn route_is_direct_only_on_same_network() {
        let networks = [
            HostNetwork::sample("wlan0", "192.168.4.2", 24),
            HostNetwork::sample("tun0", "10.8.0.2", 24),
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
    fn route_to_localhost_is_direct() {
        let networks = list_networks().unwrap();
        let route = find_route(Ipv4Addr::LOCALHOST.into(), &networks).unwrap();
        assert!(route.is_direct && route.network.unwrap().is_loopback());
    }
}
