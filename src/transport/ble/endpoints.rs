//! Maps characteristics to endpoints. Firmware sets the user description (0x2901) of a
//! characteristic to the endpoint's name. Without descriptions, the five standard endpoints are
//! found by a UUID derived from the service's. Application endpoints are never derived: their
//! numbers depend on the order in which the application creates them.
//!
//! Source: `protocomm_nimble.c`, `NP/src/scheme_ble.c`, `NP/src/manager.c`.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::gatt::Attribute;
use crate::proto::EndpointName;

/// The endpoints of one device.
#[derive(Debug, Default)]
pub(super) struct Endpoints(BTreeMap<String, Attribute>);

impl Endpoints {
    /// Reads an attribute table. If several services have endpoints, the one with a handshake
    /// endpoint is used.
    pub(super) fn from_table(table: &[(Attribute, Option<String>)]) -> Option<Self> {
        let mut services: BTreeMap<Uuid, Self> = BTreeMap::new();
        for (attribute, name) in table {
            let Self(endpoints) = services.entry(attribute.service).or_default();
            if let Some(name) = name {
                endpoints.entry(name.clone()).or_insert(*attribute);
            }
        }
        for (attribute, _) in table {
            let Some(Self(endpoints)) = services.get_mut(&attribute.service) else {
                continue;
            };
            for (number, name) in STANDARD_ENDPOINTS {
                if attribute.uuid == derive_uuid(attribute.service, number) {
                    endpoints.entry(name.to_owned()).or_insert(*attribute);
                }
            }
        }
        services
            .into_values()
            .find(|Self(endpoints)| endpoints.contains_key(HANDSHAKE))
    }

    /// The characteristic of an endpoint, if the device has it.
    pub(super) fn attribute(&self, endpoint: &EndpointName) -> Option<Attribute> {
        self.0.get(endpoint.as_str()).copied()
    }

    /// The endpoint names, sorted.
    pub(super) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

/// Whether the service is a standard service of the Bluetooth SIG, which has no endpoints. The
/// legacy provisioning service also has a 16-bit UUID.
pub(super) fn is_bluetooth_sig_service(service: Uuid) -> bool {
    let number = service.as_u128() >> 96;
    base_of(service) == BASE && (0x1800..=0x18ff).contains(&number)
}

/// Whether the endpoint is one of the five that every provisioning device has.
pub(super) fn is_standard_endpoint(endpoint: &EndpointName) -> bool {
    STANDARD_ENDPOINTS
        .iter()
        .any(|(_, name)| *name == endpoint.as_str())
}

fn base_of(service: Uuid) -> u128 {
    service.as_u128() & (u128::MAX >> 32)
}

/// The service's UUID with its hex digits 5 to 8 replaced by `number`.
fn derive_uuid(service: Uuid, number: u16) -> Uuid {
    let mask = u128::from(u16::MAX) << 96;
    Uuid::from_u128((service.as_u128() & !mask) | (u128::from(number) << 96))
}

const HANDSHAKE: &str = "prov-session";
const STANDARD_ENDPOINTS: [(u16, &str); 5] = [
    (0xff4f, "prov-ctrl"),
    (0xff50, "prov-scan"),
    (0xff51, HANDSHAKE),
    (0xff52, "prov-config"),
    (0xff53, "proto-ver"),
];
/// The base of 16-bit UUIDs: `0000xxxx-0000-1000-8000-00805f9b34fb`.
const BASE: u128 = 0x0000_1000_8000_0080_5f9b_34fb;

#[cfg(test)]
mod tests {
    use uuid::uuid;

    use super::*;

    const SERVICE: Uuid = uuid!("021a9004-0382-4aea-bff4-6b3f1c5adfb4");

    fn attribute(uuid: Uuid, is_described: bool) -> Attribute {
        Attribute {
            service: SERVICE,
            uuid,
            is_described,
        }
    }

    #[test]
    fn derives_uuids_like_firmware() {
        assert_eq!(
            derive_uuid(SERVICE, 0xff51),
            uuid!("021aff51-0382-4aea-bff4-6b3f1c5adfb4")
        );
        assert!(is_bluetooth_sig_service(uuid!(
            "00001801-0000-1000-8000-00805f9b34fb"
        )));
        assert!(!is_bluetooth_sig_service(uuid!(
            "0000ffff-0000-1000-8000-00805f9b34fb"
        )));
        assert!(!is_bluetooth_sig_service(SERVICE));
    }

    #[test]
    fn description_takes_precedence_over_derived_uuid() {
        let session = attribute(derive_uuid(SERVICE, 0xff51), false);
        // Firmware with another numbering: the description is authoritative.
        let version = attribute(derive_uuid(SERVICE, 0xff60), true);
        let custom = attribute(derive_uuid(SERVICE, 0xff54), false);
        let table = [
            (session, None),
            (version, Some("proto-ver".to_owned())),
            (custom, None),
        ];
        let endpoints = Endpoints::from_table(&table).unwrap();
        assert_eq!(endpoints.names(), ["proto-ver", "prov-session"]);
        let name = EndpointName::from_static("proto-ver");
        assert_eq!(endpoints.attribute(&name), Some(version));
        let name = EndpointName::from_static("ch_resp");
        assert_eq!(endpoints.attribute(&name), None);
    }

    #[test]
    fn finds_standard_endpoints_of_vectors() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/vectors.json");
        let file = std::fs::read_to_string(path).unwrap();
        let file: serde_json::Value = serde_json::from_str(&file).unwrap();
        let services = file["ble_uuids"].as_object().unwrap();
        assert_eq!(services.len(), 3);
        for (service, uuids) in services {
            let uuids = uuids.as_object().unwrap();
            let service: Uuid = service.parse().unwrap();
            let at = |uuid: &serde_json::Value| Attribute {
                service,
                uuid: uuid.as_str().unwrap().parse().unwrap(),
                is_described: false,
            };
            let table: Vec<_> = uuids.values().map(|uuid| (at(uuid), None)).collect();
            let endpoints = Endpoints::from_table(&table).unwrap();
            // The sixth endpoint is an application's, so it cannot be derived.
            assert_eq!((uuids.len(), endpoints.names().len()), (6, 5));
            for (name, uuid) in uuids {
                let found = endpoints.attribute(&EndpointName::new(name.clone()));
                let expected = (name != "first custom endpoint").then(|| at(uuid));
                assert_eq!(found, expected, "{name}");
            }
        }
    }

    #[test]
    fn requires_handshake_endpoint() {
        let other = attribute(derive_uuid(SERVICE, 0xff53), false);
        assert!(Endpoints::from_table(&[(other, None)]).is_none());
        assert!(Endpoints::from_table(&[]).is_none());
    }
}
