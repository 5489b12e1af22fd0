//! The network interfaces of a search without a result, and a default route that may bypass the device.

use crate::host::{HostNetwork, find_default_networks, list_networks};
use crate::report::context::Context;

/// Hints that name the searched interfaces; empty if the address was given, so that there was no search.
pub(super) fn list_searched(context: &Context) -> Vec<String> {
    if context.address.is_some() {
        return Vec::new();
    }
    let networks = match list_networks() {
        Ok(networks) => networks,
        Err(error) => return vec![format!("the networks cannot be listed: {error}")],
    };
    let searched = networks.iter().filter(|network| {
        let only = context.interface.as_ref();
        network.is_searched() && only.is_none_or(|only| network.interface == *only)
    });
    describe(searched, &find_default_networks(&networks))
}

fn describe<'n>(
    searched: impl Iterator<Item = &'n HostNetwork>,
    defaults: &[&HostNetwork],
) -> Vec<String> {
    let interfaces: Vec<String> = searched
        .map(|network| format!("{} ({})", network.interface, network.address))
        .collect();
    let mut hints = vec![if interfaces.is_empty() {
        "connect this computer to the device's network: no network interface is up".to_owned()
    } else {
        format!(
            "searched for _esp_rmaker_chal_resp._tcp on {}; select one with `--interface`",
            interfaces.join(", ")
        )
    }];
    if let Some(tunnel) = defaults.iter().find(|network| network.is_tunnel) {
        hints.push(format!(
            "disconnect {}, which looks like a VPN: it may hide the network that this computer is on",
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
        let hints = describe([&home].into_iter(), &[&vpn]);
        assert!(hints[0].contains("on wlan0 (192.168.1.2);"), "{hints:?}");
        assert!(hints[1].contains("disconnect tun0,"), "{hints:?}");
        for defaults in [&[&home][..], &[]] {
            assert_eq!(describe([&home].into_iter(), defaults).len(), 1);
        }
        assert!(describe([].into_iter(), &[])[0].starts_with("connect this computer"));
    }
}
