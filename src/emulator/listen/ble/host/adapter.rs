//! The adapter: its properties, who discovers and what they are shown (`src/adapter.c`). Not what is
//! done with a device that was found.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;
use zbus::message::Message;
use zbus::{ObjectPath, OwnedVariant, Variant};

use super::super::link::ToDevice;
use super::super::peripheral::CENTRAL;
use super::super::property::{Properties, Property};
use super::super::refusal::Refused;
use super::super::trouble::{HostTrouble, LinkTrouble};
use super::device::DEVICE;
use super::timers::{Timer, scaled};
use super::{Answered, Host};
use crate::emulator::log::Entry;

/// The adapter, and who discovers on it.
#[derive(Debug, Default)]
pub(super) struct Adapter {
    powered: bool,
    /// By who is on the bus.
    sessions: BTreeMap<String, Session>,
    /// The number of the present discovery, or the last.
    discovery: u64,
}

/// What one client wants to discover.
#[derive(Debug, Default)]
struct Session {
    discovering: bool,
    /// Only devices with one of these, if there are any.
    uuids: Vec<String>,
}

impl Host {
    pub(super) fn add_adapter(&mut self) {
        let is_off = matches!(
            self.trouble,
            Some(HostTrouble::AdapterOff | HostTrouble::AdapterBlocked)
        );
        let adapter = Adapter {
            powered: !is_off,
            ..Adapter::default()
        };
        let mut properties = Properties::from([
            ("Address", Property::text(CENTRAL)),
            ("AddressType", Property::text("public")),
            ("Alias", Property::text("espctl")),
            ("Class", Property::Number32(0)),
            ("Discoverable", Property::Flag(false)),
            ("DiscoverableTimeout", Property::Number32(180)),
            ("Discovering", Property::Flag(false)),
            ("Modalias", Property::text("usb:v1D6Bp0246d0542")),
            ("Name", Property::text("espctl")),
            ("Pairable", Property::Flag(true)),
            ("PairableTimeout", Property::Number32(0)),
            ("Powered", Property::Flag(adapter.powered)),
            (
                "Roles",
                Property::Texts(vec!["central".to_owned(), "peripheral".to_owned()]),
            ),
            (
                "UUIDs",
                Property::Texts(vec!["00001800-0000-1000-8000-00805f9b34fb".to_owned()]),
            ),
        ]);
        if self.trouble == Some(HostTrouble::AdapterBlocked) {
            // Of 5.66 only with its experimental interfaces: it is how clients see the switch,
            // which is otherwise the kernel's to tell.
            properties.insert("PowerState", Property::text("off-blocked"));
        }
        self.adapter = Some(adapter);
        self.tree
            .add(adapter_path(), [(ADAPTER, properties)].into());
    }

    pub(super) fn is_powered(&self) -> bool {
        self.adapter.as_ref().is_some_and(|adapter| adapter.powered)
    }

    fn is_discovering(&self) -> bool {
        let adapter = self.adapter.as_ref();
        adapter.is_some_and(|adapter| adapter.sessions.values().any(|one| one.discovering))
    }

    pub(super) fn call_adapter(&mut self, call: &Message, member: &str) -> Answered<()> {
        let header = call.header();
        let caller = header.sender().map_or("", |name| name.as_str()).to_owned();
        let body = call.body();
        match member {
            "StartDiscovery" => {
                let adapter = self.powered_adapter()?;
                let session = adapter.sessions.entry(caller).or_default();
                if session.discovering {
                    return Err(Refused::BUSY);
                }
                session.discovering = true;
                self.begin_discovery();
            }
            "StopDiscovery" => {
                let adapter = self.powered_adapter()?;
                match adapter.sessions.get_mut(&caller) {
                    Some(session) if session.discovering => session.discovering = false,
                    _ => return Err(Refused::NO_DISCOVERY),
                }
                self.end_discovery_without_sessions();
            }
            "SetDiscoveryFilter" => {
                let adapter = self.powered_adapter()?;
                let filter: HashMap<&str, Variant<'_>> = body
                    .deserialize::<(HashMap<&str, Variant<'_>>,)>()
                    .map_err(|_| Refused::INVALID_ARGUMENTS)?
                    .0;
                let uuids = match filter.get("UUIDs") {
                    Some(uuids) => Vec::<String>::try_from(uuids.clone())
                        .map_err(|_| Refused::INVALID_ARGUMENTS)?,
                    None => Vec::new(),
                };
                adapter.sessions.entry(caller).or_default().uuids =
                    uuids.iter().map(|uuid| uuid.to_ascii_lowercase()).collect();
            }
            "RemoveDevice" => {
                let (path,) = body
                    .deserialize::<(ObjectPath<'_>,)>()
                    .map_err(|_| Refused::INVALID_ARGUMENTS)?;
                let found = self
                    .devices
                    .iter()
                    .position(|remote| remote.path == path && self.tree.has(&remote.path));
                let device = found.ok_or(Refused::DOES_NOT_EXIST)?;
                self.forget(device);
                self.send_to(device, ToDevice::Note(Entry::Forgotten));
            }
            "GetDiscoveryFilters" => {
                let filters = ["UUIDs", "RSSI", "Pathloss", "Transport", "DuplicateData"];
                self.reply(call, &(filters.as_slice(),));
                return Ok(None);
            }
            _ => return Err(Refused::UNKNOWN),
        }
        Ok(Some(()))
    }

    fn powered_adapter(&mut self) -> Result<&mut Adapter, Refused> {
        self.adapter
            .as_mut()
            .filter(|adapter| adapter.powered)
            .ok_or(Refused::NOT_READY)
    }

    pub(super) fn set_of_adapter(
        &mut self,
        name: &str,
        value: &OwnedVariant,
    ) -> Result<(), Refused> {
        let changed = match name {
            "Powered" => {
                let on = bool::try_from(&**value).map_err(|_| Refused::INVALID_ARGUMENTS)?;
                return self.power(on);
            }
            "Alias" => {
                let alias = <&str>::try_from(&**value).map_err(|_| Refused::INVALID_ARGUMENTS)?;
                ("Alias", Property::text(alias))
            }
            "Discoverable" | "Pairable" => {
                let on = bool::try_from(&**value).map_err(|_| Refused::INVALID_ARGUMENTS)?;
                let name = if name == "Pairable" {
                    "Pairable"
                } else {
                    "Discoverable"
                };
                (name, Property::Flag(on))
            }
            _ => return Err(Refused::read_only(name)),
        };
        let (name, property) = changed;
        self.tree
            .set(&adapter_path(), ADAPTER, [(name, Some(property))]);
        Ok(())
    }

    fn power(&mut self, on: bool) -> Result<(), Refused> {
        if on && self.trouble == Some(HostTrouble::AdapterBlocked) {
            return Err(Refused::BLOCKED);
        }
        let Some(adapter) = self
            .adapter
            .as_mut()
            .filter(|adapter| adapter.powered != on)
        else {
            return Ok(());
        };
        adapter.powered = on;
        if !on {
            adapter.sessions.clear();
            self.end_discovery_without_sessions();
            for device in 0..self.devices.len() {
                self.cut(device, "the adapter was switched off");
            }
        }
        let powered = [("Powered", Some(Property::Flag(on)))];
        self.tree.set(&adapter_path(), ADAPTER, powered);
        Ok(())
    }

    /// A client that leaves the bus discovers no longer.
    pub(super) fn end_session_of(&mut self, client: &str) {
        if let Some(adapter) = &mut self.adapter
            && adapter.sessions.remove(client).is_some()
        {
            self.end_discovery_without_sessions();
        }
    }

    fn begin_discovery(&mut self) {
        if self.is_shown_as_discovering() {
            return;
        }
        let discovering = [("Discovering", Some(Property::Flag(true)))];
        self.tree.set(&adapter_path(), ADAPTER, discovering);
        self.first_looked.get_or_insert_with(Instant::now);
        let discovery = self.next_number();
        if let Some(adapter) = &mut self.adapter {
            adapter.discovery = discovery;
        }
        let interval = self.interval();
        let phases: BTreeSet<Duration> = self
            .devices
            .iter()
            .map(|remote| remote.advert.phase(interval))
            .collect();
        for phase in phases {
            let timer = Timer::Advertisements { discovery, phase };
            self.timers.add(phase, timer);
        }
        self.note_to_all(&Entry::DiscoveryStarted);
    }

    fn end_discovery_without_sessions(&mut self) {
        if self.is_discovering() || !self.is_shown_as_discovering() {
            return;
        }
        for remote in &mut self.devices {
            remote.seen = 0;
            // How strong it is received is known only while somebody listens.
            self.tree.set(&remote.path, DEVICE, [("RSSI", None)]);
        }
        let discovering = [("Discovering", Some(Property::Flag(false)))];
        self.tree.set(&adapter_path(), ADAPTER, discovering);
        self.timers.add(TEMPORARY, Timer::Forget);
        self.note_to_all(&Entry::DiscoveryStopped);
    }

    fn is_shown_as_discovering(&self) -> bool {
        let properties = self.tree.interface(&adapter_path(), ADAPTER);
        properties.and_then(|all| all.get("Discovering")) == Some(&Property::Flag(true))
    }

    fn interval(&self) -> Duration {
        scaled(self.scale, ADVERTISING_INTERVAL, LEAST_INTERVAL)
    }

    /// All advertisements that arrive now: every object is there before the first is told of.
    pub(super) fn see_advertisements(&mut self, discovery: u64, phase: Duration) {
        let adapter = self.adapter.as_ref();
        if !self.is_discovering() || adapter.is_none_or(|one| one.discovery != discovery) {
            return;
        }
        let interval = self.interval();
        let looked_for = self
            .first_looked
            .map_or(Duration::ZERO, |first| first.elapsed());
        for device in 0..self.devices.len() {
            let is_heard = self.devices.get(device).is_some_and(|remote| {
                remote.advertising
                    && remote.connected.is_none()
                    && remote.advert.phase(interval) == phase
                    && looked_for >= remote.advert.after
                    && self.is_wanted(&remote.advert.uuids)
            });
            if is_heard {
                self.see(device);
            }
        }
        self.forget_unseen();
        let timer = Timer::Advertisements { discovery, phase };
        self.timers.add(interval, timer);
    }

    /// Whether a client asked for such a device.
    fn is_wanted(&self, uuids: &[String]) -> bool {
        let sessions = self
            .adapter
            .iter()
            .flat_map(|adapter| adapter.sessions.values());
        sessions
            .filter(|session| session.discovering)
            .any(|session| {
                session.uuids.is_empty() || uuids.iter().any(|uuid| session.uuids.contains(uuid))
            })
    }

    fn see(&mut self, device: usize) {
        let Some(remote) = self.devices.get_mut(device) else {
            return;
        };
        let wobble = match remote.seen % 4 {
            1 => -2,
            3 => 1,
            _ => 0,
        };
        let rssi = Property::Signed16(remote.advert.rssi.saturating_add(wobble));
        // The name is in the scan response, which comes after the advertisement.
        let has_name = remote.seen > 0 || !remote.has(LinkTrouble::NameInCache);
        remote.seen = remote.seen.saturating_add(1);
        remote.last_seen = Some(Instant::now());
        let path = remote.path.clone();
        let said = remote.said(has_name);
        if !self.tree.has(&path) {
            let mut properties = remote.unseen_properties();
            properties.extend(said);
            properties.insert("RSSI", rssi);
            self.tree.add(path, [(DEVICE, properties)].into());
            return;
        }
        let known = self.tree.interface(&path, DEVICE);
        let is_news = |name: &str, property: &Property| {
            match (name, known.and_then(|all| all.get(name)), property) {
                // Told again although it is as before: it may change with every advertisement.
                ("ManufacturerData", _, _) => true,
                // What was found out is more than what is said.
                ("UUIDs", Some(Property::Texts(known)), Property::Texts(said)) => {
                    !said.iter().all(|uuid| known.contains(uuid))
                }
                (_, known, property) => known != Some(property),
            }
        };
        let changes: Vec<_> = said
            .into_iter()
            .filter(|(name, property)| is_news(name, property))
            .map(|(name, property)| (name, Some(property)))
            .chain([("RSSI", Some(rssi))])
            .collect();
        self.tree.set(&path, DEVICE, changes);
    }

    /// BlueZ keeps devices that it does not need for half a minute.
    pub(super) fn forget_unseen(&mut self) {
        for device in 0..self.devices.len() {
            let is_over = self.devices.get(device).is_some_and(|remote| {
                remote.is_temporary
                    && remote.connected.is_none()
                    && remote.connecting.is_none()
                    && remote
                        .last_seen
                        .is_some_and(|seen| seen.elapsed() >= TEMPORARY)
            });
            if is_over {
                self.forget(device);
            }
        }
    }
}

pub(super) fn adapter_path() -> ObjectPath<'static> {
    ObjectPath::from_static_str_unchecked(ADAPTER_PATH)
}

pub(super) const ADAPTER: &str = "org.bluez.Adapter1";
pub(super) const ADAPTER_PATH: &str = "/org/bluez/hci0";
/// 0x100 slots of 0.625 ms.
const ADVERTISING_INTERVAL: Duration = Duration::from_millis(160);
/// More is not to be had from a computer that does other things as well.
const LEAST_INTERVAL: Duration = Duration::from_millis(40);
/// `TemporaryTimeout`.
const TEMPORARY: Duration = Duration::from_secs(30);
