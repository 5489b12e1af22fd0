//! What BlueZ exports of a device: its object, which grows with what BlueZ hears and finds out, and its
//! GATT objects. Not when.

use std::collections::{BTreeMap, BTreeSet};

use zbus::{ObjectPath, Variant};

use super::super::layout::{Attribute, short_uuid};
use super::super::objects::Properties;
use super::super::trouble::LinkTrouble;
use super::remote::{ADAPTER_PATH, Bluez, RemoteDevice};

impl RemoteDevice {
    /// Its object as far as BlueZ knows it without its advertisement.
    fn bare_properties(&self) -> Properties {
        let address = self.advert.address;
        Properties::from([
            ("Adapter", ADAPTER_PATH.into()),
            ("Address", address.to_string().into()),
            ("AddressType", address.kind().into()),
            ("Alias", address.alias().into()),
            ("Blocked", false.into()),
            ("Bonded", false.into()),
            ("Connected", false.into()),
            ("LegacyPairing", false.into()),
            ("Paired", false.into()),
            ("ServicesResolved", false.into()),
            ("Trusted", false.into()),
            ("UUIDs", self.advert.uuids.clone().into()),
        ])
    }

    /// What its advertisement says, without or with the scan response, which has the name.
    fn advertised_properties(&self, has_name: bool) -> Properties {
        let mut properties = Properties::new();
        if let Some(name) = self.advert.name.as_ref().filter(|_| has_name) {
            properties.insert("Name", name.clone().into());
            properties.insert("Alias", name.clone().into());
        }
        if !self.advert.manufacturer.is_empty() {
            let data = self.advert.manufacturer.iter();
            let data: BTreeMap<u16, Variant<'static>> = data
                .map(|(company, bytes)| (*company, bytes.clone().into()))
                .collect();
            properties.insert("ManufacturerData", data.into());
        }
        properties
    }

    /// The services that BlueZ knows of.
    fn known_uuids(&self) -> Variant<'static> {
        let known = self.remembered.as_ref().unwrap_or(&self.gatt);
        let uuids: BTreeSet<String> = known
            .iter()
            .filter(|object| object.attribute.is_none())
            .map(|service| service.uuid.clone())
            .chain(self.advert.uuids.iter().cloned())
            .chain([short_uuid(0x1800)])
            .collect();
        Vec::from_iter(uuids).into()
    }

    /// Exports it if BlueZ knows it from before.
    pub(super) fn remember(&mut self, bluez: &mut Bluez) {
        if !self.is_known_from_before {
            return;
        }
        let mut properties = self.bare_properties();
        properties.extend(self.advertised_properties(true));
        if self.has(LinkTrouble::NameInCache) {
            properties.insert("Name", OLD_NAME.into());
            properties.insert("Alias", OLD_NAME.into());
        }
        bluez.objects.add(self.path.clone(), DEVICE, properties);
        if self.has(LinkTrouble::Connected) {
            self.link(bluez);
            self.resolve(bluez);
        }
    }

    /// Receives its advertisement.
    pub(super) fn hear(&mut self, bluez: &mut Bluez) {
        // The scan response comes after the advertisement.
        let has_name = !self.take_trouble(LinkTrouble::NameInCache);
        let mut changes = self.advertised_properties(has_name);
        changes.insert("RSSI", self.advert.rssi.into());
        if !bluez.objects.has(&self.path) {
            let mut properties = self.bare_properties();
            properties.extend(changes);
            return bluez.objects.add(self.path.clone(), DEVICE, properties);
        }
        // The others are signaled again although they are as before.
        for name in ["Name", "Alias"] {
            if bluez.objects.property(&self.path, name) == changes.get(name) {
                changes.remove(name);
            }
        }
        bluez.objects.set(&self.path, changes);
    }

    /// One signal says that the services are known and which they are.
    pub(super) fn resolve(&mut self, bluez: &mut Bluez) {
        let uuids = self.known_uuids();
        let changes = [("UUIDs", uuids), ("ServicesResolved", true.into())];
        bluez.objects.set(&self.path, changes);
        // The objects are there when a client reads that, and signaled after it.
        self.export_gatt(bluez);
    }

    /// Exports the GATT objects that BlueZ knows, unless they are.
    fn export_gatt(&mut self, bluez: &mut Bluez) {
        if !self.attributes.is_empty() {
            return;
        }
        for object in self.remembered.as_ref().unwrap_or(&self.gatt) {
            let path = format!("{}/{}", self.path, object.path);
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let parent = ObjectPath::from_string_unchecked(parent.to_owned());
            let path = ObjectPath::from_string_unchecked(path);
            let mut properties = Properties::from([("UUID", object.uuid.clone().into())]);
            let Some(attribute) = &object.attribute else {
                properties.insert("Device", parent.into());
                properties.insert("Includes", Vec::<ObjectPath<'_>>::new().into());
                properties.insert("Primary", true.into());
                bluez.objects.add(path, SERVICE, properties);
                continue;
            };
            self.attributes.insert(path.clone(), attribute.clone());
            properties.insert("Value", Vec::<u8>::new().into());
            if object.path.contains("/desc") {
                properties.insert("Characteristic", parent.into());
                bluez.objects.add(path, DESCRIPTOR, properties);
                continue;
            }
            let flags = match attribute {
                Attribute::Indication => vec!["indicate"],
                Attribute::Constant(_) => vec!["read"],
                Attribute::Name(_) | Attribute::Endpoint(_) | Attribute::Gone => {
                    vec!["read", "write"]
                }
            };
            if *attribute == Attribute::Indication {
                properties.insert("Notifying", false.into());
            }
            properties.insert("Flags", flags.into());
            properties.insert("MTU", self.mtu.into());
            properties.insert("Service", parent.into());
            bluez.objects.add(path, CHARACTERISTIC, properties);
        }
    }
}

pub(super) const DEVICE: &str = "org.bluez.Device1";
const SERVICE: &str = "org.bluez.GattService1";
pub(super) const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
pub(super) const DESCRIPTOR: &str = "org.bluez.GattDescriptor1";
/// The name that BlueZ remembers of a device that has another one now.
const OLD_NAME: &str = "PROV_old";
