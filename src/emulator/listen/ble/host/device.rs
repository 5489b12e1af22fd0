//! Devices: connecting, finding out their services, pairing, parting, forgetting (`src/device.c`).
//! Not the access to their attributes.

use std::collections::BTreeSet;
use std::time::Duration;

use zbus::message::Message;
use zbus::{ObjectPath, OwnedVariant};

use super::super::layout::short_uuid;
use super::super::link::ToDevice;
use super::super::property::{Properties, Property};
use super::super::refusal::Refused;
use super::super::trouble::LinkTrouble;
use super::adapter::adapter_path;
use super::remote::Remote;
use super::timers::{Timer, scaled};
use super::{Answered, Host};
use crate::emulator::log::Entry;

impl Remote {
    /// What an advertisement says, as properties.
    pub(super) fn said(&self, has_name: bool) -> Properties {
        let advert = &self.advert;
        let mut said = Properties::from([("UUIDs", Property::Texts(advert.uuids.clone()))]);
        if let Some(name) = advert.name.as_ref().filter(|_| has_name) {
            said.insert("Name", Property::text(name));
            said.insert("Alias", Property::text(name));
        }
        if !advert.manufacturer.is_empty() {
            let data = advert.manufacturer.clone();
            said.insert("ManufacturerData", Property::Manufacturer(data));
        }
        said
    }

    /// What BlueZ knows of a device that says nothing.
    pub(super) fn unseen_properties(&self) -> Properties {
        let address = self.advert.address;
        Properties::from([
            ("Adapter", Property::Path(adapter_path())),
            ("Address", Property::text(address.to_string())),
            ("AddressType", Property::text(address.kind())),
            ("Alias", Property::text(address.alias())),
            ("Blocked", Property::Flag(false)),
            ("Bonded", Property::Flag(false)),
            ("Connected", Property::Flag(false)),
            ("LegacyPairing", Property::Flag(false)),
            ("Paired", Property::Flag(false)),
            ("ServicesResolved", Property::Flag(false)),
            ("Trusted", Property::Flag(false)),
            ("UUIDs", Property::Texts(Vec::new())),
        ])
    }

    /// The services that it has, as far as BlueZ has found them out.
    fn uuids(&self) -> Property {
        let services = self.remembered.as_ref().unwrap_or(&self.services);
        let generic = short_uuid(0x1800);
        let uuids: BTreeSet<String> = services
            .iter()
            .map(|service| service.uuid.clone())
            .chain(self.advert.uuids.iter().cloned())
            .chain([generic])
            .collect();
        Property::Texts(uuids.into_iter().collect())
    }
}

impl Host {
    /// What BlueZ knows from before.
    pub(super) fn remember_devices(&mut self) {
        for device in 0..self.devices.len() {
            let Some(remote) = self.devices.get_mut(device) else {
                continue;
            };
            if !remote.is_known_from_before {
                continue;
            }
            remote.is_temporary = false;
            let mut properties = remote.unseen_properties();
            properties.extend(remote.said(true));
            if remote.has(LinkTrouble::NameInCache) {
                properties.insert("Name", Property::text(OLD_NAME));
                properties.insert("Alias", Property::text(OLD_NAME));
            }
            let is_connected = remote.has(LinkTrouble::Connected);
            let has_attributes = is_connected || remote.remembered.is_some();
            if has_attributes {
                properties.insert("UUIDs", remote.uuids());
            }
            let path = remote.path.clone();
            self.tree.add(path, [(DEVICE, properties)].into());
            if has_attributes {
                self.export(device);
            }
            if is_connected {
                self.connect(device);
                let connection = self.devices.get(device).and_then(|remote| remote.connected);
                self.resolve(device, connection.unwrap_or_default());
            }
        }
    }

    pub(super) fn call_device(
        &mut self,
        call: &Message,
        member: &str,
        path: &ObjectPath<'_>,
    ) -> Answered<()> {
        let found = self.devices.iter().position(|remote| remote.path == *path);
        let device = found.ok_or(Refused::UNKNOWN)?;
        match member {
            "Connect" => self.call_connect(call, device),
            "Disconnect" => self.call_disconnect(call, device),
            "Pair" => self.call_pair(call, device),
            "CancelPairing" => match self.devices.get_mut(device).map(|one| one.pairing.take()) {
                Some(Some(pairing)) => {
                    self.refuse(&pairing, &Refused::AUTHENTICATION_CANCELED);
                    Ok(Some(()))
                }
                _ => Err(Refused::DOES_NOT_EXIST),
            },
            _ => Err(Refused::UNKNOWN),
        }
    }

    pub(super) fn set_of_device(
        &mut self,
        path: &ObjectPath<'static>,
        name: &str,
        value: &OwnedVariant,
    ) -> Result<(), Refused> {
        let wrong = |_| Refused::INVALID_ARGUMENTS;
        let (name, property) = match name {
            "Alias" => {
                let alias = <&str>::try_from(&**value).map_err(wrong)?;
                ("Alias", Property::text(alias))
            }
            "Trusted" => {
                let on = bool::try_from(&**value).map_err(wrong)?;
                ("Trusted", Property::Flag(on))
            }
            "Blocked" => {
                let on = bool::try_from(&**value).map_err(wrong)?;
                ("Blocked", Property::Flag(on))
            }
            _ => return Err(Refused::read_only(name)),
        };
        self.tree.set(path, DEVICE, [(name, Some(property))]);
        Ok(())
    }

    fn call_connect(&mut self, call: &Message, device: usize) -> Answered<()> {
        if !self.is_powered() {
            return Err(Refused::NO_RADIO);
        }
        let attempt = self.next_number();
        let scale = self.scale;
        let remote = self.devices.get_mut(device).ok_or(Refused::UNKNOWN)?;
        if remote.connected.is_some() {
            return Ok(Some(()));
        }
        if remote.connecting.is_some() {
            return Err(Refused::IN_PROGRESS);
        }
        remote.is_temporary = false;
        let fails_once = remote.had(LinkTrouble::ConnectFailsOnce);
        let is_unreachable = remote.has(LinkTrouble::Vanishes);
        let has_radio = remote.radio.is_some();
        remote.connecting = Some((attempt, call.clone()));
        if !is_unreachable && has_radio && !fails_once && remote.advertising {
            self.connect(device);
            return Ok(None);
        }
        let wait = if fails_once || (!has_radio && remote.advertising) {
            SOON
        } else {
            scaled(scale, CONNECT_LIMIT, LEAST_CONNECT_LIMIT)
        };
        self.timers
            .add(wait, Timer::ConnectFails { device, attempt });
        Ok(None)
    }

    /// The link is there; what the device has is found out after the answer.
    pub(super) fn connect(&mut self, device: usize) {
        self.connections = self.connections.saturating_add(1);
        let connection = self.connections;
        let Some(remote) = self.devices.get_mut(device) else {
            return;
        };
        remote.connected = Some(connection);
        // It says when it can be heard again.
        remote.advertising = false;
        remote.is_resolved = false;
        let path = remote.path.clone();
        let encrypted = remote.is_paired;
        let is_lost = remote.had(LinkTrouble::LostBeforeResolved);
        let never_resolved = remote.has(LinkTrouble::Unresolved);
        let connecting = remote.connecting.take();
        self.send_to(
            device,
            ToDevice::Connected {
                connection,
                encrypted,
            },
        );
        let connected = [("Connected", Some(Property::Flag(true)))];
        self.tree.set(&path, DEVICE, connected);
        if let Some((_, call)) = connecting {
            self.reply(&call, &());
        }
        if is_lost {
            self.timers.add(SOON, Timer::Lost { device, connection });
        } else if !never_resolved {
            // The MTU, services, characteristics, descriptors.
            let wait = SOON.saturating_add(self.operation_wait.saturating_mul(4));
            self.timers.add(wait, Timer::Resolve { device, connection });
        }
    }

    pub(super) fn fail_connect(&mut self, device: usize, attempt: u64) {
        let connecting = self
            .devices
            .get_mut(device)
            .and_then(|remote| remote.connecting.take_if(|(number, _)| *number == attempt));
        if let Some((_, call)) = connecting {
            self.refuse(&call, &Refused::CONNECT_ABORTED);
        }
    }

    /// One signal tells that the services are known and which they are.
    pub(super) fn resolve(&mut self, device: usize, connection: u64) {
        let remote = self.devices.get(device);
        if remote.is_none_or(|remote| remote.connected != Some(connection) || remote.is_resolved) {
            return;
        }
        if let Some(remote) = self.devices.get_mut(device) {
            remote.is_resolved = true;
            let changes = [
                ("UUIDs", Some(remote.uuids())),
                ("ServicesResolved", Some(Property::Flag(true))),
            ];
            self.tree.set(&remote.path, DEVICE, changes);
        }
        // They are there when that is told, and are told of after it.
        self.export(device);
    }

    pub(super) fn note_advertising(&mut self, device: usize, on: bool) {
        let Some(remote) = self.devices.get_mut(device) else {
            return;
        };
        remote.advertising = on;
        let is_awaited = remote.connecting.is_some() && !remote.has(LinkTrouble::Vanishes);
        if on && is_awaited {
            self.connect(device);
        }
    }

    /// The link is gone, whoever ended it: what was under way fails when that is told.
    pub(super) fn note_link_lost(&mut self, device: usize, connection: u64) {
        let Some(remote) = self
            .devices
            .get_mut(device)
            .filter(|remote| remote.connected == Some(connection))
        else {
            return;
        };
        remote.connected = None;
        remote.is_resolved = false;
        let path = remote.path.clone();
        let operations = std::mem::take(&mut remote.operations);
        let pairing = remote.pairing.take();
        let parting = std::mem::take(&mut remote.disconnecting);
        let no_services = ("ServicesResolved", Some(Property::Flag(false)));
        let no_link = ("Connected", Some(Property::Flag(false)));
        if parting.is_empty() {
            self.tree.set(&path, DEVICE, [no_services, no_link]);
        } else {
            self.tree.set(&path, DEVICE, [no_services]);
            for call in parting {
                self.reply(&call, &());
            }
            self.tree.set(&path, DEVICE, [no_link]);
        }
        for pending in operations {
            self.refuse(&pending.call, &Refused::by_att(LINK_LOST));
        }
        if let Some(call) = pairing {
            self.refuse(&call, &Refused::AUTHENTICATION_CANCELED);
        }
    }

    /// Ends a link at once, if there is one.
    pub(super) fn cut(&mut self, device: usize, why: &'static str) {
        if let Some(connection) = self.devices.get(device).and_then(|remote| remote.connected) {
            self.send_to(device, ToDevice::Disconnected { why });
            self.note_link_lost(device, connection);
        }
    }

    fn call_disconnect(&mut self, call: &Message, device: usize) -> Answered<()> {
        let scale = self.scale;
        let remote = self.devices.get_mut(device).ok_or(Refused::UNKNOWN)?;
        if let Some((_, connecting)) = remote.connecting.take() {
            self.refuse(&connecting, &Refused::CONNECT_CANCELLED);
            return Ok(Some(()));
        }
        let Some(connection) = remote.connected else {
            return Ok(Some(()));
        };
        let is_first = remote.disconnecting.is_empty();
        remote.disconnecting.push(call.clone());
        if is_first {
            let wait = scaled(scale, DISCONNECT, Duration::ZERO);
            self.timers
                .add(wait, Timer::Disconnect { device, connection });
        }
        Ok(None)
    }

    fn call_pair(&mut self, call: &Message, device: usize) -> Answered<()> {
        let remote = self.devices.get(device).ok_or(Refused::UNKNOWN)?;
        if remote.is_paired {
            return Err(Refused::ALREADY_EXISTS);
        }
        if remote.pairing.is_some() {
            return Err(Refused::IN_PROGRESS);
        }
        if remote.connected.is_none() {
            if !remote.advertising || remote.radio.is_none() || remote.has(LinkTrouble::Vanishes) {
                return Err(Refused::CONNECTION_ATTEMPT_FAILED);
            }
            self.connect(device);
        }
        let remote = self.devices.get_mut(device).ok_or(Refused::UNKNOWN)?;
        if let Some(connection) = remote.connected {
            remote.is_temporary = false;
            remote.pairing = Some(call.clone());
            self.timers.add(SOON, Timer::Paired { device, connection });
        }
        Ok(None)
    }

    pub(super) fn finish_pairing(&mut self, device: usize, connection: u64) {
        let Some(remote) = self
            .devices
            .get_mut(device)
            .filter(|remote| remote.connected == Some(connection))
        else {
            return;
        };
        let Some(call) = remote.pairing.take() else {
            return;
        };
        let fails = [
            LinkTrouble::NoPairing,
            LinkTrouble::PairingByHandRefused,
            LinkTrouble::PairingHangs,
        ];
        if fails.into_iter().any(|trouble| remote.has(trouble)) {
            self.refuse(&call, &Refused::AUTHENTICATION_FAILED);
            return self.cut(device, NOT_PAIRED);
        }
        self.encrypt(device);
        self.reply(&call, &());
    }

    /// Both sides have keys for the link from now on.
    pub(super) fn encrypt(&mut self, device: usize) {
        self.send_to(device, ToDevice::Encrypted);
        self.send_to(device, ToDevice::Note(Entry::Paired));
        if let Some(remote) = self.devices.get_mut(device) {
            remote.is_paired = true;
            let paired = Some(Property::Flag(true));
            let changes = [("Bonded", paired.clone()), ("Paired", paired)];
            self.tree.set(&remote.path, DEVICE, changes);
        }
    }

    /// BlueZ knows nothing of it any more, what it remembered included.
    pub(super) fn forget(&mut self, device: usize) {
        self.cut(device, BY_THE_CLIENT);
        let Some(remote) = self.devices.get_mut(device) else {
            return;
        };
        remote.is_temporary = true;
        remote.is_paired = false;
        remote.seen = 0;
        remote.last_seen = None;
        remote.remembered = None;
        remote.attributes.clear();
        remote
            .troubles
            .retain(|trouble| *trouble != LinkTrouble::NameInCache);
        let path = remote.path.clone();
        let connecting = remote.connecting.take();
        if let Some((_, call)) = connecting {
            self.refuse(&call, &Refused::CONNECT_CANCELLED);
        }
        self.tree.remove(&path);
    }
}

pub(super) const DEVICE: &str = "org.bluez.Device1";
/// Why a link ended, for the device's log.
pub(super) const BY_THE_CLIENT: &str = "by the client";
pub(super) const NOT_PAIRED: &str = "pairing failed";
/// How BlueZ reports operations that a lost link took with it.
const LINK_LOST: u8 = 0x0e;
/// What the device was called when BlueZ last heard its name.
const OLD_NAME: &str = "PROV_old";
/// `DISCONNECT_TIMER`.
const DISCONNECT: Duration = Duration::from_secs(2);
/// How long the kernel waits for a device that is not there.
const CONNECT_LIMIT: Duration = Duration::from_secs(41);
const LEAST_CONNECT_LIMIT: Duration = Duration::from_secs(1);
/// What takes a few packets.
const SOON: Duration = Duration::from_millis(10);
