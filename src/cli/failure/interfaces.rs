//! Where a search on the network looked, for the advice when it found nobody: this computer's
//! interfaces, and a default route that may lead past the device.

use std::fs;

use crate::flows::find::Target;

/// In words; nothing where nothing is known.
pub(super) fn tried(target: &Target) -> Vec<String> {
    let mut hints = Vec::new();
    let mut interfaces: Vec<String> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|one| {
            target
                .interface
                .as_ref()
                .is_none_or(|name| *name == one.name)
        })
        .map(|one| format!("{} ({})", one.name, one.ip()))
        .collect();
    interfaces.sort();
    interfaces.dedup();
    hints.push(if interfaces.is_empty() {
        "looked nowhere: this computer has no network interface".to_owned()
    } else {
        format!(
            "looked for _esp_rmaker_chal_resp._tcp on {}; --interface names one",
            interfaces.join(", ")
        )
    });
    if let Some(name) = default_route().filter(|name| is_tunnel(name)) {
        hints.push(format!(
            "everything else goes through {name}, which looks like a VPN: it may keep this computer from its own network"
        ));
    }
    hints
}

/// The interface of the IPv4 default route, where the system tells it in a file.
fn default_route() -> Option<String> {
    let table = fs::read_to_string("/proc/net/route").ok()?;
    default_route_in(&table)
}

/// Columns: interface, destination, gateway, flags, …; the default route's destination is zero.
fn default_route_in(table: &str) -> Option<String> {
    table.lines().skip(1).find_map(|line| {
        let mut columns = line.split_whitespace();
        let (interface, destination) = (columns.next()?, columns.next()?);
        let mask = columns.nth(5)?;
        (destination == "00000000" && mask.trim_start_matches('0').len() <= 1)
            .then(|| interface.to_owned())
    })
}

/// By the names that systems and VPN programs give.
fn is_tunnel(name: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_route_is_the_one_to_everywhere() {
        let heading = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n";
        let home = "wlan0\t0001A8C0\t00000000\t0001\t0\t0\t600\t00FFFFFF\t0\n";
        let vpn = "wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\n";
        let route = default_route_in(&format!("{heading}{home}{vpn}")).unwrap();
        assert_eq!(route, "wg0");
        assert!(is_tunnel(&route) && !is_tunnel("wlan0"));
        assert_eq!(default_route_in(&format!("{heading}{home}")), None);
        assert_eq!(default_route_in(""), None);
        assert_eq!(default_route_in("a\nb"), None);
    }
}
