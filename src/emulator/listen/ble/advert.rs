//! What is said over the air: by an emulated device, and by neighbours that are nothing more than
//! their advertisements. Not who hears it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use rand_core::Rng;
use serde::Deserialize;
use thiserror::Error;

use crate::ident::decode_hex;

/// An advertisement and its scan response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    /// Who says it.
    pub address: Address,
    /// Its complete local name.
    pub name: Option<String>,
    /// How strong it is received, in dBm.
    pub rssi: i16,
    /// The services that it names.
    pub uuids: Vec<String>,
    /// Data by company.
    pub manufacturer: BTreeMap<u16, Vec<u8>>,
    /// It is not said sooner after somebody first looks.
    pub after: Duration,
    /// It is heard at the beginning of each interval, together with all that are, and not at a
    /// time of its own.
    pub at_once: bool,
}

impl Advert {
    /// When in each interval it is heard.
    pub(super) fn phase(&self, interval: Duration) -> Duration {
        if self.at_once {
            return Duration::ZERO;
        }
        let parts = self.address.spread();
        interval.saturating_mul(parts.into()) / (1 << u16::BITS)
    }
}

/// A Bluetooth address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    bytes: [u8; 6],
    /// Drawn by the device, and not given out by the IEEE.
    is_random: bool,
}

impl Address {
    /// A random static one.
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

    /// The n-th after it.
    #[must_use]
    pub fn plus(self, number: u16) -> Self {
        let mut bytes = self.bytes;
        let mut carry = u32::from(number);
        for byte in bytes.iter_mut().rev() {
            let [.., low] = carry.wrapping_add((*byte).into()).to_be_bytes();
            carry = carry.wrapping_add((*byte).into()) >> 8;
            *byte = low;
        }
        Self { bytes, ..self }
    }

    /// A number that is always the same for this address, and far from those of the addresses next
    /// to it.
    fn spread(self) -> u16 {
        let mixed = self.bytes.iter().fold(0x811c_9dc5_u32, |mixed, byte| {
            (mixed ^ u32::from(*byte)).wrapping_mul(0x0100_0193)
        });
        let [high, low, ..] = (mixed ^ (mixed >> 15))
            .wrapping_mul(0x85eb_ca6b)
            .to_be_bytes();
        u16::from_be_bytes([high, low])
    }

    /// What BlueZ calls its kind.
    pub(super) const fn kind(self) -> &'static str {
        if self.is_random { "random" } else { "public" }
    }

    fn joined(self, separator: &str) -> String {
        self.bytes.map(|byte| format!("{byte:02X}")).join(separator)
    }

    /// What BlueZ calls a device that has no name.
    pub(super) fn alias(self) -> String {
        self.joined("-")
    }

    /// What BlueZ calls its object.
    pub(super) fn node(self) -> String {
        format!("dev_{}", self.joined("_"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.joined(":"))
    }
}

impl FromStr for Address {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let parts: Vec<&str> = text.split([':', '-']).collect();
        let is_pairs = parts.iter().all(|part| part.len() == 2);
        let bytes = decode_hex(&parts.concat()).and_then(|bytes| bytes.try_into().ok());
        match bytes {
            Some(bytes) if is_pairs => Ok(Self {
                bytes,
                is_random: false,
            }),
            _ => Err(NoAddress),
        }
    }
}

/// A text that is no Bluetooth address.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expected six pairs of hexadecimal digits, as in 7C:DF:A1:00:00:01")]
pub struct NoAddress;

/// Of RainMaker firmware (`app_network.h`): "Nov", the format, whose it is, and what it is.
pub fn rainmaker_data(customer: u16, device_type: u16, subtype: u8) -> BTreeMap<u16, Vec<u8>> {
    let mut data = b"Nova".to_vec();
    data.extend(customer.to_be_bytes());
    data.extend(device_type.to_be_bytes());
    data.extend([subtype, 0]);
    BTreeMap::from([(ESPRESSIF, data)])
}

/// Somebody else in the air.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    pub(super) advert: Advert,
    /// BlueZ knows it from before, and it is not in reach.
    pub(super) is_stale: bool,
}

impl Neighbour {
    /// Reads a list of them.
    pub fn list_from_json(text: &str) -> Result<Vec<Self>, NeighbourError> {
        let listed: Vec<Listed> = serde_json::from_str(text)?;
        (1..).zip(listed).map(|(n, one)| one.check(n)).collect()
    }
}

/// A list of neighbours that cannot be.
#[derive(Debug, Error)]
pub enum NeighbourError {
    /// An address that is none.
    #[error("neighbour {number}: address: {NoAddress}")]
    Address {
        /// The how-manieth one.
        number: u16,
    },
    /// No JSON, or none of this form.
    #[error("the list of neighbours cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Manufacturer data that is none.
    #[error(
        "neighbour {number}: manufacturer: expected a company such as \"0x02e5\" and hexadecimal digits"
    )]
    Manufacturer {
        /// The how-manieth one.
        number: u16,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    name: Option<String>,
    address: Option<String>,
    rssi: Option<i16>,
    #[serde(default)]
    uuids: Vec<String>,
    #[serde(default)]
    manufacturer: BTreeMap<String, String>,
    #[serde(default)]
    appears_after_ms: u64,
    #[serde(default)]
    at_once: bool,
    #[serde(default)]
    stale: bool,
}

impl Listed {
    fn check(self, number: u16) -> Result<Neighbour, NeighbourError> {
        let address = match self.address {
            Some(text) => text
                .parse()
                .map_err(|NoAddress| NeighbourError::Address { number })?,
            None => Address {
                bytes: [0xc0, 0x00, 0x00, 0x4e, 0x00, 0x00],
                is_random: true,
            }
            .plus(number),
        };
        let manufacturer = self
            .manufacturer
            .iter()
            .map(|(company, data)| {
                let digits = company.strip_prefix("0x")?;
                let company = u16::from_str_radix(digits, 16).ok()?;
                Some((company, decode_hex(data)?))
            })
            .collect::<Option<_>>()
            .ok_or(NeighbourError::Manufacturer { number })?;
        Ok(Neighbour {
            advert: Advert {
                address,
                name: self.name,
                rssi: self.rssi.unwrap_or(USUAL_RSSI),
                uuids: self.uuids,
                manufacturer,
                after: Duration::from_millis(self.appears_after_ms),
                at_once: self.at_once,
            },
            is_stale: self.stale,
        })
    }
}

/// Espressif, as the Bluetooth SIG numbers companies.
const ESPRESSIF: u16 = 0x02e5;
const USUAL_RSSI: i16 = -70;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_written_and_counted_on() {
        let address: Address = "7c:df:a1:00:ff:ff".parse().unwrap();
        assert_eq!(address.to_string(), "7C:DF:A1:00:FF:FF");
        assert_eq!(address.plus(1).to_string(), "7C:DF:A1:01:00:00");
        assert_eq!(address.node(), "dev_7C_DF_A1_00_FF_FF");
        assert_eq!(
            (address.alias().as_str(), address.kind()),
            ("7C-DF-A1-00-FF-FF", "public")
        );
        for wrong in ["", "7c:df:a1:00:ff", "7cdfa100ffff", "7c:df:a1:00:ff:fg"] {
            assert_eq!(wrong.parse::<Address>(), Err(NoAddress), "{wrong}");
        }
    }

    #[test]
    fn each_device_is_heard_at_a_time_of_its_own() {
        let neighbours = Neighbour::list_from_json(
            r#"[{"address": "7C:DF:A1:00:00:01"}, {"address": "7C:DF:A1:00:00:02"},
                {"address": "7C:DF:A1:00:00:03"}, {"at_once": true}]"#,
        );
        let interval = Duration::from_millis(160);
        let phases: Vec<Duration> = neighbours
            .unwrap()
            .iter()
            .map(|one| one.advert.phase(interval))
            .collect();
        assert!(phases.iter().all(|phase| *phase < interval), "{phases:?}");
        for (one, next) in [(0, 1), (1, 2), (0, 2)] {
            let apart = phases[one].abs_diff(phases[next]);
            assert!(apart > Duration::from_millis(5), "{phases:?}");
        }
        assert_eq!(phases[3], Duration::ZERO);
    }

    #[test]
    fn the_data_of_rainmaker_is_what_its_firmware_writes() {
        let data = rainmaker_data(1, 0x80, 1);
        let expected = [0x4e, 0x6f, 0x76, 0x61, 0, 1, 0, 0x80, 1, 0];
        assert_eq!(data[&0x02e5], expected);
    }

    #[test]
    fn neighbours_are_read_from_json() {
        let list = Neighbour::list_from_json(
            r#"[{"name": "Scale", "rssi": -90, "manufacturer": {"0x02e5": "4e6f76"}},
                {"address": "AA:BB:CC:00:11:22", "stale": true, "appears_after_ms": 5}]"#,
        )
        .unwrap();
        assert_eq!(list[0].advert.name.as_deref(), Some("Scale"));
        assert_eq!(list[0].advert.manufacturer[&0x02e5], *b"Nov");
        assert_eq!(list[1].advert.address.to_string(), "AA:BB:CC:00:11:22");
        assert!(list[1].is_stale && list[0].advert.address != list[1].advert.address);
        for (text, said) in [
            ("{}", "cannot be read"),
            (r#"[{"colour": 1}]"#, "cannot be read"),
            (r#"[{"address": "1"}]"#, "six pairs"),
            (r#"[{"manufacturer": {"741": "00"}}]"#, "0x02e5"),
        ] {
            let error = Neighbour::list_from_json(text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
