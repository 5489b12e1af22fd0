//! The calls of clients to attributes: reading, writing, subscribing (`src/gatt-client.c`).

use std::collections::HashMap;
use std::time::Duration;

use zbus::message::Message;
use zbus::{ObjectPath, Variant};

use super::super::answer::{DbusAnswer, DbusError};
use super::super::layout::Attribute;
use super::super::link::{Access, Operation, ToDevice};
use super::super::stack::{INSUFFICIENT_ENCRYPTION, INVALID_OFFSET};
use super::super::trouble::{HostTrouble, LinkTrouble};
use super::remote::{Bluez, NOT_PAIRED, PendingOperation, RemoteDevice};

type Options<'a> = HashMap<&'a str, Variant<'a>>;

impl RemoteDevice {
    pub(super) fn call_gatt(
        &mut self,
        call: &Message,
        member: &str,
        path: &ObjectPath<'static>,
        bluez: &mut Bluez,
    ) -> Result<DbusAnswer, DbusError> {
        let attribute = self.attributes.get(path).cloned();
        let attribute = attribute.ok_or(DbusError::UnknownMethod)?;
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
            "StartNotify" => return subscribe(&attribute, true, path, bluez),
            "StopNotify" => return subscribe(&attribute, false, path, bluez),
            _ => return Err(DbusError::UnknownMethod),
        };
        let is_write = matches!(access, Access::Write { .. });
        if is_write && bluez.settings.trouble == Some(HostTrouble::Dies) {
            bluez.fatal_call = Some(call.clone());
            return Ok(DbusAnswer::Sent);
        }
        let is_running = self.operations.iter().any(|pending| {
            pending.path == *path
                && matches!(pending.operation.access, Access::Write { .. }) == is_write
        });
        if is_running {
            return Err(DbusError::IN_PROGRESS);
        }
        self.operations.push_back(PendingOperation {
            call: call.clone(),
            path: path.clone(),
            operation: Operation {
                id: bluez.next_number(),
                attribute,
                access,
            },
        });
        if self.operations.len() == 1 {
            self.send_first_operation(bluez);
        }
        Ok(DbusAnswer::Sent)
    }

    /// Sends the first operation: a link runs one operation at a time.
    fn send_first_operation(&self, bluez: &mut Bluez) {
        let Some(first) = self.operations.front() else {
            return;
        };
        let id = first.operation.id;
        self.send(ToDevice::Operate(first.operation.clone()));
        let wait = bluez.scale(ATT_TIMEOUT, MIN_ATT_TIMEOUT);
        self.schedule_on_link(bluez, wait, move |remote, bluez| remote.time_out(id, bluez));
    }

    fn is_first_operation(&self, id: u64) -> bool {
        let first = self.operations.front();
        first.is_some_and(|pending| pending.operation.id == id)
    }

    pub(super) fn finish_operation(
        &mut self,
        id: u64,
        outcome: Result<Vec<u8>, u8>,
        bluez: &mut Bluez,
    ) {
        if !self.is_first_operation(id) {
            // Its link has ended, and its call was answered.
            return;
        }
        // BlueZ pairs because of an access, and then repeats the access.
        if outcome == Err(INSUFFICIENT_ENCRYPTION) {
            if self.has(LinkTrouble::NoPairing) {
                return self.disconnect(NOT_PAIRED, bluez);
            }
            if self.has(LinkTrouble::PairingHangs) {
                return;
            }
            if self.has(LinkTrouble::EncryptionRequired) && !self.is_paired {
                self.encrypt(bluez);
                return self.send_first_operation(bluez);
            }
        }
        let Some(finished) = self.operations.pop_front() else {
            return;
        };
        let call = finished.call;
        match (outcome, finished.operation.access) {
            (Err(code), _) => bluez.objects.refuse(&call, &DbusError::from_att(code)),
            (Ok(_), Access::Write { .. }) => bluez.objects.reply(&call, &()),
            (Ok(value), Access::Read { .. }) => {
                // As for a notification, and before the answer.
                let changes = [("Value", value.clone().into())];
                bluez.objects.set(&finished.path, changes);
                bluez.objects.reply(&call, &(value,));
            }
        }
        self.send_first_operation(bluez);
    }

    /// Ends a link without an answer, as ATT requires.
    fn time_out(&mut self, id: u64, bluez: &mut Bluez) {
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

/// Starts or stops notifications.
fn subscribe(
    attribute: &Attribute,
    on: bool,
    path: &ObjectPath<'static>,
    bluez: &mut Bluez,
) -> Result<DbusAnswer, DbusError> {
    if *attribute != Attribute::Indication {
        return Err(DbusError::NOT_SUPPORTED);
    }
    if bluez.objects.property(path, "Notifying") == Some(&on.into()) {
        return Err(if on {
            DbusError::IN_PROGRESS
        } else {
            DbusError::failed("No notify session started")
        });
    }
    bluez.objects.set(path, [("Notifying", on.into())]);
    Ok(DbusAnswer::Empty)
}

fn parse_offset(options: &Options<'_>) -> Result<usize, DbusError> {
    let offset = options.get("offset").map_or(Ok(0), u16::try_from)?;
    Ok(offset.into())
}

/// The transaction timeout of the specification, after which a link is unusable.
const ATT_TIMEOUT: Duration = Duration::from_secs(30);
/// The minimum for any time scale, which does not make computers faster.
const MIN_ATT_TIMEOUT: Duration = Duration::from_secs(1);
