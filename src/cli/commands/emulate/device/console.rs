//! The serial line of an emulated device, which is a pty.

use futures_util::FutureExt as _;
use serde_json::json;

use super::ready::{Listener, NewDevice};
use crate::cli::commands::emulate::failures::cannot_use;
use crate::emulator::device::Device;
use crate::emulator::listen::console;
use crate::report::{ErrorId, Failure};

/// Opens the serial line of a device.
pub(super) fn open_console(new: &NewDevice<'_>, device: Device) -> Result<Listener, Failure> {
    let (args, flags) = (new.args, &new.args.console);
    let qr_code = new.label.qr_code(args, new.name);
    let mut console = console::open(flags.clone(), qr_code).map_err(|error| {
        Failure::new(ErrorId::CannotListen, "no pty for a serial line").cause(&error)
    })?;
    if let Some(link) = &flags.pty_link {
        console
            .link(link)
            .map_err(|error| cannot_use("--pty-link", link, &error))?;
    }
    Ok(Listener {
        address: json!({
            "pty": console.path().display().to_string(),
            "baud": flags.uart_baud,
        }),
        serving: console.serve(device).boxed_local(),
    })
}
