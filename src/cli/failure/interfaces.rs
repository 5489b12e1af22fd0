//! Where a search on the network looked, for the advice when it found nobody: this computer's
//! interfaces, and a default route that may lead past the device.

use crate::flows::find::Target;
use crate::host::{HostNetwork, find_default_networks, list_networks};

/// In words; nothing where nobody looked, because the address was given.
pub(super) fn tried(target: &Target) -> Vec<String> {
    if target.address.is_some() {
        return Vec::new();
    }
    let networks = list_networks();
    let searched = networks.iter().filter(|network| {
        let only = target.options.given("interface");
        network.is_searched() && only.is_none_or(|only| network.interface == only)
    });
    advice(searched, &find_default_networks(&networks))
}

fn advice<'n>(
    searched: impl Iterator<Item = &'n HostNetwork>,
    defaults: &[&HostNetwork],
) -> Vec<String> {
    let interfaces: Vec<String> = searched
        .map(|network| format!("{} ({})", network.interface, network.address))
        .collect();
    let mut hints = vec![if interfaces.is_empty() {
        "looked nowhere: this computer has no network interface for it that is up".to_owned()
    } else {
        format!(
            "looked for _esp_rmaker_chal_resp._tcp on {}; --interface names one",
            interfaces.join(", ")
        )
    }];
    if let Some(tunnel) = defaults.iter().find(|network| network.is_tunnel) {
        hints.push(format!(
            "everything else goes through {}, which looks like a VPN: it may keep this computer from its own network",
            tunnel.interface
        ));
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_route_through_vpn_is_named() {
        let network = |interface: &str, is_tunnel| HostNetwork {
            interface: interface.to_owned(),
            index: 1,
            address: "192.168.1.2".parse().unwrap(),
            prefix: 24,
            is_up: true,
            is_point_to_point: is_tunnel,
            is_tunnel,
        };
        let (home, vpn) = (network("wlan0", false), network("tun0", true));
        let hints = advice([&home].into_iter(), &[&vpn]);
        assert!(hints[0].contains("on wlan0 (192.168.1.2);"), "{hints:?}");
        assert!(hints[1].contains("through tun0,"), "{hints:?}");
        for defaults in [&[&home][..], &[]] {
            assert_eq!(advice([&home].into_iter(), defaults).len(), 1);
        }
        assert!(advice([].into_iter(), &[])[0].starts_with("looked nowhere"));
    }
}
