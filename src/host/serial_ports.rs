//! Which serial ports this computer has, and which of them are on USB. Nothing is opened.

use std::io;
use std::path::Path;

use serialport::{SerialPortInfo, SerialPortType, available_ports};

/// A port.
#[derive(Debug)]
pub(crate) struct SerialPort {
    pub path: String,
    /// Maker and product of what is plugged in there, in its own words.
    pub product: Option<String>,
    /// Set for ports on USB, where boards are.
    pub usb: Option<UsbIdentity>,
}

/// What a USB device says that it is, beside its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbIdentity {
    /// Of its maker.
    pub vendor_id: u16,
    /// The maker's own.
    pub product_id: u16,
    /// Tells boards of one kind apart, where they have one.
    pub serial_number: Option<String>,
}

/// All ports, those on USB first.
pub(crate) fn list_serial_ports() -> io::Result<Vec<SerialPort>> {
    // The library takes this folder for granted, and a container may lack it.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Ok(Vec::new());
    }
    let ports = available_ports().map_err(io::Error::from)?;
    let mut found: Vec<SerialPort> = ports
        .into_iter()
        .filter(is_one_of_a_pair)
        .map(read)
        .collect();
    found.sort_by(|one, other| {
        let place = |port: &SerialPort| (port.usb.is_none(), port.path.clone());
        place(one).cmp(&place(other))
    });
    Ok(found)
}

fn read(port: SerialPortInfo) -> SerialPort {
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
    SerialPort {
        path: port_name,
        product,
        usb,
    }
}

/// macOS lists each port twice: `tty.` waits for a modem's carrier, `cu.` does not.
fn is_one_of_a_pair(port: &SerialPortInfo) -> bool {
    !port.port_name.starts_with("/dev/tty.")
}
