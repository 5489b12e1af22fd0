//! Which addresses are this computer's own, where nobody listens in.

use std::net::IpAddr;

use url::{Host, Url};

/// Whether this is this computer, where nobody listens in.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // Names below it lead wherever the resolver says.
        Some(Host::Domain(name)) => name == LOCALHOST,
        Some(Host::Ipv4(ip)) => IpAddr::from(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::from(ip).is_loopback(),
        None => false,
    }
}

/// The one name that is meant.
pub(super) const LOCALHOST: &str = "localhost";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_computer_is_localhost_and_the_loopback_addresses_alone() {
        let local = |url: &str| is_loopback(&url.parse().unwrap());
        for here in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]:80",
        ] {
            assert!(local(&format!("http://{here}/v1/")), "{here}");
        }
        for elsewhere in [
            "a.localhost",
            "localhost.example",
            "localhost.",
            "192.0.2.1",
            "[::ffff:127.0.0.1]",
            "[fe80::1]",
        ] {
            assert!(!local(&format!("http://{elsewhere}/v1/")), "{elsewhere}");
        }
    }
}
