//! Checks whether this computer lets a program receive mDNS, for each interface. It joins and
//! leaves the multicast groups, as every search does. Nothing is sent, and no answer is read.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

use super::networks::HostNetwork;

/// The result for one interface.
#[derive(Debug)]
pub(crate) struct MdnsAccess {
    pub interface: String,
    /// The result over IPv4, if the interface has an IPv4 address.
    pub v4: Option<io::Result<()>>,
    /// The result over IPv6, if the interface has an IPv6 address.
    pub v6: Option<io::Result<()>>,
}

/// Joins the groups on each interface that a search uses, or only on the named one.
pub(crate) fn join_mdns_groups(
    networks: &[HostNetwork],
    only: Option<&str>,
    port: Option<u16>,
) -> Vec<MdnsAccess> {
    let port = port.unwrap_or(MDNS_PORT);
    let searched = networks.iter().filter(|network| is_searched(network, only));
    let searched: Vec<&HostNetwork> = searched.collect();
    // The networks are sorted by interface.
    let interfaces = searched.chunk_by(|left, right| left.interface == right.interface);
    let accesses = interfaces.map(|networks| MdnsAccess {
        interface: networks
            .first()
            .map(|network| network.interface.clone())
            .unwrap_or_default(),
        v4: networks.iter().find_map(|network| match network.address {
            IpAddr::V4(address) => Some(join_v4(address, port)),
            IpAddr::V6(_) => None,
        }),
        // IPv6 joins a group by interface, so one address is enough.
        v6: networks
            .iter()
            .find(|network| network.address.is_ipv6())
            .map(|network| join_v6(network.index, port)),
    });
    accesses.collect()
}

fn is_searched(network: &HostNetwork, only: Option<&str>) -> bool {
    match only {
        Some(only) => network.interface == only,
        None => network.is_searched() && !network.is_loopback(),
    }
}

fn join_v4(address: Ipv4Addr, port: u16) -> io::Result<()> {
    let socket = open_shared_socket(Domain::IPV4)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    socket.join_multicast_v4(&GROUP_V4, &address)
}

fn join_v6(index: u32, port: u16) -> io::Result<()> {
    let socket = open_shared_socket(Domain::IPV6)?;
    socket.set_only_v6(true)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    socket.join_multicast_v6(&GROUP_V6, index)
}

/// Opens a socket that shares its port, because other programs also receive mDNS.
fn open_shared_socket(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    Ok(socket)
}

/// The IPv4 group of mDNS (RFC 6762, 3).
pub(crate) const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
/// The IPv6 group of mDNS (RFC 6762, 3).
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
/// The port of mDNS (RFC 6762, 3).
const MDNS_PORT: u16 = 5353;

#[cfg(test)]
mod tests {
    use super::super::networks::list_networks;
    use super::*;

    #[test]
    fn joins_loopback_only_when_named() {
        let networks = list_networks().unwrap();
        let loopback = networks
            .iter()
            .find(|network| network.is_loopback())
            .unwrap();
        let name = loopback.interface.as_str();
        // A port that no program uses.
        let joined = join_mdns_groups(&networks, Some(name), Some(20_053));
        assert_eq!(joined.len(), 1, "{joined:?}");
        assert!(matches!(joined[0].v4, Some(Ok(()))), "{joined:?}");
        assert!(join_mdns_groups(std::slice::from_ref(loopback), None, None).is_empty());
    }

    /// Computers without IPv6 exist, so the result is not checked.
    #[test]
    fn tries_both_families_of_interface() {
        let networks = list_networks().unwrap();
        let v4 = networks
            .iter()
            .find(|network| network.is_loopback())
            .unwrap();
        let v6 = HostNetwork {
            address: Ipv6Addr::LOCALHOST.into(),
            ..v4.clone()
        };
        let joined = join_mdns_groups(&[v4.clone(), v6], Some(&v4.interface), Some(20_053));
        assert_eq!(joined.len(), 1, "{joined:?}");
        assert!(
            joined[0].v4.is_some() && joined[0].v6.is_some(),
            "{joined:?}"
        );
    }
}
