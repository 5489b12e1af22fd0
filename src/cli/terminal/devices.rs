//! Tables of devices.

use unicode_width::UnicodeWidthStr as _;

use super::text::columns;
use crate::ident::printable;
use crate::transport::{Candidate, Columns};

/// Formats devices as a table, with the columns of esp-rainmaker-cli.
pub(in crate::cli) fn device_table(devices: &[Candidate]) -> Vec<String> {
    match devices.first().map(|device| device.medium.columns) {
        Some(Columns::Advertisement) => ble_table(devices),
        Some(Columns::Plug) => port_table(devices),
        Some(Columns::Service) | None => network_device_table(devices),
        Some(Columns::Version) => plain_table(devices),
    }
}

fn network_device_table(devices: &[Candidate]) -> Vec<String> {
    let row = |cells: [&str; 8]| {
        let gaps = [3_usize, 20, 24, 16, 6, 4, 8, 0];
        let text = cells
            .iter()
            .zip(gaps)
            .fold(String::new(), |text, (cell, gap)| {
                let gap = " ".repeat(gap.saturating_sub(cell.width()));
                text + cell + &gap + " "
            });
        text.trim_end().to_owned()
    };
    let mut lines = vec![row([
        "#",
        "Instance Name",
        "Node ID",
        "IP Address",
        "Port",
        "Sec",
        "PoP",
        "Service",
    ])];
    lines.extend(devices.iter().enumerate().map(|(index, device)| {
        let dash = || "-".to_owned();
        let cell = |text: Option<&String>, most: usize| {
            text.map_or_else(dash, |text| shorten(&printable(text.as_bytes()), most))
        };
        let (host, port) = split_port(device.address.as_str());
        let port = port.map_or_else(dash, str::to_owned);
        row([
            &(index + 1).to_string(),
            &cell(device.name.as_ref(), MAX_NAME),
            &cell(device.hints.node_id.as_ref(), MAX_ID),
            host,
            &port,
            &device
                .hints
                .sec_version
                .map_or_else(dash, |number| number.to_string()),
            match (device.hints.sec_version, device.hints.pop_required) {
                (Some(2), _) | (_, Some(true)) => "Yes",
                (_, Some(false)) | (Some(0), _) => "No",
                (_, None) => "-",
            },
            "ChalResp",
        ])
    }));
    lines
}

/// Over Bluetooth.
fn ble_table(devices: &[Candidate]) -> Vec<String> {
    let heading = [
        "#",
        "Name",
        "Address",
        "Signal",
        "Customer",
        "Type",
        "Provisioning",
    ]
    .map(str::to_owned);
    let rows = devices.iter().enumerate().map(|(index, device)| {
        let [name, rest @ ..] = ble_cells(device);
        let number = (index + 1).to_string();
        let [address, signal, customer, kind, looks] = rest;
        [number, name, address, signal, customer, kind, looks]
    });
    columns(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
}

/// Name, address, signal, customer, type, and whether the device can probably be provisioned.
fn ble_cells(device: &Candidate) -> [String; 6] {
    let dash = || "-".to_owned();
    let hints = &device.hints;
    let name = device.name.as_deref();
    [
        name.map_or_else(dash, |name| printable(name.as_bytes())),
        device.address.to_string(),
        hints
            .signal
            .map_or_else(dash, |signal| format!("{signal} dBm")),
        hints
            .manufacturer
            .map_or_else(dash, |maker| maker.customer_id.to_string()),
        hints.manufacturer.map_or_else(dash, |maker| {
            maker
                .type_name()
                .map_or_else(|| format!("0x{:04x}", maker.device_type), str::to_owned)
        }),
        if hints.is_likely { "yes" } else { "no" }.to_owned(),
    ]
}

/// Serial ports, with what distinguishes boards of one kind.
fn port_table(devices: &[Candidate]) -> Vec<String> {
    let heading = ["#", "Port", "Product", "USB", "Serial Number"].map(str::to_owned);
    let rows = devices.iter().enumerate().map(|(index, device)| {
        let cell = |text: Option<&String>| {
            text.map_or_else(|| "-".to_owned(), |text| printable(text.as_bytes()))
        };
        let usb = device.hints.usb.as_ref();
        [
            (index + 1).to_string(),
            device.address.to_string(),
            cell(device.name.as_ref()),
            usb.map_or_else(
                || "-".to_owned(),
                |usb| format!("{:04x}:{:04x}", usb.vendor_id, usb.product_id),
            ),
            cell(usb.and_then(|usb| usb.serial_number.as_ref())),
        ]
    });
    columns(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
}

/// Devices with a name and an address only.
fn plain_table(devices: &[Candidate]) -> Vec<String> {
    let heading = ["#", "Name", "Address"].map(str::to_owned);
    let rows = devices.iter().enumerate().map(|(index, device)| {
        let name = device.name.as_deref();
        [
            (index + 1).to_string(),
            name.map_or_else(|| "-".to_owned(), |name| printable(name.as_bytes())),
            device.address.to_string(),
        ]
    });
    columns(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
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

/// Characters of the column with names.
const MAX_NAME: usize = 18;
/// Characters of the column with node ids.
const MAX_ID: usize = 24;

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
