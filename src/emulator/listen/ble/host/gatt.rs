//! The calls of clients to attributes: reading, writing, subscribing (`src/gatt-client.c`).

use std::collections::HashMap;
use std::mem::discriminant;
use std::time::Duration;

use zbus::message::{Message, Sequence};
use zbus::{ObjectPath, Variant};

use super::super::answer::{Answered, DbusAnswer, DbusError};
use super::super::layout::Attribute;
use super::super::link::{Access, Operation, ToDevice};
use super::super::stack::{INSUFFICIENT_ENCRYPTION, INVALID_HANDLE, INVALID_OFFSET};
use super::super::trouble::{HostTrouble, LinkTrouble};
use super::remote::{Bluez, NOT_PAIRED, RemoteDevice};
use crate::emulator::log::DeviceEvent;

type Options<'a> = HashMap<&'a str, Variant<'a>>;

impl RemoteDevice {
    pub(super) fn call_gatt(
        &mut self,
        call: &Message,
        member: &str,
        path: &ObjectPath<'static>,
        bluez: &mut Bluez,
    ) -> Answered {
        let attribute = self.attributes.get(path).cloned();
        let attribute = attribute.ok_or(DbusError::UNKNOWN_METHOD)?;
        if self.connected.is_none() {
            return Err(DbusError::failed("Not connected"));
        }
        let body = call.body();
        let access = match member {
            "ReadValue" => {
                let (options,): (Options<'_>,) = body.deserialize()?;
                let offset = parse_offset(&options)?;
                Access::Read { offset }
            }
            "WriteValue" => {
                let (value, options): (Vec<u8>, Options<'_>) = body.deserialize()?;
                if parse_offset(&options)? != 0 {
                    return Err(DbusError::from_att(INVALID_OFFSET));
                }
                if options.get("type") == Some(&"command".into()) {
                    return Err(DbusError::NOT_SUPPORTED);
                }
                Access::Write { value }
            }
            "StartNotify" | "StopNotify" if attribute == Attribute::Indication => {
                let is_on = member == "StartNotify";
                bluez.objects.set(path, [("Notifying", is_on.into())]);
                return Ok(DbusAnswer::Empty);
            }
            "StartNotify" | "StopNotify" => return Err(DbusError::NOT_SUPPORTED),
            _ => return Err(DbusError::UNKNOWN_METHOD),
        };
        if member == "WriteValue" && bluez.settings.trouble == Some(HostTrouble::Dies) {
            bluez.is_dying = true;
            return Ok(DbusAnswer::Sent);
        }
        let is_running = self.operations.iter().any(|operation| {
            operation.path == *path && discriminant(&operation.access) == discriminant(&access)
        });
        if is_running {
            return Err(DbusError::IN_PROGRESS);
        }
        self.operations.push_back(Operation {
            call: call.clone(),
            path: path.clone(),
            attribute,
            access,
        });
        if self.operations.len() == 1 {
            self.send_first_operation(bluez);
        }
        Ok(DbusAnswer::Sent)
    }

    /// Sends the first operation: a link runs one operation at a time.
    fn send_first_operation(&mut self, bluez: &mut Bluez) {
        let Some(first) = self.operations.front().cloned() else {
            return;
        };
        let id = first.id();
        let wait = bluez.scale(ATT_TIMEOUT, MIN_ATT_TIMEOUT);
        self.schedule(bluez, wait, move |remote, bluez| remote.time_out(id, bluez));
        let is_stale = self.has(LinkTrouble::StaleCache) || self.has(LinkTrouble::StaleHandles);
        let mut troubles = self.troubles.iter();
        match &first.attribute {
            Attribute::Endpoint(_) | Attribute::Name(_) if is_stale => {
                return self.finish_operation(id, Err(INVALID_HANDLE), bluez);
            }
            Attribute::Endpoint(endpoint) if !self.is_paired => {
                let obstacle = troubles.find(|trouble| trouble.requires_encryption());
                if obstacle.is_some() && matches!(first.access, Access::Write { .. }) {
                    let endpoint = endpoint.clone();
                    let why = "the link is not encrypted".to_owned();
                    self.send(ToDevice::Log(DeviceEvent::Refused { endpoint, why }));
                }
                match obstacle {
                    None => {}
                    // BlueZ pairs because of an access, and then repeats the access.
                    Some(LinkTrouble::EncryptionRequired) => self.encrypt(bluez),
                    Some(LinkTrouble::NoPairing) => return self.disconnect(NOT_PAIRED, bluez),
                    Some(LinkTrouble::PairingHangs) => return,
                    Some(_) => {
                        return self.finish_operation(id, Err(INSUFFICIENT_ENCRYPTION), bluez);
                    }
                }
            }
            _ => {}
        }
        self.send(ToDevice::Operate(first));
    }

    fn is_first_operation(&self, id: Sequence) -> bool {
        let first = self.operations.front();
        first.is_some_and(|operation| operation.id() == id)
    }

    pub(super) fn finish_operation(
        &mut self,
        id: Sequence,
        outcome: Result<Vec<u8>, u8>,
        bluez: &mut Bluez,
    ) {
        if !self.is_first_operation(id) {
            // Its link has ended, and its call was answered.
            return;
        }
        let Some(Operation {
            call, path, access, ..
        }) = self.operations.pop_front()
        else {
            return;
        };
        match (outcome, access) {
            (Err(code), _) => bluez.objects.refuse(&call, &DbusError::from_att(code)),
            (Ok(_), Access::Write { .. }) => bluez.objects.reply(&call, &()),
            (Ok(value), Access::Read { .. }) => {
                // As for a notification, and before the answer.
                let changes = [("Value", value.clone().into())];
                bluez.objects.set(&path, changes);
                bluez.objects.reply(&call, &(value,));
            }
        }
        self.send_first_operation(bluez);
    }

    /// Ends a link without an answer, as ATT requires.
    fn time_out(&mut self, id: Sequence, bluez: &mut Bluez) {
        if !self.is_first_operation(id) {
            return;
        }
        if self.has(LinkTrouble::PairingHangs) {
            // BlueZ removes the device, and never answers its calls.
            self.operations.clear();
            self.disconnect(NOT_PAIRED, bluez);
            self.remove(bluez);
        } else {
            self.disconnect("no answer in time", bluez);
        }
    }
}

fn parse_offset(options: &Options<'_>) -> Result<usize, DbusError> {
    let offset = options.get("offset").map_or(Ok(0), u16::try_from)?;
    Ok(offset.into())
}

/// The transaction timeout of the specification, after which a link is unusable.
const ATT_TIMEOUT: Duration = Duration::from_secs(30);
/// The minimum for any time scale, which does not make computers faster.
const MIN_ATT_TIMEOUT: Duration = Duration::from_secs(1);
