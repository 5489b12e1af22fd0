//! The GATT objects of a device as BlueZ exports them: services, characteristics and descriptors, with
//! their handles and UUIDs (`protocomm_nimble.c`, `network_prov_scheme_ble`).

/// The contents of a handle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attribute {
    /// The name of an endpoint (0x2901).
    Name(String),
    /// The characteristic of an endpoint.
    Endpoint(String),
    /// A constant value.
    Constant(&'static [u8]),
    /// Supports only subscriptions.
    Indication,
}

/// A service, a characteristic or a descriptor.
#[derive(Clone, Debug)]
pub(super) struct GattObject {
    /// Its path below the device's, such as `service0028/char0029/desc002b`.
    pub(super) path: String,
    pub(super) uuid: String,
    /// The accessible contents. `None`: it is a service.
    pub(super) attribute: Option<Attribute>,
}

/// Lists the objects of a device that offers provisioning, without GAP, which BlueZ does not export.
pub(super) fn list_gatt_objects(service_uuid: &str, endpoints: Vec<String>) -> Vec<GattObject> {
    let object = |path: &str, uuid, attribute| GattObject {
        path: path.to_owned(),
        uuid,
        attribute,
    };
    let changed = Some(Attribute::Indication);
    let off = Some(Attribute::Constant(&[0, 0]));
    let pnp_id = Attribute::Constant(&[0x01, 0xe5, 0x02, 0x01, 0x00, 0x01, 0x00]);
    let mut objects = vec![
        object("service0001", short_uuid(0x1801), None),
        object("service0001/char0002", short_uuid(0x2a05), changed),
        object("service0001/char0002/desc0004", short_uuid(0x2902), off),
        object("service0010", short_uuid(0x180a), None),
        object("service0010/char0011", short_uuid(0x2a50), Some(pnp_id)),
        object("service0028", service_uuid.to_owned(), None),
    ];
    let mut ids = FIRST_CUSTOM..;
    for (handle, endpoint) in (0x0029_u16..).step_by(3).zip(endpoints) {
        let fixed = FIXED.iter().find(|(name, _)| *name == endpoint);
        let Some(id) = fixed.map(|(_, id)| *id).or_else(|| ids.next()) else {
            break;
        };
        let path = format!("service0028/char{handle:04x}");
        let descriptor = format!("{path}/desc{:04x}", handle.saturating_add(2));
        let uuid = endpoint_uuid(service_uuid, id);
        let value = Attribute::Endpoint(endpoint.clone());
        objects.push(object(&path, uuid, Some(value)));
        let name = Some(Attribute::Name(endpoint));
        objects.push(object(&descriptor, short_uuid(0x2901), name));
    }
    objects
}

/// The UUID of an endpoint's characteristic: that of the service, with four digits replaced by the id of
/// the endpoint.
fn endpoint_uuid(service_uuid: &str, id: u16) -> String {
    let before = service_uuid.get(..4).unwrap_or_default();
    let after = service_uuid.get(8..).unwrap_or_default();
    format!("{before}{id:04x}{after}")
}

/// The UUID of a number of the Bluetooth SIG.
pub(super) fn short_uuid(number: u16) -> String {
    format!("0000{number:04x}-0000-1000-8000-00805f9b34fb")
}

/// The ids of the provisioning manager's endpoints.
const FIXED: [(&str, u16); 5] = [
    ("prov-ctrl", 0xff4f),
    ("prov-scan", 0xff50),
    ("prov-session", 0xff51),
    ("prov-config", 0xff52),
    ("proto-ver", 0xff53),
];
/// The first id of the application's endpoints, in the order of creation.
const FIRST_CUSTOM: u16 = 0xff54;

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "021a9004-0382-4aea-bff4-6b3f1c5adfb4";

    #[test]
    fn derives_characteristics_in_order_of_creation() {
        let names = [
            "prov-scan",
            "prov-session",
            "proto-ver",
            "ch_resp",
            "rmaker_claim",
        ];
        let objects = list_gatt_objects(SERVICE, names.map(str::to_owned).into());
        let (paths, uuids): (Vec<&str>, Vec<&str>) = objects
            .iter()
            .filter(|object| matches!(object.attribute, Some(Attribute::Endpoint(_))))
            .map(|object| (object.path.as_str(), &object.uuid[..8]))
            .unzip();
        assert_eq!(
            uuids,
            ["021aff50", "021aff51", "021aff53", "021aff54", "021aff55"]
        );
        let handles = ["0029", "002c", "002f", "0032", "0035"];
        let expected = handles.map(|handle| format!("service0028/char{handle}"));
        assert_eq!(paths, expected);
    }
}
