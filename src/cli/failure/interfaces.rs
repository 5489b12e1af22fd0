//! Where a search on the network looked, for the advice when it found nobody: this computer's
//! interfaces, and a way to everywhere else that may lead past the device. What the system says
//! of them is `transport::way_out`'s.

use std::net::IpAddr;

use crate::flows::find::Target;
use crate::transport::facts::is_tunnel;
use crate::transport::way_out;

/// In words; nothing where nobody looked, because the address was given.
pub(super) fn tried(target: &Target) -> Vec<String> {
    if target.address.is_some() {
        return Vec::new();
    }
    let mut searched = way_out::searched();
    if let Some(only) = &target.interface {
        searched.retain(|(name, _)| name == only);
    }
    advice(&searched, way_out::name().as_deref())
}

fn advice(searched: &[(String, IpAddr)], way_out: Option<&str>) -> Vec<String> {
    let interfaces: Vec<String> = searched
        .iter()
        .map(|(name, address)| format!("{name} ({address})"))
        .collect();
    let mut hints = vec![if interfaces.is_empty() {
        "looked nowhere: this computer has no network interface for it that is up".to_owned()
    } else {
        format!(
            "looked for _esp_rmaker_chal_resp._tcp on {}; --interface names one",
            interfaces.join(", ")
        )
    }];
    if let Some(name) = way_out.filter(|name| is_tunnel(name)) {
        hints.push(format!(
            "everything else goes through {name}, which looks like a VPN: it may keep this computer from its own network"
        ));
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_out_that_looks_like_a_vpn_is_named() {
        let home = [("wlan0".to_owned(), "192.168.1.2".parse().unwrap())];
        let told = advice(&home, Some("tun0"));
        assert!(told[0].contains("on wlan0 (192.168.1.2);"), "{told:?}");
        assert!(told[1].contains("through tun0,"), "{told:?}");
        for other in [Some("wlan0"), None] {
            assert_eq!(advice(&home, other).len(), 1);
        }
        assert!(advice(&[], None)[0].starts_with("looked nowhere"));
    }
}
