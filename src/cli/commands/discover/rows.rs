//! The devices of `discover`: an object of JSON for each device, and a table for each medium.

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::cli::args::environment::without_device;
use crate::cli::terminal::{cell, device_table, merge_objects, table, version_line, yes_or_no};
use crate::flows::discover::DiscoveredDevice;
use crate::ident::printable;
use crate::report::{Context, Failure};
use crate::transport::{Candidate, Columns, Discovery, ManufacturerData, Medium};

/// A device, for machines. Data that it did not announce is null.
pub(super) fn json_row(found: &DiscoveredDevice) -> Value {
    let Candidate { hints, medium, .. } = &found.device;
    let (maker, usb) = (hints.manufacturer.as_ref(), hints.usb.as_ref());
    let latest = with_version_hints(found).hints;
    let mut parts = vec![json!({
        "transport": medium,
        "address": found.device.address.to_string(),
        "name": found.device.name,
        "node_id": hints.node_id,
    })];
    if medium.columns == Columns::Advertisement {
        parts.push(json!({
            "signal": hints.signal,
            "customer_id": maker.map(|maker| maker.customer_id),
            "device_type": maker.map(|maker| maker.device_type),
            "device_type_name": hints.manufacturer.and_then(ManufacturerData::type_name),
            "device_subtype": maker.map(|maker| maker.device_subtype),
            "services": hints.services,
            "looks_like_provisioning": hints.is_likely,
        }));
    }
    if medium.columns == Columns::Plug {
        // Four hexadecimal digits, as `lsusb` shows them.
        parts.push(json!({
            "usb_vendor_id": usb.map(|usb| format!("{:04x}", usb.vendor_id)),
            "usb_product_id": usb.map(|usb| format!("{:04x}", usb.product_id)),
            "serial_number": usb.and_then(|usb| usb.serial_number.as_ref()),
        }));
    }
    if medium.discovery == Discovery::Enumerated {
        parts.push(json!({ "silence": silence_of(found) }));
    }
    parts.push(json!({
        "version": found.version,
        "sec_ver": latest.sec_version,
        "pop_required": latest.pop_required,
    }));
    merge_objects(parts)
}

/// The id of the error of the probe, as if the search had been for this device only. `None` if a
/// device answered, or without a probe.
fn silence_of(found: &DiscoveredDevice) -> Option<&'static str> {
    let error = found.version_error.as_ref()?;
    let context = Context {
        medium: Some(found.device.medium),
        address: Some(found.device.address.clone()),
        ..without_device()
    };
    Some(Failure::of_flow(error, &context).id.into_str())
}

/// The device with the data of its version document, if it has one. The device itself sends that
/// document, but anything can announce the hints.
fn with_version_hints(found: &DiscoveredDevice) -> Candidate {
    let mut device = found.device.clone();
    if let Some(version) = &found.version {
        let hints = &mut device.hints;
        hints.sec_version = version.sec_ver.or(hints.sec_version);
        hints.pop_required = version.pop_required.or(hints.pop_required);
    }
    device
}

/// One table for each medium, because their columns differ.
pub(super) fn tables(found: &[DiscoveredDevice]) -> Vec<String> {
    let mut lines = Vec::new();
    for group in found.chunk_by(|one, next| one.device.medium == next.device.medium) {
        let Some(medium) = group.first().map(|first| first.device.medium) else {
            continue;
        };
        if group.len() < found.len() {
            lines.push(format!("Over {medium}:"));
        }
        let devices: Vec<Candidate> = group.iter().map(with_version_hints).collect();
        lines.extend(match medium.columns {
            Columns::Advertisement | Columns::Service => device_table(&devices),
            Columns::Plug => with_outcomes(device_table(&devices), group),
            Columns::Version => {
                let heading = ["NAME", "TRANSPORT", "ADDRESS", "VERSION", "SEC", "POP"];
                let rows = group.iter().zip(&devices).map(version_cells);
                with_outcomes(table(heading, rows), group)
            }
        });
    }
    lines
}

fn version_cells((found, device): (&DiscoveredDevice, &Candidate)) -> [String; 6] {
    let version = found.version.as_ref();
    [
        cell(device.name.as_ref()),
        device.medium.to_string(),
        device.address.to_string(),
        cell(version.and_then(|version| version.ver.as_ref())),
        cell(device.hints.sec_version),
        cell(device.hints.pop_required.map(yes_or_no)),
    ]
}

/// Adds a line below the row of each device that was probed: the version, if the table has no column
/// for it, or the error.
fn with_outcomes(table: Vec<String>, found: &[DiscoveredDevice]) -> Vec<String> {
    let outcomes = found
        .iter()
        .map(|one| match (&one.version, &one.version_error) {
            (Some(version), _) if one.device.medium.columns != Columns::Version => {
                Some(format!("   {}", version_line(version)))
            }
            (None, Some(silence)) => {
                Some(format!("   {}", printable(silence.to_string().as_bytes())))
            }
            _ => None,
        });
    // The first line is the heading.
    let outcomes = std::iter::once(None).chain(outcomes);
    let lines = table.into_iter().zip(outcomes);
    lines
        .flat_map(|(line, outcome)| std::iter::once(line).chain(outcome))
        .collect()
}

/// Sorts by medium in this order, then by signal with the strongest first.
pub(super) fn sort(found: &mut [DiscoveredDevice], order: &[&'static Medium]) {
    let position = |medium| order.iter().position(|known| *known == medium);
    found.sort_by_key(|DiscoveredDevice { device, .. }| {
        (position(device.medium), Reverse(device.hints.signal))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::{Address, built_in_drivers, found_over};

    #[test]
    fn tables_are_per_medium_with_strongest_signal_first() {
        let drivers = built_in_drivers();
        let order: Vec<_> = drivers.iter().map(|driver| driver.medium()).collect();
        let found = |medium: &str, address, name: &str, signal| {
            let mut device = found_over(medium, address, Some(name));
            device.hints.signal = signal;
            DiscoveredDevice::from(device)
        };
        let advertising =
            |name: &str, signal| found("ble", Address::new(name).with_id(name), name, signal);
        let host = Address::new("127.0.0.1:80");
        let mut all = vec![
            found("on-network", host, "Lamp", None),
            advertising("PROV_connected", None),
            advertising("PROV_far", Some(-90)),
            advertising("PROV_near", Some(-40)),
        ];
        sort(&mut all, &order);
        let lines = tables(&all);
        let starts = [
            "Over ble:",
            "#  Name ",
            "1  PROV_near ",
            "2  PROV_far ",
            "3  PROV_connected ",
            "Over on-network:",
            "#   Instance Name ",
            "1   Lamp ",
        ];
        assert_eq!(lines.len(), starts.len(), "{lines:#?}");
        for (line, start) in lines.iter().zip(starts) {
            assert!(line.starts_with(start), "{start:?}: {lines:#?}");
        }
        all.truncate(3);
        assert!(!tables(&all).concat().contains("Over"));
    }
}
