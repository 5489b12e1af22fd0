//! Through which interface everything goes that has no route of its own, and which interfaces are
//! tunnels. On Linux the kernel's tables say so; elsewhere nobody is asked.

use std::fs;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use if_addrs::get_if_addrs;

/// The interfaces of the default routes. Two halves of the world are a default route, too: so a VPN
/// takes everything without touching the one that was there before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// For IPv4, if there is one.
    pub v4: Option<String>,
    /// For IPv6, likewise.
    pub v6: Option<String>,
}

/// Those of this computer; `None` where they cannot be read.
pub fn defaults() -> Option<Defaults> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let read = |path| {
        fs::read_to_string(path)
            .inspect_err(|error| tracing::debug!(%error, path, "no routes"))
            .ok()
    };
    // Without IPv6 its table is not there.
    let v6 = read("/proc/net/ipv6_route").unwrap_or_default();
    Some(of_tables(&read("/proc/net/route")?, &v6))
}

/// By what the system says of the interface, and by the names that systems and VPN programs give.
pub fn is_tunnel(name: &str) -> bool {
    let interfaces = get_if_addrs().unwrap_or_default();
    let mut interfaces = interfaces.iter().filter(|one| one.name == name);
    let is_point_to_point = interfaces.any(if_addrs::Interface::is_p2p);
    is_named_like_one(name)
        || is_made_as_one(&Path::new("/sys/class/net").join(name), is_point_to_point)
}

/// By the kernel's folder of an interface, where there is one.
fn is_made_as_one(folder: &Path, is_point_to_point: bool) -> bool {
    // A modem leads to one other computer, too, and is no tunnel.
    if folder.join("device").exists() {
        return false;
    }
    let kind = fs::read_to_string(folder.join("type")).unwrap_or_default();
    is_point_to_point || folder.join("tun_flags").exists() || TUNNELS.contains(&kind.trim())
}

fn is_named_like_one(name: &str) -> bool {
    [
        "tun",
        "tap",
        "wg",
        "ppp",
        "utun",
        "tailscale",
        "zt",
        "nordlynx",
        "proton",
    ]
    .iter()
    .any(|start| name.starts_with(start))
}

/// A route to all, or to half of all.
struct Route {
    interface: String,
    is_half: bool,
    metric: u32,
}

fn of_tables(v4: &str, v6: &str) -> Defaults {
    Defaults {
        v4: chosen(v4.lines().filter_map(route_of_v4).collect()),
        v6: chosen(v6.lines().filter_map(route_of_v6).collect()),
    }
}

/// The more exact one wins, then the lower metric.
fn chosen(routes: Vec<Route>) -> Option<String> {
    let halves = routes.iter().filter(|route| route.is_half).count();
    routes
        .into_iter()
        // One half alone is not everything.
        .filter(|route| !route.is_half || halves > 1)
        .min_by_key(|route| (!route.is_half, route.metric))
        .map(|route| route.interface)
}

/// `Iface Destination Gateway Flags RefCnt Use Metric Mask …`, addresses in the byte order of the
/// computer, and these are the same in either.
fn route_of_v4(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [
        interface,
        destination,
        _gateway,
        flags,
        _,
        _,
        metric,
        mask,
        ..,
    ] = fields[..]
    else {
        return None;
    };
    let number = |text| u32::from_str_radix(text, 16).ok();
    let address = |text| Some(Ipv4Addr::from(number(text)?.to_ne_bytes()));
    let is_half = match (address(destination)?.octets(), address(mask)?.octets()) {
        ([0, 0, 0, 0], [0, 0, 0, 0]) => false,
        ([0 | 128, 0, 0, 0], [128, 0, 0, 0]) => true,
        _ => return None,
    };
    (number(flags)? & (UP | REJECTS) == UP).then(|| Route {
        interface: interface.to_owned(),
        is_half,
        metric: metric.parse().unwrap_or(u32::MAX),
    })
}

/// `destination length source length next-hop metric references uses flags interface`, all in
/// hexadecimal digits.
fn route_of_v6(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [
        destination,
        length,
        _,
        source_length,
        _,
        metric,
        _,
        _,
        flags,
        interface,
    ] = fields[..]
    else {
        return None;
    };
    let number = |text| u32::from_str_radix(text, 16).ok();
    let destination = Ipv6Addr::from(u128::from_str_radix(destination, 16).ok()?);
    let is_half = match (destination.segments(), number(length)?) {
        ([0, 0, 0, 0, 0, 0, 0, 0], 0) => false,
        // All of it that is given away so far is 2000::/3.
        ([0 | 0x8000, 0, 0, 0, 0, 0, 0, 0], 1) | ([0x2000, 0, 0, 0, 0, 0, 0, 0], 3) => true,
        _ => return None,
    };
    let is_here = number(source_length)? == 0 && number(flags)? & (UP | REJECTS) == UP;
    is_here.then(|| Route {
        interface: interface.to_owned(),
        is_half,
        metric: number(metric).unwrap_or(u32::MAX),
    })
}

/// `RTF_UP`.
const UP: u32 = 0x0001;
/// `RTF_REJECT`.
const REJECTS: u32 = 0x0200;

/// Kinds of interfaces as the kernel numbers them (`ARPHRD_…`): PPP, IP in IP, in IPv6, SIT, GRE, GRE
/// over IPv6, and those without addresses of hardware, as `WireGuard`'s.
const TUNNELS: [&str; 7] = ["512", "768", "769", "776", "778", "823", "65534"];

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";
    const HOME: &str = "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
                        eth0\t000200C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n";
    const HOME_V6: &str = "\
fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000004 00000000 80200001       lo
ff000000000000000000000000000000 08 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000003 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
";

    fn v4(more: &str) -> Option<String> {
        of_tables(&format!("{HEADING}{HOME}{more}"), "").v4
    }

    #[test]
    fn the_kernels_tables_say_where_everything_goes() {
        let found = of_tables(&format!("{HEADING}{HOME}"), HOME_V6);
        let eth0 = Some("eth0".to_owned());
        assert_eq!(found.v4, eth0);
        assert_eq!(found.v6, eth0);
        // A network without IPv6: the last line only rejects.
        let rejected = HOME_V6.lines().last().unwrap();
        assert_eq!(of_tables(HEADING, rejected), Defaults::default());
        for torn in ["", "eth0", "eth0\t0\t0", "\u{0}", "x y z z 0 0 0 0"] {
            assert_eq!(of_tables(torn, torn), Defaults::default(), "{torn:?}");
        }
    }

    #[test]
    fn a_vpn_takes_everything_by_metric_or_by_halves() {
        let lower = "tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0\n";
        assert_eq!(v4(lower).as_deref(), Some("tun0"));
        let higher = lower.replace("\t50\t", "\t600\t");
        assert_eq!(v4(&higher).as_deref(), Some("eth0"));
        // As OpenVPN does it (`redirect-gateway def1`).
        let halves = "tun0\t00000000\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n\
                      tun0\t00000080\t0100080A\t0003\t0\t0\t0\t00000080\t0\t0\t0\n";
        assert_eq!(v4(halves).as_deref(), Some("tun0"));
        let one = halves.lines().next().unwrap();
        assert_eq!(v4(one).as_deref(), Some("eth0"));
        let global = "\
20000000000000000000000000000000 03 00000000000000000000000000000000 00 00000000000000000000000000000000 000000c8 00000001 00000000 00000001     tun0
00000000000000000000000000000000 01 00000000000000000000000000000000 00 00000000000000000000000000000000 000000c8 00000001 00000000 00000001     tun0
";
        let found = of_tables("", &format!("{HOME_V6}{global}"));
        assert_eq!(found.v6.as_deref(), Some("tun0"));
    }

    #[test]
    fn tunnels_are_known_by_how_they_are_made() {
        let folder = tempfile::tempdir().unwrap();
        for (name, file, text, is_one) in [
            ("office", "type", "65534\n", true),
            ("work", "type", "512\n", true),
            ("corp", "tun_flags", "0x1001\n", true),
            ("eth0", "type", "1\n", false),
        ] {
            let interface = folder.path().join(name);
            fs::create_dir(&interface).unwrap();
            fs::write(interface.join(file), text).unwrap();
            assert_eq!(is_made_as_one(&interface, false), is_one, "{name}");
            assert!(is_made_as_one(&interface, true), "{name}");
            // With a driver of hardware, it is a modem.
            fs::create_dir(interface.join("device")).unwrap();
            assert!(!is_made_as_one(&interface, true), "{name}");
        }
        assert!(!is_made_as_one(&folder.path().join("nowhere"), false));
    }

    #[test]
    fn tunnels_are_known_by_their_names() {
        for name in ["tun0", "wg-home", "ppp0", "utun4", "tailscale0"] {
            assert!(is_named_like_one(name), "{name}");
        }
        for name in ["eth0", "wlan0", "wlp3s0", "lo", "en0", "docker0"] {
            assert!(!is_named_like_one(name), "{name}");
        }
    }
}
