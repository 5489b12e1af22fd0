//! The adapter: its properties, and the discovery of clients (`src/adapter.c`).

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;
use zbus::message::Message;
use zbus::{ObjectPath, Variant};

use super::super::answer::{DbusAnswer, DbusError};
use super::super::link::ToDevice;
use super::super::objects::Properties;
use super::super::peripheral::CENTRAL;
use super::super::trouble::HostTrouble;
use super::remote::{ADAPTER_PATH, Bluez, RemoteDevice};
use crate::emulator::log::DeviceEvent;

/// The adapter, with the discovery sessions of clients.
#[derive(Debug, Default)]
pub(super) struct Adapter {
    /// By the client's name on the bus.
    pub(super) sessions: BTreeMap<String, DiscoverySession>,
    is_discovering: bool,
    first_discovery: Option<Instant>,
}

/// The discovery of a client.
#[derive(Debug, Default)]
pub(super) struct DiscoverySession {
    is_discovering: bool,
    /// Only devices with one of these services, if there are any.
    uuids: Vec<String>,
}

impl DiscoverySession {
    fn includes(&self, uuids: &[String]) -> bool {
        self.is_discovering
            && (self.uuids.is_empty() || uuids.iter().any(|uuid| self.uuids.contains(uuid)))
    }
}

impl Adapter {
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

    pub(super) fn call(
        &mut self,
        call: &Message,
        member: &str,
        remotes: &mut [RemoteDevice],
        bluez: &mut Bluez,
    ) -> Result<DbusAnswer, DbusError> {
        let body = call.body();
        if member == "RemoveDevice" {
            let (path,): (ObjectPath<'_>,) = body.deserialize()?;
            let mut known = remotes.iter_mut();
            let remote =
                known.find(|remote| remote.path == path && bluez.objects.has(&remote.path));
            let remote = remote.ok_or(DbusError::bluez("DoesNotExist", "Does Not Exist"))?;
            remote.remove(bluez);
            remote.send(ToDevice::Log(DeviceEvent::Forgotten));
            return Ok(DbusAnswer::Empty);
        }
        if !bluez.is_powered {
            return Err(DbusError::bluez("NotReady", "Resource Not Ready"));
        }
        let header = call.header();
        let client = header.sender().map(ToString::to_string);
        let session = self.sessions.entry(client.unwrap_or_default()).or_default();
        match member {
            "StartDiscovery" => {
                if std::mem::replace(&mut session.is_discovering, true) {
                    return Err(DbusError::bluez(
                        "InProgress",
                        "Operation already in progress",
                    ));
                }
            }
            "StopDiscovery" => {
                if !std::mem::take(&mut session.is_discovering) {
                    return Err(DbusError::failed("No discovery started"));
                }
            }
            "SetDiscoveryFilter" => {
                let (mut filter,): (HashMap<&str, Variant<'_>>,) = body.deserialize()?;
                let uuids = filter.remove("UUIDs").map(Vec::<String>::try_from);
                let uuids = uuids.transpose()?.unwrap_or_default();
                let uuids = uuids.iter().map(|uuid| uuid.to_ascii_lowercase());
                session.uuids = uuids.collect();
            }
            _ => return Err(DbusError::UnknownMethod),
        }
        self.update_discovery(remotes, bluez);
        Ok(DbusAnswer::Empty)
    }

    pub(super) fn set_power(
        &mut self,
        on: bool,
        remotes: &mut [RemoteDevice],
        bluez: &mut Bluez,
    ) -> Result<(), DbusError> {
        if on && bluez.settings.trouble == Some(HostTrouble::AdapterBlocked) {
            return Err(DbusError::bluez("Blocked", "Blocked through rfkill"));
        }
        if !on {
            self.sessions.clear();
            self.update_discovery(remotes, bluez);
            for remote in remotes {
                remote.disconnect("the adapter was switched off", bluez);
            }
        }
        bluez.is_powered = on;
        bluez.objects.set(&ADAPTER_PATH, [("Powered", on.into())]);
        Ok(())
    }

    /// Begins or ends discovery, as the sessions of all clients require.
    pub(super) fn update_discovery(&mut self, remotes: &mut [RemoteDevice], bluez: &mut Bluez) {
        let on = self.sessions.values().any(|session| session.is_discovering);
        if std::mem::replace(&mut self.is_discovering, on) == on {
            return;
        }
        let now = Instant::now();
        if on {
            self.first_discovery.get_or_insert(now);
        }
        for remote in remotes {
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
        bluez
            .objects
            .set(&ADAPTER_PATH, [("Discovering", on.into())]);
    }

    /// Receives all advertisements that have arrived. All objects exist before the first signal.
    pub(super) fn receive_advertisements(
        &self,
        now: Instant,
        remotes: &mut [RemoteDevice],
        bluez: &mut Bluez,
    ) {
        let interval = interval(bluez);
        let begun = self.first_discovery.unwrap_or(now);
        for remote in remotes {
            if remote.next_advertisement.is_none_or(|next| next > now) {
                continue;
            }
            remote.next_advertisement = now.checked_add(interval);
            let advert = &remote.advert;
            let mut sessions = self.sessions.values();
            if remote.is_advertising
                && remote.connected.is_none()
                && now.duration_since(begun) >= advert.delay
                && sessions.any(|session| session.includes(&advert.uuids))
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
