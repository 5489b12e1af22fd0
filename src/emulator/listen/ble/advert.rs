//! The advertisements of devices, and of neighbors, which have nothing else.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use derive_more::Display;
use rand_core::Rng;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::emulator::parse::parse_list;

/// An advertisement and its scan response.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default, deny_unknown_fields)]
pub struct Advert {
    /// The address of the advertiser.
    #[serde(deserialize_with = "address")]
    pub address: Address,
    /// Its complete local name.
    pub name: Option<String>,
    /// The received signal strength, in dBm.
    #[serde(default = "default_rssi")]
    pub rssi: i16,
    /// The services that it lists.
    pub uuids: Vec<String>,
    /// Manufacturer data by company.
    #[serde(deserialize_with = "manufacturer_data")]
    pub manufacturer: BTreeMap<u16, Vec<u8>>,
    /// The delay after the first discovery of a client, in milliseconds.
    pub appears_after_ms: u64,
    /// Whether it arrives at the beginning of each interval, together with all of this kind.
    pub at_once: bool,
    /// Whether the advertiser is out of range, but in the cache of BlueZ.
    #[serde(rename = "stale")]
    pub is_stale: bool,
}

impl Advert {
    /// Reads a JSON list of neighbors, which only advertise. One without an address gets an address.
    pub fn list_from_json(text: &str) -> Result<Vec<Self>, String> {
        let first = Address {
            bytes: [0xc0, 0x00, 0x00, 0x4e, 0x00, 0x00],
            is_random: true,
        };
        parse_list(text, "neighbour", |number, mut advert: Self| {
            if advert.address == Address::default() {
                advert.address = first.plus(number);
            }
            Ok(advert)
        })
    }

    /// The moment in each interval at which it arrives.
    pub(super) fn phase(&self, interval: Duration) -> Duration {
        if self.at_once {
            return Duration::ZERO;
        }
        // The golden ratio separates consecutive addresses.
        let [.., last] = self.address.bytes;
        interval.saturating_mul(last.wrapping_mul(159).into()) / (1 << u8::BITS)
    }
}

/// A Bluetooth address.
#[derive(Clone, Copy, Debug, Default, Display, PartialEq, Eq)]
#[display("{}", self.joined(":"))]
pub struct Address {
    bytes: [u8; 6],
    /// Drawn by the device, and not assigned by the IEEE.
    is_random: bool,
}

impl Address {
    /// Draws a random static address.
    pub fn random(rng: &mut impl Rng) -> Self {
        let mut bytes = [0; 6];
        rng.fill_bytes(&mut bytes);
        let [first, ..] = &mut bytes;
        *first |= 0xc0;
        Self {
            bytes,
            is_random: true,
        }
    }

    /// The n-th address after it.
    #[must_use]
    pub fn plus(self, number: u32) -> Self {
        let sum = self.number().wrapping_add(number.into());
        let [_, _, bytes @ ..] = sum.to_be_bytes();
        Self { bytes, ..self }
    }

    fn number(self) -> u64 {
        let bytes = self.bytes.into_iter().map(u64::from);
        bytes.fold(0, |number, byte| number << 8 | byte)
    }

    /// The name of its kind in BlueZ.
    pub(super) const fn kind(self) -> &'static str {
        if self.is_random { "random" } else { "public" }
    }

    pub(super) fn joined(self, separator: &str) -> String {
        self.bytes.map(|byte| format!("{byte:02X}")).join(separator)
    }
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split([':', '-']).collect();
        let is_pairs = parts.iter().all(|part| part.len() == 2);
        let bytes = hex::decode(parts.concat()).ok().filter(|_| is_pairs);
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        let expected = "expected six pairs of hexadecimal digits, as in 7C:DF:A1:00:00:01";
        Ok(Self {
            bytes: bytes.ok_or(expected)?,
            is_random: false,
        })
    }
}

/// The manufacturer data of RainMaker firmware (`app_network.h`): "Nov", the format, customer and type.
pub fn rainmaker_data(customer: u16, device_type: u16, subtype: u8) -> BTreeMap<u16, Vec<u8>> {
    let mut data = b"Nova".to_vec();
    data.extend(customer.to_be_bytes());
    data.extend(device_type.to_be_bytes());
    data.extend([subtype, 0]);
    BTreeMap::from([(ESPRESSIF, data)])
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Address, D::Error> {
    let address = String::deserialize(deserializer)?.parse();
    address.map_err(|error| D::Error::custom(format!("address: {error}")))
}

fn default_rssi() -> i16 {
    -70
}

fn manufacturer_data<'de, D>(deserializer: D) -> Result<BTreeMap<u16, Vec<u8>>, D::Error>
where
    D: Deserializer<'de>,
{
    let listed = BTreeMap::<String, String>::deserialize(deserializer)?;
    let read = listed.iter().map(|(company, data)| {
        let digits = company.strip_prefix("0x")?;
        let company = u16::from_str_radix(digits, 16).ok()?;
        Some((company, hex::decode(data).ok()?))
    });
    let read: Option<_> = read.collect();
    read.ok_or_else(|| {
        D::Error::custom(
            "manufacturer: expected a company such as \"0x02e5\" and hexadecimal digits",
        )
    })
}

/// Espressif's company number at the Bluetooth SIG.
const ESPRESSIF: u16 = 0x02e5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_parses_prints_and_adds() {
        let address: Address = "7c:df:a1:00:ff:ff".parse().unwrap();
        assert_eq!(address.to_string(), "7C:DF:A1:00:FF:FF");
        assert_eq!(address.plus(1).to_string(), "7C:DF:A1:01:00:00");
        assert_eq!(
            (address.joined("-").as_str(), address.kind()),
            ("7C-DF-A1-00-FF-FF", "public")
        );
        for wrong in ["", "7c:df:a1:00:ff", "7cdfa100ffff", "7c:df:a1:00:ff:fg"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn phases_of_successive_addresses_differ() {
        let neighbours = Advert::list_from_json(
            r#"[{"address": "7C:DF:A1:00:00:01"}, {"address": "7C:DF:A1:00:00:02"},
                {"address": "7C:DF:A1:00:00:03"}, {"at_once": true}]"#,
        );
        let interval = Duration::from_millis(160);
        let phases: Vec<Duration> = neighbours
            .unwrap()
            .iter()
            .map(|neighbour| neighbour.phase(interval))
            .collect();
        assert!(phases.iter().all(|phase| *phase < interval), "{phases:?}");
        for (first, second) in [(0, 1), (1, 2), (0, 2)] {
            let apart = phases[first].abs_diff(phases[second]);
            assert!(apart > Duration::from_millis(5), "{phases:?}");
        }
        assert_eq!(phases[3], Duration::ZERO);
    }

    #[test]
    fn phase_is_within_the_interval() {
        let interval = Duration::from_millis(160);
        let first: Address = "7C:DF:A1:00:00:01".parse().unwrap();
        for number in 0..10_000 {
            let mut advert = Advert {
                // Far apart, for phases of all sizes.
                address: first.plus(number * 429_497),
                ..Advert::default()
            };
            let phase = advert.phase(interval);
            assert!(phase < interval, "{}: {phase:?}", advert.address);
            advert.at_once = true;
            assert_eq!(advert.phase(interval), Duration::ZERO);
        }
    }

    #[test]
    fn rainmaker_data_matches_its_firmware() {
        let data = rainmaker_data(1, 0x80, 1);
        let expected = [0x4e, 0x6f, 0x76, 0x61, 0, 1, 0, 0x80, 1, 0];
        assert_eq!(data[&0x02e5], expected);
    }

    #[test]
    fn neighbours_parse_from_json() {
        let list = Advert::list_from_json(
            r#"[{"name": "Scale", "rssi": -90, "manufacturer": {"0x02e5": "4e6f76"}},
                {"address": "AA:BB:CC:00:11:22", "stale": true, "appears_after_ms": 5}]"#,
        )
        .unwrap();
        assert_eq!(list[0].name.as_deref(), Some("Scale"));
        assert_eq!(list[0].manufacturer[&0x02e5], *b"Nov");
        assert_eq!(list[1].address.to_string(), "AA:BB:CC:00:11:22");
        assert!(list[1].is_stale && list[0].address != list[1].address);
        for (text, expected) in [
            ("", "the list of neighbours cannot be read: EOF"),
            (
                "{}",
                "the list of neighbours cannot be read: invalid type: map",
            ),
            (
                r#"[{}, {"colour": 1}]"#,
                "neighbour 2: unknown field `colour`",
            ),
            (
                r#"[{}, {}, {"address": "1"}]"#,
                "neighbour 3: address: expected six pairs of hexadecimal digits",
            ),
            (
                r#"[{"manufacturer": {"741": "00"}}]"#,
                "neighbour 1: manufacturer: expected a company such as \"0x02e5\"",
            ),
        ] {
            let error = Advert::list_from_json(text).unwrap_err();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }
}
