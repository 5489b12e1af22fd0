//! The calls of clients to attributes: reading, writing, subscribing (`src/gatt-client.c`). Not the
//! values, which the device has.

use std::collections::HashMap;
use std::time::Duration;

use zbus::message::Message;
use zbus::{ObjectPath, Variant};

use super::super::answer::{Answer, Refusal};
use super::super::layout::Attribute;
use super::super::link::{Access, Operation, ToDevice};
use super::super::stack::{INSUFFICIENT_ENCRYPTION, INVALID_OFFSET};
use super::super::trouble::{HostTrouble, LinkTrouble};
use super::remote::{Bluez, NOT_PAIRED, Pending, RemoteDevice};

type Options<'a> = HashMap<&'a str, Variant<'a>>;

impl RemoteDevice {
    pub(super) fn call_gatt(
        &mut self,
        call: &Message,
        member: &str,
        path: &ObjectPath<'static>,
        bluez: &mut Bluez,
    ) -> Result<Answer, Refusal> {
        let attribute = self.attributes.get(path).cloned();
        let attribute = attribute.ok_or(Refusal::UnknownMethod)?;
        if self.connected.is_none() {
            return Err(Refusal::failed("Not connected"));
        }
        let body = call.body();
        let access = match member {
            "ReadValue" => {
                let (options,): (Options<'_>,) = body.deserialize()?;
                let offset = offset(&options)?;
                Access::Read { offset }
            }
            "WriteValue" => {
                let (value, options): (Vec<u8>, Options<'_>) = body.deserialize()?;
                if offset(&options)? != 0 {
                    return Err(Refusal::by_att(INVALID_OFFSET));
                }
                if options.get("type") == Some(&"command".into()) {
                    return Err(Refusal::NOT_SUPPORTED);
                }
                Access::Write { value }
            }
            "StartNotify" => return subscribe(&attribute, true, path, bluez),
            "StopNotify" => return subscribe(&attribute, false, path, bluez),
            _ => return Err(Refusal::UnknownMethod),
        };
        let is_write = matches!(access, Access::Write { .. });
        if is_write && bluez.settings.trouble == Some(HostTrouble::Dies) {
            bluez.dies_of = Some(call.clone());
            return Ok(Answer::Sent);
        }
        let is_under_way = self.operations.iter().any(|pending| {
            pending.path == *path
                && matches!(pending.operation.access, Access::Write { .. }) == is_write
        });
        if is_under_way {
            return Err(Refusal::IN_PROGRESS);
        }
        self.operations.push_back(Pending {
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
        Ok(Answer::Sent)
    }

    /// One operation at a time is under way on a link.
    fn send_first_operation(&self, bluez: &mut Bluez) {
        let Some(first) = self.operations.front() else {
            return;
        };
        let id = first.operation.id;
        self.send(ToDevice::Operate(first.operation.clone()));
        let wait = bluez.scaled(ATT_LIMIT, LEAST_ATT_LIMIT);
        self.after_on_link(bluez, wait, move |remote, bluez| remote.time_out(id, bluez));
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
            // Its link is gone, and its call is answered.
            return;
        }
        // BlueZ pairs because of an access, and then repeats it.
        if outcome == Err(INSUFFICIENT_ENCRYPTION) {
            if self.has(LinkTrouble::NoPairing) {
                return self.cut(NOT_PAIRED, bluez);
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
            (Err(code), _) => bluez.objects.refuse(&call, &Refusal::by_att(code)),
            (Ok(_), Access::Write { .. }) => bluez.objects.reply(&call, &()),
            (Ok(value), Access::Read { .. }) => {
                // As with a notification, and before the answer.
                let changes = [("Value", value.clone().into())];
                bluez.objects.set(&finished.path, changes);
                bluez.objects.reply(&call, &(value,));
            }
        }
        self.send_first_operation(bluez);
    }

    /// ATT ends a link on which nothing is answered.
    fn time_out(&mut self, id: u64, bluez: &mut Bluez) {
        if !self.is_first_operation(id) {
            return;
        }
        if self.has(LinkTrouble::PairingHangs) {
            // BlueZ gives the device up, and never answers the calls to it.
            self.operations.clear();
            self.cut(NOT_PAIRED, bluez);
            self.forget(bluez);
        } else {
            self.cut("no answer in time", bluez);
        }
    }
}

/// Starts or stops notifications.
fn subscribe(
    attribute: &Attribute,
    on: bool,
    path: &ObjectPath<'static>,
    bluez: &mut Bluez,
) -> Result<Answer, Refusal> {
    if *attribute != Attribute::Indication {
        return Err(Refusal::NOT_SUPPORTED);
    }
    if bluez.objects.property(path, "Notifying") == Some(&on.into()) {
        return Err(if on {
            Refusal::IN_PROGRESS
        } else {
            Refusal::failed("No notify session started")
        });
    }
    bluez.objects.set(path, [("Notifying", on.into())]);
    Ok(Answer::Empty)
}

fn offset(options: &Options<'_>) -> Result<usize, Refusal> {
    let offset = options.get("offset").map_or(Ok(0), u16::try_from)?;
    Ok(offset.into())
}

/// The specification's: nothing is tried on a link after it.
const ATT_LIMIT: Duration = Duration::from_secs(30);
/// However fast the device's time runs, the computers are no faster.
const LEAST_ATT_LIMIT: Duration = Duration::from_secs(1);
