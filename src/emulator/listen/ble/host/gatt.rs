//! Attributes: their objects, and the reading and writing of them (`src/gatt-client.c`). Not their
//! values, which the device has.

use std::collections::HashMap;
use std::time::Duration;

use zbus::message::Message;
use zbus::{ObjectPath, Variant};

use super::super::layout::Attribute;
use super::super::link::{Access, Operation, ToDevice};
use super::super::property::{Properties, Property};
use super::super::refusal::Refused;
use super::super::stack::INSUFFICIENT_ENCRYPTION;
use super::super::trouble::{HostTrouble, LinkTrouble};
use super::device::NOT_PAIRED;
use super::remote::Pending;
use super::timers::{Timer, scaled};
use super::{Answered, Host};

impl Host {
    /// Puts the attributes of a device there, as far as BlueZ knows them, unless they are.
    pub(super) fn export(&mut self, device: usize) {
        let Some(remote) = self.devices.get_mut(device) else {
            return;
        };
        if !remote.attributes.is_empty() {
            return;
        }
        let services = remote.remembered.as_ref().unwrap_or(&remote.services);
        let below = |path: &ObjectPath<'_>, kind: &str, handle: u16| {
            ObjectPath::try_from(format!("{path}/{kind}{handle:04x}")).ok()
        };
        for service in services {
            let Some(path) = below(&remote.path, "service", service.handle) else {
                continue;
            };
            let properties = Properties::from([
                ("Device", Property::Path(remote.path.clone())),
                ("Includes", Property::Paths(Vec::new())),
                ("Primary", Property::Flag(true)),
                ("UUID", Property::text(&service.uuid)),
            ]);
            self.tree.add(path.clone(), [(SERVICE, properties)].into());
            for characteristic in &service.characteristics {
                let Some(chrc) = below(&path, "char", characteristic.handle) else {
                    continue;
                };
                let flags = characteristic.flags.iter().map(ToString::to_string);
                let mut properties = Properties::from([
                    ("Flags", Property::Texts(flags.collect())),
                    ("MTU", Property::Number16(remote.mtu)),
                    ("Service", Property::Path(path.clone())),
                    ("UUID", Property::text(&characteristic.uuid)),
                    ("Value", Property::Bytes(Vec::new())),
                ]);
                if characteristic.value == Attribute::Indication {
                    properties.insert("Notifying", Property::Flag(false));
                }
                self.tree
                    .add(chrc.clone(), [(CHARACTERISTIC, properties)].into());
                for descriptor in &characteristic.descriptors {
                    let Some(desc) = below(&chrc, "desc", descriptor.handle) else {
                        continue;
                    };
                    let properties = Properties::from([
                        ("Characteristic", Property::Path(chrc.clone())),
                        ("UUID", Property::text(&descriptor.uuid)),
                        ("Value", Property::Bytes(Vec::new())),
                    ]);
                    self.tree
                        .add(desc.clone(), [(DESCRIPTOR, properties)].into());
                    remote.attributes.insert(desc, descriptor.value.clone());
                }
                remote.attributes.insert(chrc, characteristic.value.clone());
            }
        }
    }

    pub(super) fn call_gatt(
        &mut self,
        call: &Message,
        member: &str,
        path: &ObjectPath<'static>,
    ) -> Answered<()> {
        let device = self
            .devices
            .iter()
            .position(|remote| remote.attributes.contains_key(path))
            .ok_or(Refused::UNKNOWN)?;
        let id = self.next_number();
        let remote = self.devices.get_mut(device).ok_or(Refused::UNKNOWN)?;
        let attribute = remote.attributes.get(path).ok_or(Refused::UNKNOWN)?.clone();
        // A link whose services are not known yet has no client of GATT.
        let is_usable = remote.connected.is_some();
        if self.trouble == Some(HostTrouble::Dies) && is_usable && member == "WriteValue" {
            self.dying = Some(call.clone());
            return Ok(None);
        }
        let body = call.body();
        let (access, is_write) = match member {
            "ReadValue" => {
                let (options,) = body
                    .deserialize::<(HashMap<&str, Variant<'_>>,)>()
                    .map_err(|_| Refused::INVALID_ARGUMENTS)?;
                let offset = offset(&options)?;
                (Access::Read { offset }, false)
            }
            "WriteValue" => {
                let (value, options) = body
                    .deserialize::<(Vec<u8>, HashMap<&str, Variant<'_>>)>()
                    .map_err(|_| Refused::INVALID_ARGUMENTS)?;
                if is_usable && offset(&options)? != 0 {
                    return Err(Refused::by_att(0x07));
                }
                let kind = options
                    .get("type")
                    .and_then(|kind| <&str>::try_from(kind).ok());
                if kind.is_some_and(|kind| kind != "request" && kind != "reliable") {
                    // A command needs no answer, and gets none even where it is not allowed.
                    return Err(Refused::NOT_SUPPORTED);
                }
                (Access::Write { value }, true)
            }
            "StartNotify" | "StopNotify" => {
                return self.call_notify(device, member, path, &attribute);
            }
            _ => return Err(Refused::UNKNOWN),
        };
        if !is_usable {
            return Err(Refused::NO_LINK);
        }
        if remote
            .operations
            .iter()
            .any(|pending| pending.path == *path && pending.is_write == is_write)
        {
            return Err(Refused::IN_PROGRESS);
        }
        remote.operations.push_back(Pending {
            id,
            call: call.clone(),
            path: path.clone(),
            is_write,
            operation: Operation {
                id,
                attribute,
                access,
            },
            is_under_way: false,
            awaits_pairing: false,
        });
        self.send_next(device);
        Ok(None)
    }

    fn call_notify(
        &mut self,
        device: usize,
        member: &str,
        path: &ObjectPath<'static>,
        attribute: &Attribute,
    ) -> Answered<()> {
        let remote = self.devices.get(device);
        if remote.is_none_or(|remote| remote.connected.is_none()) {
            return Err(Refused::NO_LINK);
        }
        if *attribute != Attribute::Indication {
            return Err(Refused::NOT_SUPPORTED);
        }
        let properties = self.tree.interface(path, CHARACTERISTIC);
        let is_on = properties.and_then(|all| all.get("Notifying")) == Some(&Property::Flag(true));
        let on = member == "StartNotify";
        match (on, is_on) {
            (true, true) => return Err(Refused::IN_PROGRESS),
            (false, false) => return Err(Refused::NO_NOTIFY_SESSION),
            _ => {}
        }
        let notifying = [("Notifying", Some(Property::Flag(on)))];
        self.tree.set(path, CHARACTERISTIC, notifying);
        Ok(Some(()))
    }

    /// One operation at a time is under way on a link.
    fn send_next(&mut self, device: usize) {
        let wait = scaled(self.scale, ATT_LIMIT, LEAST_ATT_LIMIT);
        let Some(first) = self
            .devices
            .get_mut(device)
            .and_then(|remote| remote.operations.front_mut())
        else {
            return;
        };
        if std::mem::replace(&mut first.is_under_way, true) {
            return;
        }
        let (id, operation) = (first.id, first.operation.clone());
        self.send_to(device, ToDevice::Operate(operation));
        let timer = Timer::NoAnswer {
            device,
            operation: id,
        };
        self.timers.add(wait, timer);
    }

    pub(super) fn finish_operation(
        &mut self,
        device: usize,
        operation: u64,
        outcome: Result<Vec<u8>, u8>,
    ) {
        let Some(pending) = self
            .devices
            .get_mut(device)
            .filter(|remote| {
                let first = remote.operations.front();
                first.is_some_and(|first| first.id == operation)
            })
            .and_then(|remote| remote.operations.pop_front())
        else {
            // Nobody waits for it any more.
            return;
        };
        if outcome == Err(INSUFFICIENT_ENCRYPTION) && self.pairs_for(device, &pending) {
            return;
        }
        match outcome {
            Ok(_) if pending.is_write => self.reply(&pending.call, &()),
            Ok(value) => {
                // As with a notification, and before the answer.
                for interface in [CHARACTERISTIC, DESCRIPTOR] {
                    let value = Property::Bytes(value.clone());
                    self.tree
                        .set(&pending.path, interface, [("Value", Some(value))]);
                }
                self.reply(&pending.call, &(value,));
            }
            Err(code) => self.refuse(&pending.call, &Refused::by_att(code)),
        }
        self.send_next(device);
    }

    /// Whether BlueZ pairs because of an access, which it repeats then.
    fn pairs_for(&mut self, device: usize, pending: &Pending) -> bool {
        let Some(remote) = self.devices.get_mut(device) else {
            return false;
        };
        if remote.has(LinkTrouble::NoPairing) {
            // The access is answered by what the end of the link brings.
            remote.operations.push_front(pending.clone());
            self.cut(device, NOT_PAIRED);
            return true;
        }
        if remote.has(LinkTrouble::PairingHangs) {
            remote.operations.push_front(Pending {
                awaits_pairing: true,
                ..pending.clone()
            });
            return true;
        }
        if !remote.has(LinkTrouble::EncryptionRequired) || remote.is_paired {
            return false;
        }
        remote.operations.push_front(Pending {
            is_under_way: false,
            ..pending.clone()
        });
        self.encrypt(device);
        self.send_next(device);
        true
    }

    /// ATT ends a link on which nothing is answered.
    pub(super) fn time_out(&mut self, device: usize, operation: u64) {
        let Some(remote) = self.devices.get_mut(device) else {
            return;
        };
        match remote.operations.front() {
            Some(first) if first.id == operation && first.awaits_pairing => {
                // The device is given up with all that was asked of it, which nobody answers.
                remote.operations.clear();
                self.cut(device, NOT_PAIRED);
                self.forget(device);
            }
            Some(first) if first.id == operation => self.cut(device, "no answer in time"),
            _ => {}
        }
    }
}

fn offset(options: &HashMap<&str, Variant<'_>>) -> Result<usize, Refused> {
    let Some(offset) = options.get("offset") else {
        return Ok(0);
    };
    let offset = u16::try_from(offset).map_err(|_| Refused::INVALID_ARGUMENTS)?;
    Ok(offset.into())
}

pub(super) const SERVICE: &str = "org.bluez.GattService1";
pub(super) const CHARACTERISTIC: &str = "org.bluez.GattCharacteristic1";
pub(super) const DESCRIPTOR: &str = "org.bluez.GattDescriptor1";
/// The specification's: nothing is tried on a link after it.
const ATT_LIMIT: Duration = Duration::from_secs(30);
/// However fast the device's time runs, the computers are no faster.
const LEAST_ATT_LIMIT: Duration = Duration::from_secs(1);
