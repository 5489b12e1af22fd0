//! Which serial ports this computer has, and at which of them a board could be. Nothing is opened.

use std::sync::Arc;

use serialport::{SerialPortInfo, SerialPortType, available_ports};

use super::super::TransportError;

/// What the firmware's console is set to unless it was changed (`CONFIG_ESP_CONSOLE_UART_BAUDRATE`).
pub const DEFAULT_BAUD: u32 = 115_200;

/// A port.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) path: Arc<str>,
    /// What is plugged in there, by its own word.
    pub(super) product: Option<String>,
    /// Whether it is where boards are: on USB.
    pub(super) is_likely: bool,
}

/// All of them, those on USB first.
pub(super) fn all() -> Result<Vec<Found>, TransportError> {
    let ports = available_ports().map_err(|error| TransportError::Unavailable {
        what: "its serial ports",
        source: error.into(),
    })?;
    let mut found: Vec<Found> = ports
        .into_iter()
        .filter(is_one_of_a_pair)
        .map(read)
        .collect();
    found.sort_by(|one, other| (!one.is_likely, &one.path).cmp(&(!other.is_likely, &other.path)));
    Ok(found)
}

fn read(port: SerialPortInfo) -> Found {
    let product = match &port.port_type {
        SerialPortType::UsbPort(usb) => {
            let parts = [usb.manufacturer.as_deref(), usb.product.as_deref()];
            let words: Vec<&str> = parts.into_iter().flatten().collect();
            (!words.is_empty()).then(|| words.join(" "))
        }
        _ => None,
    };
    Found {
        path: port.port_name.into(),
        product,
        is_likely: matches!(port.port_type, SerialPortType::UsbPort(_)),
    }
}

/// macOS lists each port twice: `tty.` waits for a modem's carrier, `cu.` does not.
fn is_one_of_a_pair(port: &SerialPortInfo) -> bool {
    !port.port_name.starts_with("/dev/tty.")
}
