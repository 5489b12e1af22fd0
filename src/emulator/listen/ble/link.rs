//! The messages between the emulated host and the emulated devices, in place of radio.

use tokio::sync::mpsc;

use super::layout::Attribute;
use crate::emulator::log::DeviceEvent;

/// A message to a device.
#[derive(Debug)]
pub(super) enum ToDevice {
    /// The host connected to the device.
    Connected(BleLink),
    /// The host ended the link, for this reason.
    Disconnected(&'static str),
    /// The link is encrypted from now on.
    Encrypted,
    /// An action of the host that the device cannot see, for its log.
    Log(DeviceEvent),
    /// An operation on an attribute.
    Operate(Operation),
}

/// A link between host and device.
#[derive(Clone, Copy, Debug)]
pub(super) struct BleLink {
    pub(super) connection: u64,
    /// At its start, it is encrypted with the keys of an earlier pairing.
    pub(super) is_encrypted: bool,
}

/// An ATT operation; a long read or write is one operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: u64,
    pub(super) attribute: Attribute,
    pub(super) access: Access,
}

/// The access to an attribute.
#[derive(Clone, Debug)]
pub(super) enum Access {
    Read { offset: usize },
    Write { value: Vec<u8> },
}

/// A message from a device.
#[derive(Debug)]
pub(super) struct Report {
    /// The number of the device.
    pub(super) device: usize,
    pub(super) event: FromDevice,
}

/// An event of a device.
#[derive(Debug)]
pub(super) enum FromDevice {
    /// Whether the device advertises.
    Advertising(bool),
    /// The result of the operation with this id: a value, or an ATT error.
    Answered(u64, Result<Vec<u8>, u8>),
    /// The device ended the link.
    LinkLost { connection: u64 },
    /// The service of the device ended.
    Gone,
}

pub(super) type Reports = mpsc::UnboundedSender<Report>;
