//! Recognizes addresses of this computer, where plain HTTP is safe.

use url::{Host, Url};

/// Whether the URL leads to this computer. Only `localhost` and loopback addresses do.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        // A resolver can send names below `localhost` elsewhere.
        Some(Host::Domain(name)) => name == LOCALHOST,
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The only host name that counts as this computer.
pub(super) const LOCALHOST: &str = "localhost";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_localhost_and_loopback_addresses_are_local() {
        let is_local = |url: &str| is_loopback(&url.parse().unwrap());
        for local in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1",
            "127.9.9.9:1",
            "[::1]:80",
        ] {
            assert!(is_local(&format!("http://{local}/v1/")), "{local}");
        }
        for remote in [
            "a.localhost",
            "localhost.example",
            "localhost.",
            "192.0.2.1",
            "[::ffff:127.0.0.1]",
            "[fe80::1]",
        ] {
            assert!(!is_local(&format!("http://{remote}/v1/")), "{remote}");
        }
    }
}
