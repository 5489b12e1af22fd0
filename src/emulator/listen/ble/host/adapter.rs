//! The adapter: its properties, and the discovery of clients (`src/adapter.c`).

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;
use zbus::message::Message;
use zbus::{ObjectPath, Variant};

use super::super::advert::Advert;
use super::super::answer::{Answered, DbusAnswer, DbusError};
use super::super::link::ToDevice;
use super::super::objects::Properties;
use super::super::peripheral::CENTRAL;
use super::super::trouble::HostTrouble;
use super::remote::{ADAPTER_PATH, Bluez, RemoteDevice};
use crate::emulator::log::DeviceEvent;

/// The adapter with the devices in its range or in its cache.
#[derive(Debug, Default)]
pub(super) struct Adapter {
    pub(super) remotes: Vec<RemoteDevice>,
    /// The clients that have made a call, by their names on the bus, with their discovery.
    pub(super) clients: BTreeMap<String, Discovery>,
    is_discovering: bool,
    first_discovery: Option<Instant>,
}

/// The discovery of a client.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    is_on: bool,
    /// Only devices with one of these services, if there are any.
    uuids: Vec<String>,
}

impl Discovery {
    fn includes(&self, uuids: &[String]) -> bool {
        let mut uuids = uuids.iter();
        self.is_on && (self.uuids.is_empty() || uuids.any(|uuid| self.uuids.contains(uuid)))
    }
}

impl Adapter {
    /// An adapter with these devices, which only advertise.
    pub(super) fn new(neighbours: Vec<Advert>) -> Self {
        let remotes = neighbours.into_iter().enumerate();
        let remotes = remotes.map(|(number, advert)| RemoteDevice::new(number, advert));
        Self {
            remotes: remotes.collect(),
            ..Self::default()
        }
    }

    pub(super) fn export(bluez: &mut Bluez) {
        let trouble = bluez.settings.trouble;
        let is_blocked = trouble == Some(HostTrouble::AdapterBlocked);
        bluez.is_powered = !is_blocked && trouble != Some(HostTrouble::AdapterOff);
        let mut properties = Properties::from([
            ("Address", CENTRAL.into()),
            ("AddressType", "public".into()),
            ("Alias", "espctl".into()),
            ("Class", 0_u32.into()),
            ("Discoverable", false.into()),
            ("DiscoverableTimeout", 180_u32.into()),
            ("Discovering", false.into()),
            ("Modalias", "usb:v1D6Bp0246d0542".into()),
            ("Name", "espctl".into()),
            ("Pairable", true.into()),
            ("PairableTimeout", 0_u32.into()),
            ("Powered", bluez.is_powered.into()),
            ("Roles", vec!["central", "peripheral"].into()),
            ("UUIDs", vec!["00001800-0000-1000-8000-00805f9b34fb"].into()),
        ]);
        if is_blocked {
            // BlueZ 5.66 has this property only with its experimental interfaces. It shows the switch to
            // clients, which otherwise read it from the kernel.
            properties.insert("PowerState", "off-blocked".into());
        }
        bluez.objects.add(ADAPTER_PATH, ADAPTER, properties);
    }

    pub(super) fn call(&mut self, call: &Message, member: &str, bluez: &mut Bluez) -> Answered {
        let body = call.body();
        if member == "RemoveDevice" {
            let (path,): (ObjectPath<'_>,) = body.deserialize()?;
            let known = bluez.objects.interface(&path.to_owned());
            let mut remotes = self.remotes.iter_mut();
            let remote = known.and_then(|_| remotes.find(|remote| remote.path == path));
            let missing = DbusError::bluez("DoesNotExist", "Does Not Exist");
            let remote = remote.ok_or(missing)?;
            remote.remove(bluez);
            remote.send(ToDevice::Log(DeviceEvent::Forgotten));
            return Ok(DbusAnswer::Empty);
        }
        if !bluez.is_powered {
            let not_ready = DbusError::bluez("NotReady", "Resource Not Ready");
            return Err(not_ready);
        }
        let header = call.header();
        let client = header.sender().map(ToString::to_string);
        let discovery = self.clients.entry(client.unwrap_or_default()).or_default();
        match member {
            "StartDiscovery" => {
                if std::mem::replace(&mut discovery.is_on, true) {
                    let text = "Operation already in progress";
                    return Err(DbusError::bluez("InProgress", text));
                }
            }
            "StopDiscovery" => {
                if !std::mem::take(&mut discovery.is_on) {
                    return Err(DbusError::failed("No discovery started"));
                }
            }
            "SetDiscoveryFilter" => {
                let (mut filter,): (HashMap<&str, Variant<'_>>,) = body.deserialize()?;
                let uuids = filter.remove("UUIDs").map(Vec::<String>::try_from);
                let uuids = uuids.transpose()?.unwrap_or_default();
                let uuids = uuids.iter().map(|uuid| uuid.to_ascii_lowercase());
                discovery.uuids = uuids.collect();
            }
            _ => return Err(DbusError::UNKNOWN_METHOD),
        }
        self.update_discovery(bluez);
        Ok(DbusAnswer::Empty)
    }

    pub(super) fn set_power(&mut self, on: bool, bluez: &mut Bluez) -> Result<(), DbusError> {
        if on && bluez.settings.trouble == Some(HostTrouble::AdapterBlocked) {
            let text = "Blocked through rfkill";
            return Err(DbusError::bluez("Blocked", text));
        }
        if !on {
            self.stop_discovery(bluez);
            for remote in &mut self.remotes {
                remote.disconnect("the adapter was switched off", bluez);
            }
        }
        bluez.is_powered = on;
        bluez.objects.set(&ADAPTER_PATH, [("Powered", on.into())]);
        Ok(())
    }

    /// Ends the discovery of all clients.
    pub(super) fn stop_discovery(&mut self, bluez: &mut Bluez) {
        for discovery in self.clients.values_mut() {
            *discovery = Discovery::default();
        }
        self.update_discovery(bluez);
    }

    /// Begins or ends discovery, as all clients require.
    pub(super) fn update_discovery(&mut self, bluez: &mut Bluez) {
        let on = self.clients.values().any(|discovery| discovery.is_on);
        if std::mem::replace(&mut self.is_discovering, on) == on {
            return;
        }
        let now = Instant::now();
        if on {
            self.first_discovery.get_or_insert(now);
        }
        for remote in &mut self.remotes {
            let phase = remote.advert.phase(interval(bluez));
            remote.next_advertisement = now.checked_add(phase).filter(|_| on);
            // BlueZ knows the signal strength only during discovery.
            bluez.objects.invalidate(&remote.path, "RSSI");
            remote.send(ToDevice::Log(if on {
                DeviceEvent::DiscoveryStarted
            } else {
                DeviceEvent::DiscoveryStopped
            }));
        }
        let change = [("Discovering", on.into())];
        bluez.objects.set(&ADAPTER_PATH, change);
    }

    /// Receives all advertisements that have arrived. All objects exist before the first signal.
    pub(super) fn receive_advertisements(&mut self, now: Instant, bluez: &mut Bluez) {
        let interval = interval(bluez);
        let begun = self.first_discovery.unwrap_or(now);
        for remote in &mut self.remotes {
            if remote.next_advertisement.is_none_or(|next| next > now) {
                continue;
            }
            remote.next_advertisement = now.checked_add(interval);
            let advert = &remote.advert;
            let mut clients = self.clients.values();
            if remote.is_advertising()
                && now.duration_since(begun) >= Duration::from_millis(advert.appears_after_ms)
                && clients.any(|discovery| discovery.includes(&advert.uuids))
            {
                remote.receive_advertisement(bluez);
            }
        }
    }
}

fn interval(bluez: &Bluez) -> Duration {
    bluez.scale(ADVERTISING_INTERVAL, MIN_INTERVAL)
}

pub(super) const ADAPTER: &str = "org.bluez.Adapter1";
/// 0x100 slots of 0.625 ms.
const ADVERTISING_INTERVAL: Duration = Duration::from_millis(160);
/// A busy computer is not faster.
const MIN_INTERVAL: Duration = Duration::from_millis(40);
