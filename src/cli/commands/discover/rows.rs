//! The devices of `discover`: an object of JSON for each device, and a table for each medium.

use std::cmp::Reverse;

use serde_json::{Value, json};

use crate::cli::args::environment::without_device;
use crate::cli::terminal::{cell, device_table, merge_objects, table, version_line, yes_or_no};
use crate::flows::discover::DiscoveredDevice;
use crate::ident::printable;
use crate::report::{Context, Failure};
use crate::transport::{Columns, Discovery, ManufacturerData, Medium};

/// A device, for machines. Data that it did not announce is null.
pub(super) fn json_row(found: &DiscoveredDevice) -> Value {
    let (device, medium, hints) = (&found.device, found.device.medium, &found.device.hints);
    let (maker, usb) = (hints.manufacturer.as_ref(), hints.usb.as_ref());
    let extra = match medium.columns {
        Columns::Advertisement => json!({
            "signal": hints.signal,
            "customer_id": maker.map(|maker| maker.customer_id),
            "device_type": maker.map(|maker| maker.device_type),
            "device_type_name": hints.manufacturer.and_then(ManufacturerData::type_name),
            "device_subtype": maker.map(|maker| maker.device_subtype),
            "services": hints.services,
            "looks_like_provisioning": hints.is_likely,
        }),
        // Four hexadecimal digits, as `lsusb` shows them.
        Columns::Plug => json!({
            "usb_vendor_id": usb.map(|usb| format!("{:04x}", usb.vendor_id)),
            "usb_product_id": usb.map(|usb| format!("{:04x}", usb.product_id)),
            "serial_number": usb.and_then(|usb| usb.serial_number.as_ref()),
        }),
        Columns::Service | Columns::Version => Value::Null,
    };
    let silence = match medium.discovery {
        Discovery::Enumerated => json!({ "silence": silence_of(found) }),
        _ => Value::Null,
    };
    let first = json!({
        "transport": medium,
        "address": device.address.to_string(),
        "name": device.name,
        "node_id": hints.node_id,
    });
    let last = json!({
        "version": found.version,
        "sec_ver": hints.sec_version,
        "pop_required": hints.pop_required,
    });
    merge_objects([first, extra, silence, last])
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
        let table = if medium.columns == Columns::Version {
            let headings = ["NAME", "TRANSPORT", "ADDRESS", "VERSION", "SEC", "POP"];
            table(headings, group.iter().map(version_cells))
        } else {
            device_table(group.iter().map(|found| &found.device))
        };
        // The first line is the headings.
        let outcomes = std::iter::once(None).chain(group.iter().map(outcome_line));
        for (line, outcome) in table.into_iter().zip(outcomes) {
            lines.push(line);
            lines.extend(outcome);
        }
    }
    lines
}

fn version_cells(found: &DiscoveredDevice) -> [String; 6] {
    let (device, version) = (&found.device, found.version.as_ref());
    [
        cell(device.name.as_ref()),
        device.medium.to_string(),
        device.address.to_string(),
        cell(version.and_then(|version| version.ver.as_ref())),
        cell(device.hints.sec_version),
        cell(device.hints.pop_required.map(yes_or_no)),
    ]
}

/// The outcome of a probe, for a line below the row: the version, if the table has no column for it,
/// or the error.
fn outcome_line(found: &DiscoveredDevice) -> Option<String> {
    let outcome = match (
        found.device.medium.columns,
        &found.version,
        &found.version_error,
    ) {
        (Columns::Plug, Some(version), _) => version_line(version),
        (_, None, Some(error)) => printable(error.to_string().as_bytes()),
        _ => return None,
    };
    Some(format!("   {outcome}"))
}

/// Sorts by medium in this order, then by signal with the strongest first.
pub(super) fn sort(found: &mut [DiscoveredDevice], order: &[&'static Medium]) {
    let position = |medium| order.iter().position(|known| *known == medium);
    found.sort_by_key(|found| {
        let device = &found.device;
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
