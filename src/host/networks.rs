//! The networks of this computer, as the system lists them. Nothing is sent.

use std::io;
use std::net::IpAddr;

#[cfg(target_os = "linux")]
use std::{fs, path::PathBuf};

use if_addrs::{IfAddr, get_if_addrs};
use ipnet::IpNet;
#[cfg(not(target_os = "linux"))]
use netdev::interface::{interface::Interface, types::InterfaceType};

/// An address of this computer, with its network and interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostNetwork {
    /// The interface's name, such as `wlan0`.
    pub interface: String,
    /// The system's index of the interface.
    pub index: u32,
    /// This computer's address in the network.
    pub address: IpAddr,
    /// The length of the network prefix, in bits.
    pub prefix: u8,
    /// Whether the link is up: a cable is plugged in, or a Wi-Fi network joined.
    pub is_up: bool,
    /// Whether the interface leads to a single computer, as a tunnel does.
    pub is_point_to_point: bool,
    /// Whether the interface looks like a VPN.
    pub is_tunnel: bool,
}

impl HostNetwork {
    /// Whether it is the loopback network.
    pub(crate) fn is_loopback(&self) -> bool {
        self.address.is_loopback()
    }

    /// Whether a search for devices uses the network: it is up, and not point-to-point.
    pub(crate) fn is_searched(&self) -> bool {
        self.is_up && !self.is_point_to_point
    }

    /// Whether the address belongs to this network.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        // A prefix that is not valid contains only the address itself.
        let network = IpNet::new(self.address, self.prefix);
        network
            .unwrap_or_else(|_| self.address.into())
            .contains(&address)
    }
}

/// All networks of this computer, sorted by interface and address.
pub(crate) fn list_networks() -> io::Result<Vec<HostNetwork>> {
    let kinds = InterfaceKinds::read();
    let mut networks: Vec<HostNetwork> = get_if_addrs()?
        .into_iter()
        .map(|interface| HostNetwork {
            // 0 is the system's index for any interface.
            index: interface.index.unwrap_or(0),
            address: interface.ip(),
            prefix: match &interface.addr {
                IfAddr::V4(v4) => v4.prefixlen,
                IfAddr::V6(v6) => v6.prefixlen,
            },
            is_up: interface.is_oper_up(),
            is_point_to_point: interface.is_p2p(),
            is_tunnel: is_tunnel(
                &interface.name,
                kinds.kind_of(&interface),
                interface.is_p2p(),
            ),
            interface: interface.name,
        })
        .collect();
    networks.sort_by(|left, right| {
        (&left.interface, left.address).cmp(&(&right.interface, right.address))
    });
    Ok(networks)
}

/// The system's information about an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum InterfaceKind {
    Tunnel,
    /// Hardware. A modem is point-to-point, but not a tunnel.
    Hardware,
    /// The system has no information.
    Unknown,
}

fn is_tunnel(name: &str, kind: InterfaceKind, is_point_to_point: bool) -> bool {
    let mut prefixes = TUNNEL_NAME_PREFIXES.iter();
    prefixes.any(|prefix| name.starts_with(prefix))
        || kind == InterfaceKind::Tunnel
        || kind == InterfaceKind::Unknown && is_point_to_point
}

/// The Wi-Fi interfaces of this computer, connected or not.
pub(crate) fn list_wifi_interfaces() -> io::Result<Vec<String>> {
    InterfaceKinds::read().wifi_interfaces()
}

/// Reads the kinds of interfaces from the kernel's files. The crate `netdev` is not used here,
/// because it also reads `NetworkManager`'s files with the passphrases of this computer's networks.
#[cfg(target_os = "linux")]
struct InterfaceKinds {
    folder: PathBuf,
}

#[cfg(target_os = "linux")]
impl InterfaceKinds {
    fn read() -> Self {
        let folder = PathBuf::from("/sys/class/net");
        Self { folder }
    }

    fn kind_of(&self, interface: &if_addrs::Interface) -> InterfaceKind {
        self.kind_of_name(&interface.name)
    }

    fn kind_of_name(&self, name: &str) -> InterfaceKind {
        let folder = self.folder.join(name);
        if folder.join("device").exists() {
            return InterfaceKind::Hardware;
        }
        let number = fs::read_to_string(folder.join("type")).unwrap_or_default();
        // A tap has the type number of Ethernet.
        if TUNNEL_TYPES.contains(&number.trim()) || folder.join("tun_flags").exists() {
            return InterfaceKind::Tunnel;
        }
        InterfaceKind::Unknown
    }

    fn wifi_interfaces(&self) -> io::Result<Vec<String>> {
        // This list is for the current network namespace; the folder may be for another one.
        let mut names = parse_interface_names(&fs::read_to_string("/proc/net/dev")?);
        names.retain(|name| self.is_wifi(name));
        Ok(names)
    }

    fn is_wifi(&self, name: &str) -> bool {
        let folder = self.folder.join(name);
        folder.join("phy80211").exists() || folder.join("wireless").exists()
    }
}

/// Parses the names in `/proc/net/dev`, which has two lines of headings.
#[cfg(target_os = "linux")]
fn parse_interface_names(listed: &str) -> Vec<String> {
    let lines = listed.lines().skip(2);
    let names = lines.filter_map(|line| line.split_once(':'));
    names.map(|(name, _)| name.trim().to_owned()).collect()
}

/// The kinds of interfaces, as the system reports them.
#[cfg(not(target_os = "linux"))]
struct InterfaceKinds(Vec<Interface>);

#[cfg(not(target_os = "linux"))]
impl InterfaceKinds {
    fn read() -> Self {
        Self(netdev::get_interfaces())
    }

    /// Compares the index, because the two crates use different names on Windows.
    fn kind_of(&self, interface: &if_addrs::Interface) -> InterfaceKind {
        let mut interfaces = self.0.iter();
        match interfaces.find(|candidate| Some(candidate.index) == interface.index) {
            Some(found) => kind_of_type(found.if_type),
            None => InterfaceKind::Unknown,
        }
    }

    #[expect(clippy::unnecessary_wraps, reason = "Linux may fail here")]
    fn wifi_interfaces(self) -> io::Result<Vec<String>> {
        let of_wifi = |interface: &Interface| interface.if_type == InterfaceType::Wireless80211;
        let interfaces = self.0.into_iter().filter(of_wifi);
        Ok(interfaces.map(name_of).collect())
    }
}

/// The name that [`list_networks`] has for the interface.
#[cfg(not(target_os = "linux"))]
fn name_of(interface: Interface) -> String {
    let friendly_name = interface.friendly_name.filter(|_| cfg!(windows));
    friendly_name.unwrap_or(interface.name)
}

#[cfg(not(target_os = "linux"))]
const fn kind_of_type(kind: InterfaceType) -> InterfaceKind {
    match kind {
        InterfaceType::Ppp | InterfaceType::Slip | InterfaceType::Tunnel => InterfaceKind::Tunnel,
        InterfaceType::Wwan | InterfaceType::Wwanpp | InterfaceType::Wwanpp2 => {
            InterfaceKind::Hardware
        }
        _ => InterfaceKind::Unknown,
    }
}

/// The kernel's type numbers of tunnels (`ARPHRD_…`): PPP, IP in IP, IP in IPv6, SIT, GRE, GRE over
/// IPv6, and interfaces without hardware addresses, such as `WireGuard`'s.
#[cfg(target_os = "linux")]
const TUNNEL_TYPES: [&str; 7] = ["512", "768", "769", "776", "778", "823", "65534"];

/// The usual prefixes of the names of tunnels of the system and of VPN programs.
const TUNNEL_NAME_PREFIXES: [&str; 9] = [
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
impl HostNetwork {
    /// An ordinary network that is up.
    pub(super) fn sample(interface: &str, address: &str, prefix: u8) -> Self {
        Self {
            interface: interface.to_owned(),
            index: 1,
            address: address.parse().unwrap(),
            prefix,
            is_up: true,
            is_point_to_point: false,
            is_tunnel: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_contains_addresses_with_its_prefix() {
        let has = |own: &str, prefix, other: &str| {
            HostNetwork::sample("x", own, prefix).contains(other.parse().unwrap())
        };
        assert!(has("192.168.4.2", 24, "192.168.4.1"));
        assert!(!has("192.168.1.20", 24, "192.168.4.1"));
        assert!(has("192.168.1.20", 16, "192.168.4.1"));
        assert!(has("10.8.0.2", 0, "192.168.4.1"));
        assert!(!has("10.8.0.2", 32, "10.8.0.1"));
        assert!(has("10.8.0.2", 32, "10.8.0.2"));
        assert!(has("fe80::2", 64, "fe80::1"));
        assert!(!has("fd00::2", 64, "fe80::1"));
        assert!(!has("::1", 128, "127.0.0.1"));
        // An invalid prefix does not panic.
        assert!(has("10.0.0.1", 200, "10.0.0.1"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn reads_kinds_from_kernel_files() {
        let folder = tempfile::tempdir().unwrap();
        let kinds = InterfaceKinds {
            folder: folder.path().to_owned(),
        };
        for (name, file, text, kind) in [
            // A WireGuard interface, which need not be point-to-point.
            ("office", "type", "65534\n", InterfaceKind::Tunnel),
            ("work", "type", "512\n", InterfaceKind::Tunnel),
            ("six", "type", "776\n", InterfaceKind::Tunnel),
            ("corp", "tun_flags", "0x1001\n", InterfaceKind::Tunnel),
            ("eth0", "type", "1\n", InterfaceKind::Unknown),
        ] {
            let interface = folder.path().join(name);
            fs::create_dir(&interface).unwrap();
            fs::write(interface.join(file), text).unwrap();
            assert_eq!(kinds.kind_of_name(name), kind, "{name}");
            // A modem, for example.
            fs::create_dir(interface.join("device")).unwrap();
            assert_eq!(kinds.kind_of_name(name), InterfaceKind::Hardware, "{name}");
            assert!(!kinds.is_wifi(name), "{name}");
            fs::create_dir(interface.join("phy80211")).unwrap();
            assert!(kinds.is_wifi(name), "{name}");
        }
        assert_eq!(kinds.kind_of_name("nowhere"), InterfaceKind::Unknown);
    }

    #[test]
    fn recognizes_tunnels_by_kind_and_name() {
        for (name, kind, is_point_to_point, expected) in [
            ("office", InterfaceKind::Tunnel, false, true),
            ("office", InterfaceKind::Unknown, true, true),
            ("office", InterfaceKind::Unknown, false, false),
            ("wwan0", InterfaceKind::Hardware, true, false),
        ] {
            let is_recognized = is_tunnel(name, kind, is_point_to_point);
            assert_eq!(is_recognized, expected, "{name} {kind:?}");
        }
        for name in ["tun0", "wg-home", "ppp0", "utun4", "tailscale0"] {
            assert!(is_tunnel(name, InterfaceKind::Unknown, false), "{name}");
        }
        for name in ["eth0", "wlan0", "wlp3s0", "lo", "en0", "docker0"] {
            assert!(!is_tunnel(name, InterfaceKind::Unknown, false), "{name}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn parses_interface_names_below_headings() {
        let listed = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:   55632     514    0    0    0     0          0         0    55632     514    0    0    0     0       0          0
wlp0s20f3: 1234       5    0    0    0     0          0         0        0       0    0    0    0     0       0          0
";
        assert_eq!(parse_interface_names(listed), ["lo", "wlp0s20f3"]);
        assert!(parse_interface_names("").is_empty());
    }
}
