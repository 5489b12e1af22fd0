//! Tables of devices.

use super::table::{align, cell, yes_or_no};
use crate::transport::{Candidate, Columns, ManufacturerData};

/// A column: its heading, its least width, and the cell of a device.
type Column = (&'static str, usize, fn(&Candidate) -> String);

/// Formats devices of one medium as a table. Those on the network have the columns of
/// esp-rainmaker-cli.
pub(in crate::cli) fn device_table<'d>(
    devices: impl IntoIterator<Item = &'d Candidate>,
) -> Vec<String> {
    let mut devices = devices.into_iter().peekable();
    let (number_width, columns) = match devices.peek().map(|device| device.medium.columns) {
        Some(Columns::Advertisement) => (0, ADVERTISEMENT),
        Some(Columns::Plug) => (0, PLUG),
        Some(Columns::Service) | None => (2, SERVICE),
        Some(Columns::Version) => (0, VERSION),
    };
    let mut headings = vec![("#", number_width)];
    headings.extend(columns.iter().map(|&(heading, width, _)| (heading, width)));
    let rows = devices.zip(1_usize..).map(|(device, number)| {
        let cells = columns.iter().map(|(_, _, cell)| cell(device));
        std::iter::once(number.to_string()).chain(cells).collect()
    });
    align(&headings, 2, rows)
}

const ADVERTISEMENT: &[Column] = &[
    ("Name", 0, name),
    ("Address", 0, address),
    ("Signal", 0, |device| {
        cell(device.hints.signal.map(|signal| format!("{signal} dBm")))
    }),
    ("Customer", 0, |device| {
        cell(device.hints.manufacturer.map(|maker| maker.customer_id))
    }),
    ("Type", 0, |device| {
        cell(device.hints.manufacturer.map(describe_type))
    }),
    ("Provisioning", 0, |device| {
        yes_or_no(device.hints.is_likely).to_owned()
    }),
];

/// With what distinguishes boards of one kind.
const PLUG: &[Column] = &[
    ("Port", 0, address),
    ("Product", 0, name),
    ("USB", 0, |device| {
        let usb = device.hints.usb.as_ref();
        cell(usb.map(|usb| format!("{:04x}:{:04x}", usb.vendor_id, usb.product_id)))
    }),
    ("Serial Number", 0, |device| {
        let usb = device.hints.usb.as_ref();
        cell(usb.and_then(|usb| usb.serial_number.as_ref()))
    }),
];

const SERVICE: &[Column] = &[
    ("Instance Name", 19, |device| shorten(&name(device), 18)),
    ("Node ID", 23, |device| {
        shorten(&cell(device.hints.node_id.as_ref()), 24)
    }),
    ("IP Address", 15, |device| {
        split_port(device.address.as_str()).0.to_owned()
    }),
    ("Port", 5, |device| {
        cell(split_port(device.address.as_str()).1)
    }),
    ("Sec", 3, |device| cell(device.hints.sec_version)),
    ("PoP", 7, |device| {
        let is_needed = match (device.hints.sec_version, device.hints.pop_required) {
            (Some(2), _) | (_, Some(true)) => Some("Yes"),
            (_, Some(false)) | (Some(0), _) => Some("No"),
            (_, None) => None,
        };
        cell(is_needed)
    }),
    ("Service", 0, |_| "ChalResp".to_owned()),
];

/// Before the version document is read.
const VERSION: &[Column] = &[("Name", 0, name), ("Address", 0, address)];

fn name(device: &Candidate) -> String {
    cell(device.name.as_ref())
}

fn address(device: &Candidate) -> String {
    device.address.to_string()
}

fn describe_type(maker: ManufacturerData) -> String {
    let name = maker.type_name().map(str::to_owned);
    name.unwrap_or_else(|| format!("0x{:04x}", maker.device_type))
}

/// Splits an address such as `[::1]:80` or `::1` into host and port.
fn split_port(address: &str) -> (&str, Option<&str>) {
    if let Some((host, port)) = address
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]:"))
    {
        return (host, Some(port));
    }
    match address.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (address, None),
    }
}

/// Shortens a text to the width of its column.
fn shorten(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 3).collect();
    kept + "..."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_split_into_host_and_port() {
        for (address, host, port) in [
            ("192.168.1.7:80", "192.168.1.7", Some("80")),
            ("device.local", "device.local", None),
            ("[fe80::1%wlan0]:8080", "fe80::1%wlan0", Some("8080")),
            ("fe80::1", "fe80::1", None),
        ] {
            assert_eq!(split_port(address), (host, port));
        }
    }
}
