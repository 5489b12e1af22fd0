//! What a Bluetooth advertisement says of a device: its maker's data in RainMaker's form, and
//! whether it looks as if it could be provisioned. Nothing of it is proved.
//!
//! Sources: RainMaker `app_network.c` (`E5 02 "Nov" 'a'`, customer, type, subtype), `scheme_ble.c`
//! and ESP-IDF's examples (service UUIDs).

use std::collections::HashMap;

use serde::Serialize;
use uuid::{Uuid, uuid};

use super::super::Hints;

/// RainMaker's manufacturer data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct MakerData {
    /// Whose product it is; 1 is Espressif's default.
    pub customer_id: u16,
    /// What kind of product.
    pub device_type: u16,
    /// Which of these; 1 so far.
    pub device_subtype: u8,
}

impl MakerData {
    /// Reads what follows the company's number; `None` if it is in another form. A version byte
    /// other than `a` is read as if it were, as the phone apps do.
    fn from_bytes(data: &[u8]) -> Option<Self> {
        let data = data.strip_prefix(SIGNATURE)?;
        let &[
            _version,
            customer_1,
            customer_2,
            type_1,
            type_2,
            device_subtype,
            ..,
        ] = data
        else {
            return None;
        };
        Some(Self {
            customer_id: u16::from_be_bytes([customer_1, customer_2]),
            device_type: u16::from_be_bytes([type_1, type_2]),
            device_subtype,
        })
    }

    /// Reads what was advertised, under whichever company's number.
    pub(super) fn of(advertised: &HashMap<u16, Vec<u8>>) -> Option<Self> {
        let espressif = advertised.get(&ESPRESSIF).into_iter();
        espressif
            .chain(advertised.values())
            .find_map(|data| Self::from_bytes(data))
    }

    /// The kind of product in words, where it is a known one.
    pub const fn type_name(self) -> Option<&'static str> {
        match self.device_type {
            0x0005 => Some("light"),
            0x0080 => Some("switch"),
            0x0101 => Some("user-auth"),
            0xfff1 => Some("matter-controller"),
            _ => None,
        }
    }
}

/// Whether it advertises as provisioning firmware does: a service that is known for it, RainMaker's
/// manufacturer data, or a name of the usual form.
pub fn looks_like_provisioning(name: Option<&str>, hints: &Hints) -> bool {
    let known = |service| PROVISIONING_SERVICES.contains(service);
    hints.services.iter().any(known)
        || hints.maker.is_some()
        || name.is_some_and(|name| NAMES.iter().any(|usual| name.starts_with(usual)))
}

/// Services that mean provisioning: the examples' and RainMaker's, the default of `scheme_ble`,
/// the legacy one.
pub const PROVISIONING_SERVICES: [Uuid; 3] = [
    uuid!("021a9004-0382-4aea-bff4-6b3f1c5adfb4"),
    uuid!("1775244d-6b43-439b-877c-060f2d9bed07"),
    uuid!("0000ffff-0000-1000-8000-00805f9b34fb"),
];
const NAMES: [&str; 2] = ["PROV_", "ESP-Prov"];
const ESPRESSIF: u16 = 0x02e5;
/// As it follows the company's number.
const SIGNATURE: &[u8] = b"Nov";

#[cfg(test)]
mod tests {
    use super::*;

    fn advertised(data: &[u8]) -> HashMap<u16, Vec<u8>> {
        HashMap::from([(ESPRESSIF, data.to_vec())])
    }

    #[test]
    fn the_maker_s_data_are_read_as_firmware_writes_them() {
        let light = [0x4e, 0x6f, 0x76, 0x61, 0x00, 0x01, 0x00, 0x05, 0x01, 0x00];
        let read = MakerData::of(&advertised(&light)).unwrap();
        assert_eq!(
            read,
            MakerData {
                customer_id: 1,
                device_type: 5,
                device_subtype: 1
            }
        );
        assert_eq!(read.type_name(), Some("light"));
        let big = [
            0x4e, 0x6f, 0x76, 0x62, 0x12, 0x34, 0xff, 0xf1, 0x02, 0x00, 0x99,
        ];
        let read = MakerData::of(&HashMap::from([(0x1234, big.to_vec())])).unwrap();
        assert_eq!(read.customer_id, 0x1234);
        assert_eq!(read.type_name(), Some("matter-controller"));
    }

    #[test]
    fn other_data_say_nothing() {
        for data in [
            &b""[..],
            b"Nov",
            b"Nova\0\x01\0\x05",
            b"Xova\0\x01\0\x05\x01\0",
        ] {
            assert_eq!(MakerData::of(&advertised(data)), None, "{data:?}");
        }
    }

    #[test]
    fn firmware_is_known_by_its_service_its_maker_or_its_name() {
        let nothing = Hints::default();
        assert!(looks_like_provisioning(Some("PROV_d76c30"), &nothing));
        assert!(!looks_like_provisioning(Some("Headphones"), &nothing));
        assert!(!looks_like_provisioning(None, &nothing));
        let service = Hints {
            services: vec![PROVISIONING_SERVICES[1]],
            ..Hints::default()
        };
        assert!(looks_like_provisioning(None, &service));
    }
}
