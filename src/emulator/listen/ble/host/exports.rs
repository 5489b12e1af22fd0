//! The D-Bus objects of a device: its own, which gets more properties by advertisements and service
//! discovery, and its GATT objects.

use std::collections::{BTreeMap, BTreeSet};

use zbus::{ObjectPath, Variant};

use super::super::layout::{Attribute, GattObject, short_uuid};
use super::super::objects::Properties;
use super::super::trouble::LinkTrouble;
use super::remote::{ADAPTER_PATH, Bluez, RemoteDevice};

impl RemoteDevice {
    /// The properties of its object without its advertisement.
    fn bare_properties(&self) -> Properties {
        let address = self.advert.address;
        Properties::from([
            ("Adapter", ADAPTER_PATH.into()),
            ("Address", address.to_string().into()),
            ("AddressType", address.kind().into()),
            ("Alias", address.joined("-").into()),
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

    /// The properties in its advertisement, without or with the scan response, which has the name.
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

    /// Exports its object if BlueZ has it in the cache.
    pub(super) fn export_cached(&mut self, bluez: &mut Bluez) {
        let mut troubles = self.troubles.iter();
        let is_connected = self.has(LinkTrouble::Connected);
        let is_cached = is_connected || troubles.any(|trouble| trouble.is_in_cache());
        if !is_cached && !self.advert.is_stale {
            return;
        }
        let mut properties = self.bare_properties();
        properties.extend(self.advertised_properties(true));
        if self.has(LinkTrouble::NameInCache) {
            properties.insert("Name", OLD_NAME.into());
            properties.insert("Alias", OLD_NAME.into());
        }
        bluez.objects.add(self.path.clone(), DEVICE, properties);
        if is_connected {
            self.set_connected(bluez);
            self.resolve_services(bluez);
        }
    }

    /// Receives its advertisement.
    pub(super) fn receive_advertisement(&mut self, bluez: &mut Bluez) {
        // The scan response comes after the advertisement.
        let has_name = !self.take_trouble(LinkTrouble::NameInCache);
        let mut changes = self.advertised_properties(has_name);
        changes.insert("RSSI", self.advert.rssi.into());
        if bluez.objects.interface(&self.path).is_none() {
            let mut properties = self.bare_properties();
            properties.extend(changes);
            return bluez.objects.add(self.path.clone(), DEVICE, properties);
        }
        bluez.objects.set(&self.path, changes);
    }

    /// Signals the services, and that they are resolved, at once.
    pub(super) fn resolve_services(&mut self, bluez: &mut Bluez) {
        let services = self.gatt.iter();
        let services = services.filter(|object| object.attribute.is_none());
        let uuids: BTreeSet<String> = services
            .map(|service| service.uuid.clone())
            .chain(self.advert.uuids.iter().cloned())
            .chain([short_uuid(0x1800)])
            .collect();
        let uuids = Vec::from_iter(uuids).into();
        let changes = [("UUIDs", uuids), ("ServicesResolved", true.into())];
        bluez.objects.set(&self.path, changes);
        // The objects exist when a client reads that, and are signaled after it.
        if self.attributes.is_empty() {
            self.export_gatt(bluez);
        }
    }

    /// Exports the GATT objects that BlueZ knows.
    fn export_gatt(&mut self, bluez: &mut Bluez) {
        for GattObject {
            path,
            uuid,
            attribute,
        } in self.gatt.clone()
        {
            if matches!(&attribute, Some(Attribute::Endpoint(name) | Attribute::Name(name))
                if name == "prov-session" && self.has(LinkTrouble::StaleCache))
            {
                continue;
            }
            let path = format!("{}/{path}", self.path);
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            let parent = ObjectPath::from_string_unchecked(parent.to_owned()).into();
            let path = ObjectPath::from_string_unchecked(path);
            let value = ("Value", Vec::<u8>::new().into());
            let (interface, mut properties) = match &attribute {
                None => {
                    let includes = Vec::<ObjectPath<'_>>::new().into();
                    let primary = ("Primary", true.into());
                    let properties = [("Device", parent), ("Includes", includes), primary];
                    (SERVICE, Properties::from(properties))
                }
                Some(_) if path.contains("/desc") => {
                    let properties = [("Characteristic", parent), value];
                    (DESCRIPTOR, properties.into())
                }
                Some(attribute) => {
                    let flags = match attribute {
                        Attribute::Indication => vec!["indicate"],
                        Attribute::Constant(_) => vec!["read"],
                        Attribute::Name(_) | Attribute::Endpoint(_) => vec!["read", "write"],
                    };
                    let (flags, mtu) = (("Flags", flags.into()), ("MTU", self.mtu.into()));
                    let properties = [flags, mtu, ("Service", parent), value];
                    (CHARACTERISTIC, properties.into())
                }
            };
            properties.insert("UUID", uuid.into());
            let attribute = attribute.map(|attribute| (path.clone(), attribute));
            self.attributes.extend(attribute);
            bluez.objects.add(path, interface, properties);
        }
    }
}

pub(super) const DEVICE: &str = "org.bluez.Device1";
const SERVICE: &str = "org.bluez.GattService1";
const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
const DESCRIPTOR: &str = "org.bluez.GattDescriptor1";
/// An old name of the device in the cache of BlueZ.
const OLD_NAME: &str = "PROV_old";
