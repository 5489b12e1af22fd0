//! What passes between the emulated host and the emulated devices: what would be radio. Not how
//! either side comes to it.

use tokio::sync::mpsc;

use super::layout::Attribute;
use crate::emulator::log::Entry;

/// To a device.
#[derive(Debug)]
pub(super) enum ToDevice {
    /// A link to it is up.
    Connected(Link),
    /// The host's side ended the link, for this reason.
    Disconnected(&'static str),
    /// The link is encrypted from now on.
    Encrypted,
    /// The host did something that a device cannot see, for its log.
    Note(Entry),
    /// An operation on an attribute.
    Operate(Operation),
}

/// A link between both.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) connection: u64,
    /// At its start: by keys from an earlier pairing.
    pub(super) is_encrypted: bool,
}

/// An operation of ATT; long ones are one here.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) id: u64,
    pub(super) attribute: Attribute,
    pub(super) access: Access,
}

/// What is done to an attribute.
#[derive(Clone, Debug)]
pub(super) enum Access {
    Read { offset: usize },
    Write { value: Vec<u8> },
}

/// From a device.
#[derive(Debug)]
pub(super) struct Report {
    /// Which device's.
    pub(super) device: usize,
    pub(super) what: FromDevice,
}

/// What a device reports.
#[derive(Debug)]
pub(super) enum FromDevice {
    /// Whether it is advertised.
    Advertising(bool),
    /// The operation of this id has this outcome: a value, or an error of ATT.
    Answered(u64, Result<Vec<u8>, u8>),
    /// The link is gone.
    LinkLost { connection: u64 },
    /// So is the device.
    Gone,
}

pub(super) type Reports = mpsc::UnboundedSender<Report>;
