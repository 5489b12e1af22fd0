//! The adapter: its properties, which clients discover, and what they are shown (`src/adapter.c`). Not
//! what is done with a device that was found.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::time::Instant;
use zbus::message::Message;
use zbus::{ObjectPath, Variant};

use super::super::answer::{Answer, Refusal};
use super::super::link::ToDevice;
use super::super::objects::Properties;
use super::super::peripheral::CENTRAL;
use super::super::trouble::HostTrouble;
use super::remote::{ADAPTER_PATH, Bluez, RemoteDevice};
use crate::emulator::log::Entry;

/// The adapter, and which clients discover on it.
#[derive(Debug, Default)]
pub(super) struct Adapter {
    /// By the client's name on the bus.
    pub(super) sessions: BTreeMap<String, Session>,
    is_discovering: bool,
    first_discovery: Option<Instant>,
}

/// What one client wants to discover.
#[derive(Debug, Default)]
pub(super) struct Session {
    is_discovering: bool,
    /// Only devices with one of these, if there are any.
    uuids: Vec<String>,
}

impl Session {
    fn wants(&self, uuids: &[String]) -> bool {
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
            // BlueZ 5.66 has this with its experimental interfaces only: it is how clients see the
            // switch, which otherwise the kernel reports.
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
    ) -> Result<Answer, Refusal> {
        let body = call.body();
        if member == "RemoveDevice" {
            let (path,): (ObjectPath<'_>,) = body.deserialize()?;
            let mut known = remotes.iter_mut();
            let remote = known.find(|one| one.path == path && bluez.objects.has(&one.path));
            let remote = remote.ok_or(Refusal::bluez("DoesNotExist", "Does Not Exist"))?;
            remote.forget(bluez);
            remote.send(ToDevice::Note(Entry::Forgotten));
            return Ok(Answer::Empty);
        }
        if !bluez.is_powered {
            return Err(Refusal::bluez("NotReady", "Resource Not Ready"));
        }
        let header = call.header();
        let client = header.sender().map(ToString::to_string);
        let session = self.sessions.entry(client.unwrap_or_default()).or_default();
        match member {
            "StartDiscovery" => {
                if std::mem::replace(&mut session.is_discovering, true) {
                    return Err(Refusal::bluez(
                        "InProgress",
                        "Operation already in progress",
                    ));
                }
            }
            "StopDiscovery" => {
                if !std::mem::take(&mut session.is_discovering) {
                    return Err(Refusal::failed("No discovery started"));
                }
            }
            "SetDiscoveryFilter" => {
                let (mut filter,): (HashMap<&str, Variant<'_>>,) = body.deserialize()?;
                let uuids = filter.remove("UUIDs").map(Vec::<String>::try_from);
                let uuids = uuids.transpose()?.unwrap_or_default();
                let uuids = uuids.iter().map(|uuid| uuid.to_ascii_lowercase());
                session.uuids = uuids.collect();
            }
            _ => return Err(Refusal::UnknownMethod),
        }
        self.update_discovery(remotes, bluez);
        Ok(Answer::Empty)
    }

    pub(super) fn power(
        &mut self,
        on: bool,
        remotes: &mut [RemoteDevice],
        bluez: &mut Bluez,
    ) -> Result<(), Refusal> {
        if on && bluez.settings.trouble == Some(HostTrouble::AdapterBlocked) {
            return Err(Refusal::bluez("Blocked", "Blocked through rfkill"));
        }
        if !on {
            self.sessions.clear();
            self.update_discovery(remotes, bluez);
            for remote in remotes {
                remote.cut("the adapter was switched off", bluez);
            }
        }
        bluez.is_powered = on;
        bluez.objects.set(&ADAPTER_PATH, [("Powered", on.into())]);
        Ok(())
    }

    /// Begins or ends discovery as the sessions of all clients ask for it.
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
            // How strong it is received is known only while BlueZ listens.
            bluez.objects.invalidate(&remote.path, "RSSI");
            remote.send(ToDevice::Note(if on {
                Entry::DiscoveryStarted
            } else {
                Entry::DiscoveryStopped
            }));
        }
        bluez
            .objects
            .set(&ADAPTER_PATH, [("Discovering", on.into())]);
    }

    /// Receives all advertisements that arrive by now: every object is there before the first is
    /// signaled.
    pub(super) fn hear_advertisements(
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
                && now.duration_since(begun) >= advert.after
                && sessions.any(|session| session.wants(&advert.uuids))
            {
                remote.hear(bluez);
            }
        }
    }
}

fn interval(bluez: &Bluez) -> Duration {
    bluez.scaled(ADVERTISING_INTERVAL, LEAST_INTERVAL)
}

pub(super) const ADAPTER: &str = "org.bluez.Adapter1";
/// 0x100 slots of 0.625 ms.
const ADVERTISING_INTERVAL: Duration = Duration::from_millis(160);
/// A computer that does other things as well is no faster.
const LEAST_INTERVAL: Duration = Duration::from_millis(40);
