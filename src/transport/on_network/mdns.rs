//! Reads the mDNS announcements of devices (RFC 6762, RFC 6763) with the `mdns-sd` crate. It does
//! not connect to them.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;

use mdns_sd::{
    HostnameResolutionEvent, IfKind, Receiver, ResolvedService, ScopedIp, ServiceDaemon,
    ServiceEvent,
};
use tokio::time::{Instant, timeout_at};

use super::collector::{Announcement, AnnouncementCollector};
use crate::transport::address::Address;
use crate::transport::candidate::Hints;
use crate::transport::error::TransportError;
use crate::transport::host_address::HostAddress;
use crate::transport::source::Interface;

/// A running search for devices. Dropping it ends the search.
pub(super) struct Browser {
    events: Receiver<ServiceEvent>,
    /// The search runs while this is alive.
    _daemon: Daemon,
    collector: AnnouncementCollector,
}

/// Dropping it stops the library's thread.
struct Daemon(ServiceDaemon);

impl Drop for Daemon {
    fn drop(&mut self) {
        // A failure leaves nothing to clean up.
        let _stopping = self.0.shutdown();
    }
}

impl Daemon {
    fn start(interface: &Interface) -> Result<Self, TransportError> {
        let failed = |source: mdns_sd::Error| TransportError::Unavailable {
            what: "mDNS",
            source: io::Error::other(source),
        };
        let daemon = match interface.mdns_port {
            Some(port) => ServiceDaemon::new_with_port(port),
            None => ServiceDaemon::new(),
        }
        .map_err(failed)?;
        let daemon = Self(daemon);
        // The firmware's service name is longer than RFC 6763, 7.2 allows.
        daemon
            .0
            .set_service_name_len_max(MAX_SERVICE_NAME_BYTES)
            .map_err(failed)?;
        if let Some(name) = interface.name() {
            daemon.0.disable_interface(IfKind::All).map_err(failed)?;
            let only = IfKind::Name(name.to_owned());
            daemon.0.enable_interface(only).map_err(failed)?;
        }
        Ok(daemon)
    }
}

impl Browser {
    pub(super) fn start(interface: &Interface) -> Result<Self, TransportError> {
        let daemon = Daemon::start(interface)?;
        let events = daemon.0.browse(SERVICE_TYPE);
        let events = events.map_err(|source| TransportError::Unavailable {
            what: "mDNS",
            source: io::Error::other(source),
        })?;
        Ok(Self {
            events,
            _daemon: daemon,
            collector: AnnouncementCollector::default(),
        })
    }

    /// The next device that was not reported yet; `None` when the time is up.
    pub(super) async fn next(&mut self, deadline: Instant) -> Option<Announcement> {
        loop {
            let now = Instant::now();
            // Checked in each round: an event queue that is never empty would otherwise hide the
            // deadline.
            if now >= deadline {
                return self.collector.take_any();
            }
            if let Some(announcement) = self.collector.take_due(now) {
                return Some(announcement);
            }
            let due = self.collector.next_due();
            let until = due.map_or(deadline, |due| due.min(deadline));
            match timeout_at(until, self.events.recv_async()).await {
                Ok(Ok(ServiceEvent::ServiceResolved(service))) => {
                    if let Some(announcement) = parse_service(&service) {
                        self.collector
                            .add(&service.fullname, announcement, Instant::now());
                    }
                }
                Ok(Ok(ServiceEvent::ServiceRemoved(_, name))) => self.collector.remove(&name),
                Ok(Ok(_)) | Err(_) => {}
                // The library stopped: no more events follow.
                Ok(Err(_)) => return self.collector.take_any(),
            }
        }
    }
}

/// A running search for the addresses of a host. Dropping it ends the search.
pub(super) struct Resolver {
    events: Receiver<HostnameResolutionEvent>,
    _daemon: Daemon,
    reported: HashSet<String>,
}

impl Resolver {
    /// Starts a search for a name in `.local`; `None` if mDNS does not work.
    pub(super) fn start(host: &str, interface: &Interface) -> Option<Self> {
        let started = Daemon::start(interface).map_err(|error| error.to_string());
        let started = started.and_then(|daemon| {
            let events = daemon.0.resolve_hostname(&format!("{host}."), None);
            Ok((events.map_err(|error| error.to_string())?, daemon))
        });
        match started {
            Ok((events, daemon)) => Some(Self {
                events,
                _daemon: daemon,
                reported: HashSet::new(),
            }),
            Err(error) => {
                tracing::debug!(error, host, "mDNS cannot resolve the host name");
                None
            }
        }
    }

    /// The next addresses that were not reported yet; `None` when no more can follow. The caller
    /// limits the wait.
    pub(super) async fn next(&mut self) -> Option<Vec<String>> {
        loop {
            let event = self.events.recv_async().await.ok()?;
            if let HostnameResolutionEvent::AddressesFound(_, addresses) = event {
                let mut new = format_hosts(&addresses);
                new.retain(|host| self.reported.insert(host.clone()));
                if !new.is_empty() {
                    return Some(new);
                }
            }
        }
    }
}

/// Parses a service; `None` if it has no address or port.
fn parse_service(service: &ResolvedService) -> Option<Announcement> {
    // The library joins labels without escapes: a dot or a backslash is part of the name.
    let instance = service.fullname.strip_suffix(SERVICE_TYPE)?;
    let instance = instance.strip_suffix('.').unwrap_or(instance).to_owned();
    // The SRV record's port is valid; firmware repeats it in the TXT record.
    let port = service.port;
    let addresses: Vec<Address> = format_hosts(&service.addresses)
        .into_iter()
        .map(|host| HostAddress::with_port(host, port))
        .collect();
    if addresses.is_empty() || port == 0 {
        return None;
    }
    let text = |key: &str| {
        let value = service.txt_properties.get(key)?.val()?;
        let text = std::str::from_utf8(value).ok()?.trim();
        (!text.is_empty() && text.len() <= MAX_TXT_VALUE_BYTES).then(|| text.to_owned())
    };
    let sec_version = text("sec_version").and_then(|text| text.parse().ok());
    Some(Announcement {
        instance,
        addresses,
        hints: Hints {
            node_id: text("node_id"),
            sec_version,
            pop_required: read_pop_required(text("pop_required").as_deref(), sec_version),
            is_likely: true,
            ..Hints::default()
        },
    })
}

/// Whether a PoP is required. Only Security 1 has a PoP: Local Control announces "false" also for
/// Security 2, which requires a password.
fn read_pop_required(text: Option<&str>, sec_version: Option<u64>) -> Option<bool> {
    match (text?, sec_version) {
        ("true" | "1" | "yes", None | Some(1)) => Some(true),
        ("false" | "0" | "no", Some(1)) => Some(false),
        _ => None,
    }
}

/// Formats addresses to connect to: IPv4 first, link-local IPv6 with the zone.
fn format_hosts(addresses: &HashSet<ScopedIp>) -> Vec<String> {
    let mut hosts: Vec<(bool, String)> = addresses
        .iter()
        .map(|address| {
            let zone = match address {
                ScopedIp::V6(six) => six.scope_id().name.as_str(),
                _ => "",
            };
            (address.is_ipv6(), format_host(address.to_ip_addr(), zone))
        })
        .collect();
    hosts.sort();
    hosts.into_iter().map(|(_, host)| host).collect()
}

/// A link-local address is useless without the interface on which it was announced.
fn format_host(address: IpAddr, zone: &str) -> String {
    match address {
        IpAddr::V6(six) if six.is_unicast_link_local() && !zone.is_empty() => {
            format!("{six}%{zone}")
        }
        other => other.to_string(),
    }
}

const SERVICE_TYPE: &str = "_esp_rmaker_chal_resp._tcp.local.";
/// The maximum for the service name in `SERVICE_TYPE`.
const MAX_SERVICE_NAME_BYTES: u8 = 30;
/// The maximum for a value of a TXT record.
const MAX_TXT_VALUE_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_link_local_addresses_have_a_zone() {
        let text = |address: &str, zone: &str| format_host(address.parse().unwrap(), zone);
        assert_eq!(text("fe80::1", "wlan0"), "fe80::1%wlan0");
        assert_eq!(text("fe80::1", ""), "fe80::1");
        assert_eq!(text("fd00::1", "wlan0"), "fd00::1");
        assert_eq!(text("192.168.1.100", ""), "192.168.1.100");
        let address = HostAddress::with_port(text("fe80::1", "wlan0"), 80);
        assert_eq!(address.to_string(), "[fe80::1%wlan0]:80");
    }

    #[test]
    fn only_security_1_has_pop_requirement() {
        for (text, sec_version, expected) in [
            (Some("true"), None, Some(true)),
            (Some("yes"), Some(1), Some(true)),
            (Some("1"), Some(2), None),
            (Some("true"), Some(0), None),
            (Some("false"), Some(1), Some(false)),
            (Some("no"), None, None),
            (Some("0"), Some(2), None),
            (Some("maybe"), Some(1), None),
            (None, Some(1), None),
        ] {
            let required = read_pop_required(text, sec_version);
            assert_eq!(required, expected, "{text:?} {sec_version:?}");
        }
    }
}
