//! RainMaker's manufacturer data in a Bluetooth advertisement: who made the product, and what it
//! is. The data is not authenticated.
//!
//! Source: RainMaker `app_network.c` (`E5 02 "Nov" 'a'`, customer, type, subtype).

use std::collections::HashMap;

use serde::Serialize;

/// RainMaker's manufacturer data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ManufacturerData {
    /// The manufacturer; 1 is Espressif's default.
    pub customer_id: u16,
    /// The kind of product; see [`ManufacturerData::type_name`].
    pub device_type: u16,
    /// The variant of this kind; firmware only uses 1.
    pub device_subtype: u8,
}

impl ManufacturerData {
    /// Parses the data that follow the company id; `None` if they have another format. The version
    /// byte is ignored, as the phone apps do.
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

    /// Parses the advertised data, under any company id; Espressif's has priority.
    pub(in crate::transport) fn from_advertisement(
        advertised: &HashMap<u16, Vec<u8>>,
    ) -> Option<Self> {
        let espressif = advertised.get(&ESPRESSIF).into_iter();
        espressif
            .chain(advertised.values())
            .find_map(|data| Self::from_bytes(data))
    }

    /// The name of the product kind, if it is known.
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

const ESPRESSIF: u16 = 0x02e5;
/// The bytes that follow the company id.
const SIGNATURE: &[u8] = b"Nov";

#[cfg(test)]
mod tests {
    use super::*;

    fn advertised(data: &[u8]) -> HashMap<u16, Vec<u8>> {
        HashMap::from([(ESPRESSIF, data.to_vec())])
    }

    #[test]
    fn parses_manufacturer_data_of_firmware() {
        let light = [0x4e, 0x6f, 0x76, 0x61, 0x00, 0x01, 0x00, 0x05, 0x01, 0x00];
        let read = ManufacturerData::from_advertisement(&advertised(&light)).unwrap();
        assert_eq!(
            read,
            ManufacturerData {
                customer_id: 1,
                device_type: 5,
                device_subtype: 1
            }
        );
        assert_eq!(read.type_name(), Some("light"));
        let big = [
            0x4e, 0x6f, 0x76, 0x62, 0x12, 0x34, 0xff, 0xf1, 0x02, 0x00, 0x99,
        ];
        let read =
            ManufacturerData::from_advertisement(&HashMap::from([(0x1234, big.to_vec())])).unwrap();
        assert_eq!(read.customer_id, 0x1234);
        assert_eq!(read.type_name(), Some("matter-controller"));
    }

    #[test]
    fn ignores_other_manufacturer_data() {
        for data in [
            &b""[..],
            b"Nov",
            b"Nova\0\x01\0\x05",
            b"Xova\0\x01\0\x05\x01\0",
        ] {
            assert_eq!(
                ManufacturerData::from_advertisement(&advertised(data)),
                None,
                "{data:?}"
            );
        }
    }
}
