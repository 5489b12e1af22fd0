//! In place of `console.rs` where there is no pty: `--transport console` is refused.

use super::label::Label;
use super::ready::ListenAddress;
use super::{EmulateDevice, Medium, Serve, conflict};
use crate::report::Failure;

#[derive(clap::Args, Debug)]
pub(super) struct ConsoleFlags {}

impl EmulateDevice {
    pub(super) fn check_console(&self) -> Result<(), Failure> {
        if self.transport == Medium::Console {
            return only_on_unix();
        }
        Ok(())
    }

    pub(super) fn shows_qr_code(&self) -> bool {
        true
    }

    pub(super) fn open_console(
        &self,
        _: &str,
        _: &Label,
    ) -> Result<(Serve, ListenAddress), Failure> {
        only_on_unix()
    }
}

fn only_on_unix<T>() -> Result<T, Failure> {
    let message = "--transport console: a serial port is emulated by a pty, which is Unix's";
    conflict(message)
}

/// Nobody asks for it here.
pub(super) const QR_TRANSPORT: &str = "ble";
