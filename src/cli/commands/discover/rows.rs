//! How `discover` shows what it found: a row of JSON for each, and one table for each kind. Looking
//! is the file's above it.

use std::cmp::Reverse;

use serde::Serialize;
use uuid::Uuid;

use crate::cli::args::environment::without_device;
use crate::cli::terminal::{columns, device_table, version_line};
use crate::endpoint::version::Version;
use crate::flows::SeenDevice;
use crate::flows::discover::DiscoveredDevice;
use crate::ident::printable;
use crate::report::{Context, Failure};
use crate::transport::{Columns, Discovery, ManufacturerData, Medium};

/// A line of the list. What a device did not say is null.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    transport: &'static Medium,
    address: String,
    name: Option<&'a str>,
    node_id: Option<&'a str>,
    #[serde(flatten)]
    radio: Option<Radio<'a>>,
    #[serde(flatten)]
    port: Option<Port<'a>>,
    #[serde(flatten)]
    probe: Option<ProbeOutcome>,
    version: Option<&'a Version>,
    sec_ver: Option<u64>,
    pop_required: Option<bool>,
}

/// What only Bluetooth tells.
#[derive(Serialize)]
struct Radio<'a> {
    /// In dBm.
    signal: Option<i16>,
    customer_id: Option<u16>,
    device_type: Option<u16>,
    device_type_name: Option<&'static str>,
    device_subtype: Option<u8>,
    services: &'a [Uuid],
    looks_like_provisioning: bool,
}

impl<'a> Radio<'a> {
    fn of(found: &'a DiscoveredDevice) -> Self {
        let hints = &found.hints;
        Self {
            signal: hints.signal,
            customer_id: hints.manufacturer.map(|maker| maker.customer_id),
            device_type: hints.manufacturer.map(|maker| maker.device_type),
            device_type_name: hints.manufacturer.and_then(ManufacturerData::type_name),
            device_subtype: hints.manufacturer.map(|maker| maker.device_subtype),
            services: &hints.services,
            looks_like_provisioning: hints.is_likely,
        }
    }
}

/// What only serial ports tell.
#[derive(Serialize)]
struct Port<'a> {
    /// Null where the port is not on USB; four hexadecimal digits, as `lsusb` shows them.
    usb_vendor_id: Option<String>,
    usb_product_id: Option<String>,
    serial_number: Option<&'a str>,
}

/// What only places tell that exist whether or not a device is there.
#[derive(Serialize)]
struct ProbeOutcome {
    /// Why no device said what it is: an error id. Null where one did, or none was asked.
    silence: Option<&'static str>,
}

impl<'a> Port<'a> {
    fn of(found: &'a DiscoveredDevice) -> Self {
        let usb = found.hints.usb.as_ref();
        Self {
            usb_vendor_id: usb.map(|usb| format!("{:04x}", usb.vendor_id)),
            usb_product_id: usb.map(|usb| format!("{:04x}", usb.product_id)),
            serial_number: usb.and_then(|usb| usb.serial_number.as_deref()),
        }
    }
}

/// The id of the error, as if the search had been for this device only.
fn silence_of(found: &DiscoveredDevice) -> Option<&'static str> {
    let error = found.version_error.as_ref()?;
    let context = Context {
        medium: Some(found.medium),
        address: Some(found.address.clone()),
        ..without_device()
    };
    Some(Failure::of_flow(error, &context).id.as_str())
}

impl<'a> Row<'a> {
    pub(super) fn of(found: &'a DiscoveredDevice) -> Self {
        let Medium {
            columns, discovery, ..
        } = *found.medium;
        Self {
            transport: found.medium,
            address: found.address.to_string(),
            name: found.name.as_deref(),
            node_id: found.hints.node_id.as_deref(),
            radio: (columns == Columns::Advertisement).then(|| Radio::of(found)),
            port: (columns == Columns::Plug).then(|| Port::of(found)),
            probe: (discovery == Discovery::Enumerated).then(|| ProbeOutcome {
                silence: silence_of(found),
            }),
            version: found.version.as_ref(),
            sec_ver: sec_version(found),
            pop_required: pop_required(found),
        }
    }

    fn cells(&self) -> [String; 6] {
        let said = |text: Option<&str>| text.map_or_else(unsaid, |text| printable(text.as_bytes()));
        [
            said(self.name),
            self.transport.to_string(),
            self.address.clone(),
            said(self.version.and_then(|version| version.ver.as_deref())),
            self.sec_ver
                .map_or_else(unsaid, |number| number.to_string()),
            self.pop_required.map_or_else(unsaid, |needed| {
                if needed { "yes" } else { "no" }.to_owned()
            }),
        ]
    }
}

fn sighted(found: &DiscoveredDevice) -> SeenDevice {
    let mut seen = found.seen();
    seen.hints.sec_version = sec_version(found);
    seen.hints.pop_required = pop_required(found);
    seen
}

/// The version document is the device's own word; an announcement could be anybody's.
fn sec_version(found: &DiscoveredDevice) -> Option<u64> {
    let said = found.version.as_ref().and_then(|version| version.sec_ver);
    said.or(found.hints.sec_version)
}

/// Likewise.
fn pop_required(found: &DiscoveredDevice) -> Option<bool> {
    let version = found.version.as_ref();
    let said = version.and_then(|version| version.pop_required);
    said.or(found.hints.pop_required)
}

fn unsaid() -> String {
    "-".to_owned()
}

/// One table for each kind: their columns differ.
pub(super) fn tables(found: &[DiscoveredDevice]) -> Vec<String> {
    let kinds: Vec<&[DiscoveredDevice]> = found
        .chunk_by(|one, next| one.medium == next.medium)
        .collect();
    let mut lines = Vec::new();
    for of_kind in &kinds {
        let Some(medium) = of_kind.first().map(|one| one.medium) else {
            continue;
        };
        if kinds.len() > 1 {
            lines.push(format!("Over {medium}:"));
        }
        lines.extend(match medium.columns {
            Columns::Advertisement | Columns::Service => {
                device_table(&of_kind.iter().map(sighted).collect::<Vec<_>>())
            }
            Columns::Plug => {
                let lines = device_table(&of_kind.iter().map(sighted).collect::<Vec<_>>());
                with_outcomes(lines, of_kind)
            }
            Columns::Version => {
                let rows = of_kind.iter().map(Row::of);
                with_outcomes(table(&rows.collect::<Vec<_>>()), of_kind)
            }
        });
    }
    lines
}

fn table(rows: &[Row<'_>]) -> Vec<String> {
    let heading = ["NAME", "TRANSPORT", "ADDRESS", "VERSION", "SEC", "POP"].map(str::to_owned);
    let lines: Vec<_> = std::iter::once(heading)
        .chain(rows.iter().map(Row::cells))
        .collect();
    columns(&lines)
}

/// Adds below each row what the device there said, if the table has no columns for that, or why none
/// said anything.
fn with_outcomes(table: Vec<String>, found: &[DiscoveredDevice]) -> Vec<String> {
    let has_versions = |one: &DiscoveredDevice| one.medium.columns == Columns::Version;
    let outcomes = found
        .iter()
        .map(|one| match (&one.version, &one.version_error) {
            (Some(version), _) if !has_versions(one) => {
                Some(format!("   {}", version_line(version)))
            }
            (None, Some(silence)) => {
                Some(format!("   {}", printable(silence.to_string().as_bytes())))
            }
            _ => None,
        });
    // The heading has none.
    let outcomes = std::iter::once(None).chain(outcomes);
    let lines = table.into_iter().zip(outcomes);
    lines
        .flat_map(|(line, outcome)| std::iter::once(line).chain(outcome))
        .collect()
}

/// By medium, in this order, and those that are heard best first.
pub(super) fn sort(found: &mut [DiscoveredDevice], order: &[&'static Medium]) {
    let place = |medium| order.iter().position(|known| *known == medium);
    found.sort_by_key(|one| (place(one.medium), Reverse(one.hints.signal)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::transport::{Address, Hints, built_in_drivers};

    #[test]
    fn each_medium_has_a_table_of_its_own_and_the_strongest_is_first() {
        let drivers = built_in_drivers();
        let order: Vec<_> = drivers
            .iter()
            .map(|one| one.medium(&Host::this()))
            .collect();
        let found = |medium: &str, address, name: &str, signal| DiscoveredDevice {
            medium: order.iter().find(|one| one.name == medium).unwrap(),
            address,
            name: Some(name.to_owned()),
            hints: Hints {
                signal,
                ..Hints::default()
            },
            version: None,
            version_error: None,
        };
        let in_the_air =
            |name: &str, signal| found("ble", Address::new(name).with_id(name), name, signal);
        let host = Address::new("127.0.0.1:80");
        let mut all = vec![
            found("on-network", host, "Lamp", None),
            in_the_air("PROV_connected", None),
            in_the_air("PROV_far", Some(-90)),
            in_the_air("PROV_near", Some(-40)),
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
