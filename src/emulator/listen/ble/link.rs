//! The messages between the emulated host and the emulated devices, in place of radio.

use zbus::ObjectPath;
use zbus::message::{Message, Sequence};

use super::layout::Attribute;
use crate::emulator::log::DeviceEvent;

/// A message to a device.
#[derive(Debug)]
pub(super) enum ToDevice {
    /// The host connected to the device; the number of the link.
    Connected(u64),
    /// The host ended the link, for this reason.
    Disconnected(&'static str),
    /// An action of the host that the device cannot see, for its log.
    Log(DeviceEvent),
    /// An operation on an attribute.
    Operate(Operation),
}

/// An ATT operation for a client; a long read or write is one operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// The call to answer with the result.
    pub(super) call: Message,
    /// The D-Bus object of the attribute.
    pub(super) path: ObjectPath<'static>,
    pub(super) attribute: Attribute,
    pub(super) access: Access,
}

impl Operation {
    /// Identifies it among all operations.
    pub(super) fn id(&self) -> Sequence {
        self.call.recv_position()
    }
}

/// The access to an attribute.
#[derive(Clone, Debug)]
pub(super) enum Access {
    Read { offset: usize },
    Write { value: Vec<u8> },
}

/// A message from a device.
#[derive(Debug)]
pub(super) enum FromDevice {
    /// Whether the device is in range.
    Reachable(bool),
    /// The result of the operation with this id: a value, or an ATT error.
    Answered(Sequence, Result<Vec<u8>, u8>),
    /// The device ended the link with this number.
    LinkLost(u64),
    /// The service of the device ended.
    Gone,
}

/// A message with the number of its device.
pub(super) type Report = (usize, FromDevice);
