//! The Bluetooth stacks of protocomm, and in one table their differences (`protocomm_nimble.c`,
//! `protocomm_ble.c` with `simple_ble.c`).

use clap::ValueEnum;

use crate::emulator::device::Firmware;
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

/// The differences.
#[derive(Clone, Copy, Debug)]
pub(super) struct StackRules {
    /// The largest ATT packet that it supports.
    pub(super) mtu: u16,
    /// The ATT error of a failing handler.
    pub(super) failure: u8,
    /// Whether that error ends the link.
    pub(super) closes_after_failure: bool,
}

impl Stack {
    pub(super) const fn rules(self) -> StackRules {
        match self {
            Self::Nimble => StackRules {
                mtu: 256,
                failure: INVALID_PDU,
                closes_after_failure: false,
            },
            Self::Bluedroid => StackRules {
                mtu: 500,
                failure: INTERNAL_ERROR,
                closes_after_failure: true,
            },
        }
    }

    /// The maximum length of a request and of a reply.
    pub const fn max_value(self, scheme: SecurityScheme, firmware: Firmware) -> usize {
        match (self, scheme, firmware) {
            (Self::Nimble, _, _) => MAX_ATTRIBUTE,
            // The array is larger with Security 2, which 4.4 does not support.
            (
                Self::Bluedroid,
                SecurityScheme::Sec2,
                Firmware::V5 | Firmware::NetworkProvisioning,
            ) => 481,
            (Self::Bluedroid, _, _) => 257,
        }
    }
}

/// The maximum length of an attribute, by the specification.
pub(super) const MAX_ATTRIBUTE: usize = 512;

/// The handle has no attribute.
pub(super) const INVALID_HANDLE: u8 = 0x01;
pub(super) const READ_NOT_PERMITTED: u8 = 0x02;
pub(super) const WRITE_NOT_PERMITTED: u8 = 0x03;
/// NimBLE's error of a failing handler.
const INVALID_PDU: u8 = 0x04;
pub(super) const INVALID_OFFSET: u8 = 0x07;
pub(super) const INVALID_LENGTH: u8 = 0x0d;
/// The service is stopping, or the characteristic has no handler. BlueZ also reports it for a lost link.
pub(super) const UNLIKELY: u8 = 0x0e;
pub(super) const INSUFFICIENT_ENCRYPTION: u8 = 0x0f;
/// Bluedroid's error of a failing handler.
const INTERNAL_ERROR: u8 = 0x85;
