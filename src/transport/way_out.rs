//! Which of this computer's interfaces lead where, by the system's own word, for advice when
//! nobody was found. It sends nothing, and what follows from it is the reader's to say.

use std::net::{IpAddr, Ipv4Addr};

use if_addrs::{Interface, get_if_addrs};

use super::facts::source_for;

/// The interface by which this computer would reach the world outside, with all of its routes
/// taken into account; `None` where it would not.
pub fn name() -> Option<String> {
    let address = source_for(OUTSIDE)
        .inspect_err(|error| tracing::debug!(%error, "no way out"))
        .ok()?;
    let mut interfaces = get_if_addrs().unwrap_or_default().into_iter();
    let found = interfaces.find(|one| one.ip() == address);
    found.map(|one| one.name)
}

/// The interfaces on which a search looks, with one address each or several: those that are up and
/// lead to a network rather than to one other computer.
pub fn searched() -> Vec<(String, IpAddr)> {
    let interfaces = get_if_addrs().unwrap_or_default().into_iter();
    let mut searched: Vec<_> = interfaces
        .filter(is_searched)
        .map(|one| (one.name.clone(), one.ip()))
        .collect();
    searched.sort();
    searched.dedup();
    searched
}

fn is_searched(interface: &Interface) -> bool {
    interface.is_oper_up() && !interface.is_p2p()
}

/// For documentation only (RFC 5737), and so behind the default route everywhere.
const OUTSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_that_is_named_is_one_of_this_computer() {
        let known: Vec<String> = get_if_addrs()
            .unwrap()
            .into_iter()
            .map(|one| one.name)
            .collect();
        assert!(name().is_none_or(|name| known.contains(&name)));
        assert!(searched().iter().all(|(name, _)| known.contains(name)));
    }
}
