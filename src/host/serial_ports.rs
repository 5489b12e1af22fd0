//! Lists the serial ports of this computer, with their USB identity. No port is opened.

use std::io;
use std::path::Path;

use serialport::{SerialPortInfo, SerialPortType, available_ports};

/// A serial port.
#[derive(Debug)]
pub(crate) struct SerialPort {
    pub path: String,
    /// Manufacturer and product names of the USB device.
    pub product: Option<String>,
    /// Set for ports on USB, where boards are.
    pub usb: Option<UsbIdentity>,
}

/// The ids of a USB device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbIdentity {
    /// The vendor id of the USB device's manufacturer.
    pub vendor_id: u16,
    /// The manufacturer's id of the product.
    pub product_id: u16,
    /// Distinguishes boards of the same product, if they have one.
    pub serial_number: Option<String>,
}

/// Lists all ports, those on USB first.
pub(crate) fn list_serial_ports() -> io::Result<Vec<SerialPort>> {
    // The library requires this folder, which a container may lack.
    if cfg!(target_os = "linux") && !Path::new("/sys/class/tty").is_dir() {
        return Ok(Vec::new());
    }
    let ports = available_ports().map_err(io::Error::from)?;
    let mut serial_ports: Vec<SerialPort> = ports
        .into_iter()
        .filter(is_callout_port)
        .map(convert_port)
        .collect();
    serial_ports.sort_by_cached_key(|port| (port.usb.is_none(), port.path.clone()));
    Ok(serial_ports)
}

fn convert_port(port: SerialPortInfo) -> SerialPort {
    let path = port.port_name;
    let SerialPortType::UsbPort(usb) = port.port_type else {
        let (product, usb) = (None, None);
        return SerialPort { path, product, usb };
    };
    let names: Vec<String> = [usb.manufacturer, usb.product]
        .into_iter()
        .flatten()
        .collect();
    SerialPort {
        path,
        product: (!names.is_empty()).then(|| names.join(" ")),
        usb: Some(UsbIdentity {
            vendor_id: usb.vid,
            product_id: usb.pid,
            serial_number: usb.serial_number.filter(|number| !number.is_empty()),
        }),
    }
}

/// macOS lists each port twice: `tty.` waits for a modem's carrier signal, `cu.` does not.
fn is_callout_port(port: &SerialPortInfo) -> bool {
    !port.port_name.starts_with("/dev/tty.")
}
