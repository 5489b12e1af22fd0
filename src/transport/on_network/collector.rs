//! Collects the mDNS announcements of each device until they are complete enough to report.
//! Responders may announce a device's addresses one by one, and any of them may be the only
//! reachable one. `mdns.rs` receives the announcements.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::address::Address;
use crate::transport::candidate::Hints;
use crate::transport::host_address::HostAddress;

/// A device that announced itself by mDNS.
#[derive(Clone, Debug)]
pub(super) struct Announcement {
    /// The name of the service instance.
    pub(super) instance: String,
    /// IPv4 addresses first; never empty.
    pub(super) addresses: Vec<Address>,
    /// The data of the TXT record.
    pub(super) hints: Hints,
}

/// Announcements by the device's full service name.
#[derive(Default)]
pub(super) struct AnnouncementCollector {
    /// Every name that was ever seen, so that their number stays limited.
    seen_names: HashSet<String>,
    reported_names: HashSet<String>,
    pending: HashMap<String, Pending>,
}

/// A device whose announcement may still grow.
struct Pending {
    until: Instant,
    latest: Instant,
    announcement: Announcement,
}

impl AnnouncementCollector {
    /// Adds what was announced for a device at `now`.
    pub(super) fn add(&mut self, fullname: &str, announcement: Announcement, now: Instant) {
        if self.reported_names.contains(fullname) {
            return;
        }
        if !self.seen_names.contains(fullname) {
            if self.seen_names.len() >= MAX_DEVICES {
                tracing::debug!(fullname, "too many devices; this one is left out");
                return;
            }
            self.seen_names.insert(fullname.to_owned());
        }
        let pending = self.pending.entry(fullname.to_owned());
        let pending = pending.or_insert_with(|| Pending {
            until: now,
            latest: now + MAX_SETTLE_TIME,
            announcement: Announcement {
                addresses: Vec::new(),
                ..announcement.clone()
            },
        });
        let is_new = pending.take(announcement);
        let quiet = if pending.has_ipv4() {
            SETTLE_TIME
        } else {
            MAX_SETTLE_TIME
        };
        if is_new {
            pending.until = (now + quiet).min(pending.latest);
        }
    }

    /// Forgets a device that left. It may return under the same name.
    pub(super) fn remove(&mut self, fullname: &str) {
        self.reported_names.remove(fullname);
        self.pending.remove(fullname);
    }

    /// When the next announcement is complete.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.pending.values().map(|pending| pending.until).min()
    }

    /// A device whose announcement is complete at `now`.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Announcement> {
        let due = self
            .pending
            .iter()
            .filter(|(_, pending)| pending.until <= now);
        let next = due.min_by_key(|(_, pending)| pending.until);
        let fullname = next.map(|(fullname, _)| fullname.clone())?;
        let pending = self.pending.remove(&fullname)?;
        self.reported_names.insert(fullname);
        Some(pending.announcement)
    }

    /// Any pending device, for the end of the search.
    pub(super) fn take_any(&mut self) -> Option<Announcement> {
        self.next_due().and_then(|due| self.take_due(due))
    }
}

impl Pending {
    /// Merges an announcement. Returns whether it has a new address.
    fn take(&mut self, announcement: Announcement) -> bool {
        let addresses = &mut self.announcement.addresses;
        let before = addresses.len();
        for address in announcement.addresses {
            if addresses.len() < MAX_ADDRESSES && !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses.sort_by_key(|address| !is_ipv4(address));
        self.announcement.hints = announcement.hints;
        addresses.len() > before
    }

    fn has_ipv4(&self) -> bool {
        self.announcement.addresses.first().is_some_and(is_ipv4)
    }
}

/// Announced addresses are numeric.
fn is_ipv4(address: &Address) -> bool {
    !HostAddress::from_address(address).host.contains(':')
}

/// Wait after the last new address, if an IPv4 address is known.
const SETTLE_TIME: Duration = Duration::from_millis(150);
/// Wait after the first announcement. Responders usually announce both address families at once.
const MAX_SETTLE_TIME: Duration = Duration::from_millis(500);
/// More than any home has. Any host on the network can send false announcements.
const MAX_DEVICES: usize = 256;
/// espctl tries every address of a device.
const MAX_ADDRESSES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hosts: &[&str]) -> Announcement {
        let addresses = hosts.iter().map(|host| HostAddress::with_port(*host, 80));
        Announcement {
            instance: "Lamp".to_owned(),
            addresses: addresses.collect(),
            hints: Hints::default(),
        }
    }

    fn shown(announcement: &Announcement) -> Vec<String> {
        let addresses = announcement.addresses.iter();
        addresses.map(ToString::to_string).collect()
    }

    fn after(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn merges_addresses_announced_one_by_one() {
        let mut collector = AnnouncementCollector::default();
        let now = Instant::now();
        collector.add("Lamp", at(&["::1"]), now);
        assert_eq!(collector.next_due(), Some(now + MAX_SETTLE_TIME));
        collector.add("Lamp", at(&["127.0.0.9"]), now);
        assert_eq!(collector.next_due(), Some(now + SETTLE_TIME));
        collector.add("Lamp", at(&["127.0.0.1"]), now + after(100));
        assert_eq!(collector.next_due(), Some(now + after(100) + SETTLE_TIME));
        assert!(collector.take_due(now + after(200)).is_none());
        let reported = collector.take_due(now + after(250)).unwrap();
        assert_eq!(
            shown(&reported),
            ["127.0.0.9:80", "127.0.0.1:80", "[::1]:80"]
        );
        // A device is reported once, until it leaves.
        collector.add("Lamp", at(&["127.0.0.1"]), now + after(300));
        assert_eq!(collector.next_due(), None);
        collector.remove("Lamp");
        collector.add("Lamp", at(&["127.0.0.1"]), now + after(400));
        assert!(collector.take_any().is_some() && collector.take_any().is_none());
    }

    #[test]
    fn endless_announcements_do_not_delay_report() {
        let mut collector = AnnouncementCollector::default();
        let now = Instant::now();
        for number in 0..100_u8 {
            let host = format!("127.0.0.{number}");
            let later = now + after(u64::from(number) * 10);
            collector.add("Lamp", at(&[&host]), later);
        }
        assert!(collector.next_due().unwrap() <= now + MAX_SETTLE_TIME);
        assert_eq!(shown(&collector.take_any().unwrap()).len(), MAX_ADDRESSES);
    }

    #[test]
    fn number_of_devices_is_limited() {
        let mut collector = AnnouncementCollector::default();
        for number in 0..MAX_DEVICES * 2 {
            collector.add(&number.to_string(), at(&["::1"]), Instant::now());
            collector.remove(&(number / 2).to_string());
        }
        let reported = std::iter::from_fn(|| collector.take_any()).count();
        assert!(reported <= MAX_DEVICES, "{reported}");
        collector.add("Another", at(&["127.0.0.1"]), Instant::now());
        assert_eq!(collector.next_due(), None);
    }
}
