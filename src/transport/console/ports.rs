//! Which serial ports this computer has, and at which of them a board could be. Nothing is opened.

use std::path::Path;
use std::sync::Arc;

use serialport::{SerialPortInfo, SerialPortType, available_ports};

use super::super::{TransportError, UsbIdentity};

/// What the firmware's console is set to unless it was changed (`CONFIG_ESP_CONSOLE_UART_BAUDRATE`).
pub const DEFAULT_BAUD: u32 = 115_200;

/// A port.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: Arc<str>,
    /// What is plugged in there, by its own word.
    pub(super) product: Option<String>,
    /// Where boards are.
    pub(super) usb: Option<UsbIdentity>,
}

/// All of them, those on USB first.
pub(super) fn all() -> Result<Vec<Found>, TransportError> {
    // The library takes this folder for granted, and a container may lack it.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Ok(Vec::new());
    }
    let ports = available_ports().map_err(|error| TransportError::Unavailable {
        what: "its serial ports",
        source: error.into(),
    })?;
    let mut found: Vec<Found> = ports
        .into_iter()
        .filter(is_one_of_a_pair)
        .map(read)
        .collect();
    found.sort_by(|one, other| {
        let place = |port: &Found| (port.usb.is_none(), Arc::clone(&port.path));
        place(one).cmp(&place(other))
    });
    Ok(found)
}

fn read(port: SerialPortInfo) -> Found {
    let SerialPortInfo {
        port_name,
        port_type,
    } = port;
    let (product, usb) = match port_type {
        SerialPortType::UsbPort(usb) => {
            let words: Vec<String> = [usb.manufacturer, usb.product]
                .into_iter()
                .flatten()
                .collect();
            let identity = UsbIdentity {
                vendor_id: usb.vid,
                product_id: usb.pid,
                serial_number: usb.serial_number.filter(|number| !number.is_empty()),
            };
            ((!words.is_empty()).then(|| words.join(" ")), Some(identity))
        }
        _ => (None, None),
    };
    Found {
        path: port_name.into(),
        product,
        usb,
    }
}

/// macOS lists each port twice: `tty.` waits for a modem's carrier, `cu.` does not.
fn is_one_of_a_pair(port: &SerialPortInfo) -> bool {
    !port.port_name.starts_with("/dev/tty.")
}
