//! What devices announce by mDNS (RFC 6762, RFC 6763), read with a library. It connects to nobody.

use std::collections::HashSet;
use std::io;
use std::net::IpAddr;

use mdns_sd::{
    HostnameResolutionEvent, IfKind, Receiver, ResolvedService, ScopedIp, ServiceDaemon,
    ServiceEvent,
};
use tokio::time::{Instant, timeout_at};

use super::announcement::Announcement;
use super::gathered::Gathered;
use crate::transport::address::Address;
use crate::transport::candidate::Hints;
use crate::transport::error::TransportError;
use crate::transport::host_address::HostAddress;
use crate::transport::source::Interface;

/// A search under way. It ends when dropped.
pub(super) struct Browser {
    found: Receiver<ServiceEvent>,
    /// Works for as long as this is held.
    _daemon: Daemon,
    gathered: Gathered,
}

/// Stops its thread when dropped.
struct Daemon(ServiceDaemon);

impl Drop for Daemon {
    fn drop(&mut self) {
        // Nothing of it is left to be told when that fails.
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
        // Firmware's name is longer than RFC 6763, 7.2 allows.
        daemon
            .0
            .set_service_name_len_max(LONGEST_TYPE)
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
        let found = daemon.0.browse(SERVICE_TYPE);
        let found = found.map_err(|source| TransportError::Unavailable {
            what: "mDNS",
            source: io::Error::other(source),
        })?;
        Ok(Self {
            found,
            _daemon: daemon,
            gathered: Gathered::default(),
        })
    }

    /// The next device that was not told of yet; `None` when the time is up.
    pub(super) async fn next(&mut self, deadline: Instant) -> Option<Announcement> {
        loop {
            let now = Instant::now();
            // Looked at in each turn: a queue that is never empty would hide it from the wait.
            if now >= deadline {
                return self.gathered.take_any();
            }
            if let Some(announcement) = self.gathered.take(now) {
                return Some(announcement);
            }
            let due = self.gathered.due();
            let until = due.map_or(deadline, |due| due.min(deadline));
            match timeout_at(until, self.found.recv_async()).await {
                Ok(Ok(ServiceEvent::ServiceResolved(service))) => {
                    if let Some(announcement) = read(&service) {
                        self.gathered
                            .heard(&service.fullname, announcement, Instant::now());
                    }
                }
                Ok(Ok(ServiceEvent::ServiceRemoved(_, name))) => self.gathered.gone(&name),
                Ok(Ok(_)) | Err(_) => {}
                // Nobody will say anything more.
                Ok(Err(_)) => return self.gathered.take_any(),
            }
        }
    }
}

/// A search for the addresses of a host. It ends when dropped.
pub(super) struct Resolver {
    found: Receiver<HostnameResolutionEvent>,
    _daemon: Daemon,
    told: HashSet<String>,
}

impl Resolver {
    /// Of a name in `.local`; `None` where mDNS does not work.
    pub(super) fn start(host: &str, interface: &Interface) -> Option<Self> {
        let started = Daemon::start(interface).map_err(|error| error.to_string());
        let started = started.and_then(|daemon| {
            let found = daemon.0.resolve_hostname(&format!("{host}."), None);
            Ok((found.map_err(|error| error.to_string())?, daemon))
        });
        match started {
            Ok((found, daemon)) => Some(Self {
                found,
                _daemon: daemon,
                told: HashSet::new(),
            }),
            Err(error) => {
                tracing::debug!(error, host, "no mDNS for the host's name");
                None
            }
        }
    }

    /// The next ones that were not told of yet; `None` when nothing more will be said. It waits
    /// for as long as it is let.
    pub(super) async fn next(&mut self) -> Option<Vec<String>> {
        loop {
            let event = self.found.recv_async().await.ok()?;
            if let HostnameResolutionEvent::AddressesFound(_, addresses) = event {
                let mut new = hosts(&addresses);
                new.retain(|host| self.told.insert(host.clone()));
                if !new.is_empty() {
                    return Some(new);
                }
            }
        }
    }
}

/// `None` when it says nothing by which a device could be reached.
fn read(service: &ResolvedService) -> Option<Announcement> {
    // The library joins labels as they are: a dot or a backslash in it is part of the name.
    let instance = service.fullname.strip_suffix(SERVICE_TYPE)?;
    let instance = instance.strip_suffix('.').unwrap_or(instance).to_owned();
    // The port of the SRV record counts; firmware repeats one in the TXT record.
    let port = service.port;
    let addresses: Vec<Address> = hosts(&service.addresses)
        .into_iter()
        .map(|host| HostAddress::at(host, port))
        .collect();
    if addresses.is_empty() || port == 0 {
        return None;
    }
    let text = |key: &str| {
        let value = service.txt_properties.get(key)?.val()?;
        let text = std::str::from_utf8(value).ok()?.trim();
        (!text.is_empty() && text.len() <= LONGEST_VALUE).then(|| text.to_owned())
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

/// Whether a PoP is required. It is so for Security 1 alone: Local Control says "false" for Security 2
/// as well, which needs a password.
fn read_pop_required(text: Option<&str>, sec_version: Option<u64>) -> Option<bool> {
    match (text?, sec_version) {
        ("true" | "1" | "yes", None | Some(1)) => Some(true),
        ("false" | "0" | "no", Some(1)) => Some(false),
        _ => None,
    }
}

/// As texts to connect to: IPv4 first, IPv6 link-local ones with their zone.
fn hosts(addresses: &HashSet<ScopedIp>) -> Vec<String> {
    let mut hosts: Vec<(bool, String)> = addresses
        .iter()
        .map(|address| {
            let zone = match address {
                ScopedIp::V6(six) => six.scope_id().name.as_str(),
                _ => "",
            };
            (address.is_ipv6(), host(address.to_ip_addr(), zone))
        })
        .collect();
    hosts.sort();
    hosts.into_iter().map(|(_, host)| host).collect()
}

/// A link-local address says nothing without the interface on which it was heard.
fn host(address: IpAddr, zone: &str) -> String {
    match address {
        IpAddr::V6(six) if six.is_unicast_link_local() && !zone.is_empty() => {
            format!("{six}%{zone}")
        }
        other => other.to_string(),
    }
}

const SERVICE_TYPE: &str = "_esp_rmaker_chal_resp._tcp.local.";
/// Of the name in it.
const LONGEST_TYPE: u8 = 30;
/// Of a value that we read.
const LONGEST_VALUE: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_local_address_has_its_zone_and_no_other_has() {
        let text = |address: &str, zone: &str| host(address.parse().unwrap(), zone);
        assert_eq!(text("fe80::1", "wlan0"), "fe80::1%wlan0");
        assert_eq!(text("fe80::1", ""), "fe80::1");
        assert_eq!(text("fd00::1", "wlan0"), "fd00::1");
        assert_eq!(text("192.168.1.100", ""), "192.168.1.100");
        let address = HostAddress::at(text("fe80::1", "wlan0"), 80);
        assert_eq!(address.to_string(), "[fe80::1%wlan0]:80");
    }

    #[test]
    fn pop_requirement_is_believed_for_security_1_only() {
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
            let found = read_pop_required(text, sec_version);
            assert_eq!(found, expected, "{text:?} {sec_version:?}");
        }
    }
}
