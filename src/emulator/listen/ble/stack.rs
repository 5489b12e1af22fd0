//! The Bluetooth stacks of protocomm with their sizes, and the errors of ATT (`protocomm_nimble.c`,
//! `protocomm_ble.c` with `simple_ble.c`).

use clap::ValueEnum;

use crate::emulator::device::{DeviceSettings, Firmware};
use crate::security::SecurityScheme;

/// A Bluetooth stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Stack {
    /// MTU 256, values of 512 bytes; refuses with ATT errors and keeps the link.
    #[default]
    Nimble,
    /// MTU 500, values of 481 bytes, 257 without Security 2; drops the link after a refusal.
    Bluedroid,
}

impl Stack {
    /// The largest ATT packet that it supports.
    pub(super) const fn mtu(self) -> u16 {
        match self {
            Self::Nimble => 256,
            Self::Bluedroid => 500,
        }
    }

    /// The maximum length of a request and of a reply of this device.
    pub(super) fn max_value(self, device: &DeviceSettings) -> usize {
        match (self, device.secret.scheme()) {
            (Self::Nimble, _) => MAX_ATTRIBUTE,
            // The array is larger with Security 2, which 4.4 does not support.
            (Self::Bluedroid, SecurityScheme::Sec2) if device.firmware != Firmware::V44 => 481,
            (Self::Bluedroid, _) => 257,
        }
    }
}

/// The maximum length of an attribute, by the specification.
pub(super) const MAX_ATTRIBUTE: usize = 512;

/// The handle has no attribute.
pub(super) const INVALID_HANDLE: u8 = 0x01;
pub(super) const READ_NOT_PERMITTED: u8 = 0x02;
pub(super) const WRITE_NOT_PERMITTED: u8 = 0x03;
/// NimBLE's error of a failing handler, after which it keeps the link.
pub(super) const INVALID_PDU: u8 = 0x04;
pub(super) const INVALID_OFFSET: u8 = 0x07;
pub(super) const INVALID_LENGTH: u8 = 0x0d;
/// The service is stopping, or the characteristic has no handler. BlueZ also reports it for a lost link.
pub(super) const UNLIKELY: u8 = 0x0e;
pub(super) const INSUFFICIENT_ENCRYPTION: u8 = 0x0f;
/// Bluedroid's error of a failing handler, after which it ends the link.
pub(super) const INTERNAL_ERROR: u8 = 0x85;
