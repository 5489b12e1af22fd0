//! Which networks this computer is on, and by which of them it would reach an address, by the
//! system's own word. Nothing is sent.

#![expect(
    clippy::disallowed_types,
    reason = "a socket that sends nothing tells which way the system would send"
)]

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;

use if_addrs::{IfAddr, get_if_addrs};

/// One address of this computer, and the network that it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// `wlan0`.
    pub interface: String,
    /// As other programs number it.
    pub index: Option<u32>,
    /// Of this computer.
    pub address: IpAddr,
    /// How many bits the network's addresses share.
    pub prefix: u8,
    /// Whether a cable is plugged in, or a Wi-Fi network joined.
    pub is_up: bool,
    /// Whether it leads to one other computer, as a tunnel does.
    pub is_point_to_point: bool,
}

impl Network {
    /// Whether nobody else is on it.
    pub fn is_loopback(&self) -> bool {
        self.address.is_loopback()
    }

    /// Whether this address is one of this network's own.
    pub fn has(&self, address: IpAddr) -> bool {
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

/// All of them.
pub fn networks() -> io::Result<Vec<Network>> {
    let mut networks: Vec<Network> = get_if_addrs()?
        .into_iter()
        .map(|one| Network {
            index: one.index,
            address: one.ip(),
            prefix: match &one.addr {
                IfAddr::V4(four) => four.prefixlen,
                IfAddr::V6(six) => six.prefixlen,
            },
            is_up: one.is_oper_up(),
            is_point_to_point: one.is_p2p(),
            interface: one.name,
        })
        .collect();
    networks.sort_by(|one, other| {
        (&one.interface, one.address).cmp(&(&other.interface, other.address))
    });
    Ok(networks)
}

/// How this computer would reach an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// By which of its networks; none where the system names an address that it does not list.
    pub by: Option<Network>,
    /// Whether the address is on that network, and not behind a router.
    pub is_direct: bool,
}

/// The way to an address, with all routes taken into account; `None` where there is none.
pub fn way_to(address: IpAddr, networks: &[Network]) -> Option<Way> {
    let source = source_for(address)
        .inspect_err(|error| tracing::debug!(%error, %address, "no way"))
        .ok()?;
    Some(way_from(source, address, networks))
}

fn way_from(source: IpAddr, address: IpAddr, networks: &[Network]) -> Way {
    let from = || networks.iter().filter(|one| one.address == source);
    match from().find(|one| one.has(address)) {
        Some(by) => Way {
            by: Some(by.clone()),
            is_direct: true,
        },
        None => Way {
            by: from().next().cloned(),
            is_direct: false,
        },
    }
}

/// Which address of its own the system would send from. Connecting a socket of this kind sends
/// nothing; the system only chooses its own end.
pub fn source_for(address: IpAddr) -> io::Result<IpAddr> {
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect(SocketAddr::new(address, DISCARD))?;
    Ok(socket.local_addr()?.ip())
}

/// The Wi-Fi interfaces of this computer, joined to a network or not; `None` where that cannot be
/// asked.
pub fn radios() -> Option<Vec<String>> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    // The list is of this network namespace, the folder may be of another.
    let listed = std::fs::read_to_string("/proc/net/dev").ok()?;
    let is_radio = |name: &String| {
        let folder = Path::new("/sys/class/net").join(name);
        folder.join("phy80211").exists() || folder.join("wireless").exists()
    };
    Some(interfaces(&listed).into_iter().filter(is_radio).collect())
}

/// The names in `/proc/net/dev`, below two lines of headings.
fn interfaces(listed: &str) -> Vec<String> {
    let named = listed
        .lines()
        .skip(2)
        .filter_map(|line| line.split_once(':'));
    named.map(|(name, _)| name.trim().to_owned()).collect()
}

/// A port that nobody serves.
const DISCARD: u16 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    fn network(interface: &str, address: &str, prefix: u8) -> Network {
        Network {
            interface: interface.to_owned(),
            index: None,
            address: address.parse().unwrap(),
            prefix,
            is_up: true,
            is_point_to_point: false,
        }
    }

    #[test]
    fn a_network_has_the_addresses_that_share_its_bits() {
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
        // Nothing that a system should say, and no reason to fall over.
        assert!(has("10.0.0.1", 200, "10.0.0.1"));
    }

    #[test]
    fn a_way_is_direct_where_the_address_is_on_the_same_network() {
        let networks = [
            network("wlan0", "192.168.4.2", 24),
            network("tun0", "10.8.0.2", 24),
        ];
        let device: IpAddr = "192.168.4.1".parse().unwrap();
        let by = |source: &str| way_from(source.parse().unwrap(), device, &networks);
        assert!(by("192.168.4.2").is_direct);
        let tunnel = by("10.8.0.2");
        assert!(!tunnel.is_direct);
        assert_eq!(tunnel.by.unwrap().interface, "tun0");
        assert_eq!(by("172.16.0.1").by, None);
    }

    #[test]
    fn this_computer_reaches_itself_directly() {
        let networks = networks().unwrap();
        let way = way_to(Ipv4Addr::LOCALHOST.into(), &networks).unwrap();
        assert!(way.is_direct && way.by.unwrap().is_loopback());
    }

    #[test]
    fn interfaces_are_listed_below_two_headings() {
        let listed = "Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:   55632     514    0    0    0     0          0         0    55632     514    0    0    0     0       0          0
wlp0s20f3: 1234       5    0    0    0     0          0         0        0       0    0    0    0     0       0          0
";
        assert_eq!(interfaces(listed), ["lo", "wlp0s20f3"]);
        assert!(interfaces("").is_empty());
    }
}
