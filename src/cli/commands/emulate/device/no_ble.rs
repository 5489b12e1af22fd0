//! In place of `ble.rs` where there is no BlueZ to emulate: `--transport ble` is refused.

use super::label::Label;
use super::ready::ListenAddress;
use super::{EmulateDevice, Medium, Serve, conflict};
use crate::emulator::device::Device;
use crate::report::Failure;

#[derive(clap::Args, Debug)]
pub(super) struct BleFlags {}

/// Nothing is in it.
pub(super) struct Air;

impl Air {
    pub(super) async fn open(_: &EmulateDevice) -> Result<Self, Failure> {
        Ok(Self)
    }

    pub(super) fn serve(self) -> Self {
        self
    }

    pub(super) async fn failed(&mut self) -> Failure {
        std::future::pending().await
    }

    pub(super) async fn close(self) {}
}

impl EmulateDevice {
    pub(super) fn check_ble(&self) -> Result<(), Failure> {
        if self.transport == Medium::Ble {
            return only_on_linux();
        }
        Ok(())
    }

    pub(super) fn put_into_air(
        &self,
        _: &mut Air,
        _: u16,
        _: &str,
        _: &Label,
        _: &Device,
    ) -> Result<(Serve, ListenAddress), Failure> {
        only_on_linux()
    }
}

fn only_on_linux<T>() -> Result<T, Failure> {
    let message = "--transport ble: an adapter is emulated on Linux only, where it is BlueZ's";
    conflict(message)
}
