//! The attributes of a device, as BlueZ exports them: services, characteristics, descriptors, with
//! their handles and UUIDs (`protocomm_nimble.c`, `network_prov_scheme_ble`). Not their values.

/// What is at a handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    /// The name of an endpoint (0x2901), by its place among the endpoints.
    Name(usize),
    /// An endpoint's characteristic.
    Endpoint(usize),
    /// A value that never changes.
    Constant(&'static [u8]),
    /// Can be subscribed to, and nothing else.
    Indication,
    /// A handle that the device no longer has.
    Gone,
}

/// A service.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) handle: u16,
    pub(super) uuid: String,
    pub(super) characteristics: Vec<Characteristic>,
}

/// A characteristic.
#[derive(Clone, Debug)]
pub(super) struct Characteristic {
    /// That of its declaration, by which BlueZ names it.
    pub(super) handle: u16,
    pub(super) uuid: String,
    pub(super) flags: &'static [&'static str],
    pub(super) value: Attribute,
    pub(super) descriptors: Vec<Descriptor>,
}

/// A descriptor.
#[derive(Clone, Debug)]
pub(super) struct Descriptor {
    pub(super) handle: u16,
    pub(super) uuid: String,
    pub(super) value: Attribute,
}

/// What a device that runs provisioning has. GAP is there too, and BlueZ keeps it for itself.
pub(super) fn services(service_uuid: &str, endpoints: &[&str]) -> Vec<Service> {
    let changed = Characteristic {
        handle: 0x0002,
        uuid: short_uuid(0x2a05),
        flags: &["indicate"],
        value: Attribute::Indication,
        descriptors: vec![Descriptor {
            handle: 0x0004,
            uuid: short_uuid(0x2902),
            value: Attribute::Constant(&[0, 0]),
        }],
    };
    let pnp_id = Characteristic {
        handle: 0x0011,
        uuid: short_uuid(0x2a50),
        flags: &["read"],
        value: Attribute::Constant(&[0x01, 0xe5, 0x02, 0x01, 0x00, 0x01, 0x00]),
        descriptors: Vec::new(),
    };
    let characteristics = (0x0029_u16..)
        .step_by(3)
        .zip(endpoints.iter().enumerate())
        .map(|(handle, (place, endpoint))| Characteristic {
            handle,
            uuid: endpoint_uuid(service_uuid, endpoint, place_among_custom(endpoints, place)),
            flags: &["read", "write"],
            value: Attribute::Endpoint(place),
            descriptors: vec![Descriptor {
                handle: handle.saturating_add(2),
                uuid: short_uuid(0x2901),
                value: Attribute::Name(place),
            }],
        })
        .collect();
    [
        (0x0001, short_uuid(0x1801), vec![changed]),
        (0x0010, short_uuid(0x180a), vec![pnp_id]),
        (0x0028, service_uuid.to_owned(), characteristics),
    ]
    .into_iter()
    .map(|(handle, uuid, characteristics)| Service {
        handle,
        uuid,
        characteristics,
    })
    .collect()
}

/// How a cache remembers what has changed since: without the endpoint of sessions, if so, and
/// nothing where it was.
pub(super) fn outdated(mut services: Vec<Service>, without: Option<&str>) -> Vec<Service> {
    let characteristics = services
        .iter_mut()
        .flat_map(|service| &mut service.characteristics);
    for characteristic in characteristics {
        if matches!(characteristic.value, Attribute::Endpoint(_)) {
            characteristic.value = Attribute::Gone;
            for descriptor in &mut characteristic.descriptors {
                descriptor.value = Attribute::Gone;
            }
        }
    }
    if let Some(uuid) = without {
        for service in &mut services {
            service
                .characteristics
                .retain(|characteristic| characteristic.uuid != uuid);
        }
    }
    services
}

/// The UUID of an endpoint's characteristic: the service's, in which the id of the endpoint takes
/// the place of four digits. Not a mask, and not a sum.
pub(super) fn endpoint_uuid(service_uuid: &str, endpoint: &str, place_among_custom: u16) -> String {
    let fixed = FIXED.iter().find(|(name, _)| *name == endpoint);
    let custom = FIRST_CUSTOM.saturating_add(place_among_custom);
    let id = fixed.map_or(custom, |(_, id)| *id);
    let (before, rest) = service_uuid
        .split_at_checked(4)
        .unwrap_or((service_uuid, ""));
    let after = rest.get(4..).unwrap_or_default();
    format!("{before}{id:04x}{after}")
}

fn place_among_custom(endpoints: &[&str], place: usize) -> u16 {
    let before = endpoints
        .iter()
        .take(place)
        .filter(|endpoint| !FIXED.iter().any(|(name, _)| name == *endpoint))
        .count();
    u16::try_from(before).unwrap_or(u16::MAX)
}

/// One that the Bluetooth SIG gave out.
pub(super) fn short_uuid(number: u16) -> String {
    format!("0000{number:04x}-0000-1000-8000-00805f9b34fb")
}

/// The endpoints of the provisioning manager.
const FIXED: [(&str, u16); 5] = [
    ("prov-ctrl", 0xff4f),
    ("prov-scan", 0xff50),
    ("prov-session", 0xff51),
    ("prov-config", 0xff52),
    ("proto-ver", 0xff53),
];
/// The application's begin here, in the order in which they were created.
const FIRST_CUSTOM: u16 = 0xff54;

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "021a9004-0382-4aea-bff4-6b3f1c5adfb4";

    #[test]
    fn characteristics_are_derived_from_the_service_and_numbered_in_order_of_creation() {
        let names = [
            "prov-scan",
            "prov-session",
            "proto-ver",
            "ch_resp",
            "rmaker_claim",
        ];
        let all = services(SERVICE, &names);
        let ours = all.iter().find(|service| service.uuid == SERVICE).unwrap();
        let uuids: Vec<&str> = ours
            .characteristics
            .iter()
            .map(|characteristic| &characteristic.uuid[..8])
            .collect();
        assert_eq!(
            uuids,
            ["021aff50", "021aff51", "021aff53", "021aff54", "021aff55"]
        );
        let handles: Vec<u16> = ours
            .characteristics
            .iter()
            .map(|characteristic| characteristic.handle)
            .collect();
        assert_eq!(handles, [0x29, 0x2c, 0x2f, 0x32, 0x35]);
    }

    #[test]
    fn a_cache_from_before_leads_nowhere() {
        let session = endpoint_uuid(SERVICE, "prov-session", 0);
        let old = outdated(
            services(SERVICE, &["prov-session", "proto-ver"]),
            Some(&session),
        );
        let ours = old.iter().find(|service| service.uuid == SERVICE).unwrap();
        assert_eq!(ours.characteristics.len(), 1);
        assert_eq!(ours.characteristics[0].value, Attribute::Gone);
    }
}
