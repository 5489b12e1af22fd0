//! Reads the mDNS announcements of devices (RFC 6762, RFC 6763) with the `mdns-sd` crate. It does
//! not connect to them.

use std::collections::HashSet;
use std::io;

use mdns_sd::{
    HostnameResolutionEvent, IfKind, MDNS_PORT, Receiver, ResolvedService, ScopedIp, ServiceDaemon,
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
    fn start(interface: &Interface) -> mdns_sd::Result<Self> {
        let daemon = ServiceDaemon::new_with_port(interface.mdns_port.unwrap_or(MDNS_PORT))?;
        let daemon = Self(daemon);
        // The firmware's service name is longer than RFC 6763, 7.2 allows.
        daemon.0.set_service_name_len_max(MAX_SERVICE_NAME_BYTES)?;
        if let Some(name) = interface.name() {
            daemon.0.disable_interface(IfKind::All)?;
            daemon.0.enable_interface(IfKind::Name(name.to_owned()))?;
        }
        Ok(daemon)
    }
}

impl Browser {
    pub(super) fn start(interface: &Interface) -> Result<Self, TransportError> {
        let started = Daemon::start(interface).and_then(|daemon| {
            Ok(Self {
                events: daemon.0.browse(SERVICE_TYPE)?,
                _daemon: daemon,
                collector: AnnouncementCollector::default(),
            })
        });
        started.map_err(|error| TransportError::Unavailable {
            what: "mDNS",
            source: io::Error::other(error),
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
        let started = Daemon::start(interface).and_then(|daemon| {
            Ok(Self {
                events: daemon.0.resolve_hostname(&format!("{host}."), None)?,
                _daemon: daemon,
                reported: HashSet::new(),
            })
        });
        let failed = |error: &mdns_sd::Error| tracing::debug!(%error, host, "mDNS cannot resolve the host name");
        started.inspect_err(failed).ok()
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

/// Formats addresses to connect to, IPv4 first. The library adds the zone to link-local IPv6
/// addresses, which are useless without the interface on which they were announced.
fn format_hosts(addresses: &HashSet<ScopedIp>) -> Vec<String> {
    let hosts = addresses.iter();
    let mut hosts: Vec<_> = hosts
        .map(|host| (host.is_ipv6(), host.to_string()))
        .collect();
    hosts.sort();
    hosts.into_iter().map(|(_, host)| host).collect()
}

const SERVICE_TYPE: &str = "_esp_rmaker_chal_resp._tcp.local.";
/// The maximum for the service name in `SERVICE_TYPE`.
const MAX_SERVICE_NAME_BYTES: u8 = 30;
/// The maximum for a value of a TXT record.
const MAX_TXT_VALUE_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_link_local_addresses_have_a_zone() {
        use if_addrs::{IfAddr, IfOperStatus, Ifv4Addr, Ifv6Addr, Interface};
        let at = |addr| Interface {
            name: "wlan0".to_owned(),
            addr,
            index: Some(3),
            oper_status: IfOperStatus::Up,
            is_p2p: false,
        };
        let six = |ip: &str| {
            at(IfAddr::V6(Ifv6Addr {
                ip: ip.parse().unwrap(),
                netmask: std::net::Ipv6Addr::UNSPECIFIED,
                prefixlen: 64,
                broadcast: None,
            }))
        };
        let four = at(IfAddr::V4(Ifv4Addr {
            ip: [192, 168, 1, 100].into(),
            netmask: std::net::Ipv4Addr::UNSPECIFIED,
            prefixlen: 24,
            broadcast: None,
        }));
        let announced = [six("fe80::1"), six("fd00::1"), four].map(|on| ScopedIp::from(&on));
        let mut announced = HashSet::from(announced);
        announced.insert(ScopedIp::from(
            "fe80::2".parse::<std::net::IpAddr>().unwrap(),
        ));
        let hosts = format_hosts(&announced);
        assert_eq!(
            hosts,
            ["192.168.1.100", "fd00::1", "fe80::1%wlan0", "fe80::2"]
        );
        let address = HostAddress::with_port(hosts[2].as_str(), 80);
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
