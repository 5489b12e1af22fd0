//! Collects the mDNS announcements of each device until they are complete enough to report.
//! Responders may announce a device's addresses one by one, and any of them may be the only
//! reachable one. `mdns.rs` receives the announcements.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::announcement::Announcement;
use crate::transport::address::Address;
use crate::transport::host_address::HostAddress;

/// Announcements by the device's full service name.
#[derive(Default)]
pub(super) struct Gathered {
    /// Every name that was ever seen, so that their number stays limited.
    known: HashSet<String>,
    told: HashSet<String>,
    pending: HashMap<String, Pending>,
}

/// A device whose announcement may still grow.
struct Pending {
    until: Instant,
    latest: Instant,
    announcement: Announcement,
}

impl Gathered {
    /// Adds what was announced for a device at `now`.
    pub(super) fn heard(&mut self, fullname: &str, announcement: Announcement, now: Instant) {
        if self.told.contains(fullname) {
            return;
        }
        if !self.known.contains(fullname) {
            if self.known.len() >= MOST_DEVICES {
                tracing::debug!(fullname, "too many devices; this one is left out");
                return;
            }
            self.known.insert(fullname.to_owned());
        }
        let pending = self.pending.entry(fullname.to_owned());
        let pending = pending.or_insert_with(|| Pending {
            until: now,
            latest: now + LONGEST,
            announcement: Announcement {
                addresses: Vec::new(),
                ..announcement.clone()
            },
        });
        let is_new = pending.take(announcement);
        let quiet = if pending.has_ipv4() { QUIET } else { LONGEST };
        if is_new {
            pending.until = (now + quiet).min(pending.latest);
        }
    }

    /// Forgets a device that left. It may return under the same name.
    pub(super) fn gone(&mut self, fullname: &str) {
        self.told.remove(fullname);
        self.pending.remove(fullname);
    }

    /// When the next announcement is complete.
    pub(super) fn due(&self) -> Option<Instant> {
        self.pending.values().map(|one| one.until).min()
    }

    /// A device whose announcement is complete at `now`.
    pub(super) fn take(&mut self, now: Instant) -> Option<Announcement> {
        let due = self.pending.iter().filter(|(_, one)| one.until <= now);
        let next = due.min_by_key(|(_, one)| one.until);
        let fullname = next.map(|(fullname, _)| fullname.clone())?;
        let pending = self.pending.remove(&fullname)?;
        self.told.insert(fullname);
        Some(pending.announcement)
    }

    /// Any pending device, for the end of the search.
    pub(super) fn take_any(&mut self) -> Option<Announcement> {
        self.due().and_then(|due| self.take(due))
    }
}

impl Pending {
    /// Merges an announcement. Returns whether it has a new address.
    fn take(&mut self, announcement: Announcement) -> bool {
        let known = &mut self.announcement.addresses;
        let before = known.len();
        for address in announcement.addresses {
            if known.len() < MOST_ADDRESSES && !known.contains(&address) {
                known.push(address);
            }
        }
        known.sort_by_key(|address| !is_ipv4(address));
        self.announcement.hints = announcement.hints;
        known.len() > before
    }

    fn has_ipv4(&self) -> bool {
        self.announcement.addresses.first().is_some_and(is_ipv4)
    }
}

/// Announced addresses are numeric.
fn is_ipv4(address: &Address) -> bool {
    !HostAddress::of(address).host.contains(':')
}

/// Wait after the last new address, if an IPv4 address is known.
const QUIET: Duration = Duration::from_millis(150);
/// Wait after the first announcement. Responders usually announce both address families at once.
const LONGEST: Duration = Duration::from_millis(500);
/// More than any home has. Any host on the network can send false announcements.
const MOST_DEVICES: usize = 256;
/// espctl tries every address of a device.
const MOST_ADDRESSES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::candidate::Hints;

    fn at(hosts: &[&str]) -> Announcement {
        let addresses = hosts.iter().map(|host| HostAddress::at(*host, 80));
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
    fn addresses_that_are_told_one_by_one_are_all_kept() {
        let mut gathered = Gathered::default();
        let now = Instant::now();
        gathered.heard("Lamp", at(&["::1"]), now);
        assert_eq!(gathered.due(), Some(now + LONGEST));
        gathered.heard("Lamp", at(&["127.0.0.9"]), now);
        assert_eq!(gathered.due(), Some(now + QUIET));
        gathered.heard("Lamp", at(&["127.0.0.1"]), now + after(100));
        assert_eq!(gathered.due(), Some(now + after(100) + QUIET));
        assert!(gathered.take(now + after(200)).is_none());
        let told = gathered.take(now + after(250)).unwrap();
        assert_eq!(shown(&told), ["127.0.0.9:80", "127.0.0.1:80", "[::1]:80"]);
        // A device is reported once, until it leaves.
        gathered.heard("Lamp", at(&["127.0.0.1"]), now + after(300));
        assert_eq!(gathered.due(), None);
        gathered.gone("Lamp");
        gathered.heard("Lamp", at(&["127.0.0.1"]), now + after(400));
        assert!(gathered.take_any().is_some() && gathered.take_any().is_none());
    }

    #[test]
    fn news_without_end_are_not_waited_for() {
        let mut gathered = Gathered::default();
        let now = Instant::now();
        for number in 0..100_u8 {
            let host = format!("127.0.0.{number}");
            let later = now + after(u64::from(number) * 10);
            gathered.heard("Lamp", at(&[&host]), later);
        }
        assert!(gathered.due().unwrap() <= now + LONGEST);
        assert_eq!(shown(&gathered.take_any().unwrap()).len(), MOST_ADDRESSES);
    }

    #[test]
    fn devices_without_number_are_not_kept() {
        let mut gathered = Gathered::default();
        for number in 0..MOST_DEVICES * 2 {
            gathered.heard(&number.to_string(), at(&["::1"]), Instant::now());
            gathered.gone(&(number / 2).to_string());
        }
        let told = std::iter::from_fn(|| gathered.take_any()).count();
        assert!(told <= MOST_DEVICES, "{told}");
        gathered.heard("Another", at(&["127.0.0.1"]), Instant::now());
        assert_eq!(gathered.due(), None);
    }
}
