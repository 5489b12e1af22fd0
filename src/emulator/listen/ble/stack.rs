//! The Bluetooth stacks under protocomm, and in one table what each does differently
//! (`protocomm_nimble.c`, `protocomm_ble.c` with `simple_ble.c`). Not how: the device's side of the
//! link asks here.

use clap::ValueEnum;

use crate::emulator::device::Firmware;
use crate::security::SecurityScheme;

/// A stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Stack {
    /// MTU 256, values of 512 bytes; refuses with ATT errors and keeps the link.
    #[default]
    Nimble,
    /// MTU 500, values of 481 bytes, 257 without Security 2; drops the link after a refusal.
    Bluedroid,
}

/// What differs.
#[derive(Clone, Copy, Debug)]
pub(super) struct StackRules {
    /// The largest ATT packet that it takes.
    pub(super) mtu: u16,
    /// What a handler that fails is as an error of ATT.
    pub(super) failure: u8,
    /// That error ends the link.
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

    /// The longest request and the longest reply.
    pub const fn longest_value(self, scheme: SecurityScheme, firmware: Firmware) -> usize {
        match (self, scheme, firmware) {
            (Self::Nimble, _, _) => LONGEST_VALUE,
            // The array is larger where Security 2 is built in, which 4.4 never has.
            (
                Self::Bluedroid,
                SecurityScheme::Sec2,
                Firmware::V5 | Firmware::NetworkProvisioning,
            ) => 481,
            (Self::Bluedroid, _, _) => 257,
        }
    }
}

/// What an attribute can hold, by the specification.
pub(super) const LONGEST_VALUE: usize = 512;

/// There is nothing at this handle.
pub(super) const INVALID_HANDLE: u8 = 0x01;
pub(super) const READ_NOT_PERMITTED: u8 = 0x02;
pub(super) const WRITE_NOT_PERMITTED: u8 = 0x03;
/// What NimBLE makes of a handler that fails.
const INVALID_PDU: u8 = 0x04;
pub(super) const INVALID_OFFSET: u8 = 0x07;
pub(super) const INVALID_LENGTH: u8 = 0x0d;
/// The service is stopping, or nobody is behind the characteristic. Also what BlueZ says of a link
/// that is gone.
pub(super) const UNLIKELY: u8 = 0x0e;
pub(super) const INSUFFICIENT_ENCRYPTION: u8 = 0x0f;
/// What Bluedroid makes of a handler that fails.
const INTERNAL_ERROR: u8 = 0x85;
