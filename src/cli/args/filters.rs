//! The flags that filter devices by their advertisements.

use clap::Args;
use uuid::Uuid;

use crate::flows::Target;
use crate::transport::Discovery;

/// Filters of a search.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct FilterArgs {
    /// Only devices that advertise this RainMaker customer id; 1 is Espressif's.
    #[arg(long, value_name = "N", env = "ESPCTL_CUSTOMER_ID", help_heading = HEADING)]
    customer_id: Option<u16>,

    /// Only devices that advertise this service, for firmware with a service of its own.
    #[arg(long, value_name = "UUID", env = "ESPCTL_SERVICE_UUID", value_parser = parse_uuid, help_heading = HEADING)]
    service_uuid: Option<Uuid>,
}

impl FilterArgs {
    /// Restricts a search to these devices. An enumerated place, such as a serial port, announces nothing
    /// to compare with.
    pub(in crate::cli) fn apply(&self, target: &mut Target) {
        if target.medium.discovery == Discovery::Enumerated {
            return;
        }
        target.customer_id = self.customer_id;
        target.service = self.service_uuid;
    }
}

/// Parses a UUID, or its 16-bit form.
fn parse_uuid(text: &str) -> Result<Uuid, &'static str> {
    let short = text.strip_prefix("0x").unwrap_or(text);
    if short.len() == 4
        && let Ok(number) = u16::from_str_radix(short, 16)
    {
        return Ok(Uuid::from_u128((u128::from(number) << 96) | BASE));
    }
    text.parse().map_err(|_| EXPECTED)
}

const HEADING: &str = "Bluetooth";
const EXPECTED: &str = "expected a UUID such as 021a9004-0382-4aea-bff4-6b3f1c5adfb4, or ffff";
/// `0000xxxx-0000-1000-8000-00805f9b34fb` (Bluetooth Core, vol 3, part B, 2.5.1).
const BASE: u128 = 0x0000_1000_8000_0080_5f9b_34fb;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_uuid_has_a_short_form() {
        let full = "0000ffff-0000-1000-8000-00805f9b34fb";
        for text in ["ffff", "0xffff", full] {
            assert_eq!(parse_uuid(text).unwrap().to_string(), full, "{text}");
        }
        for wrong in ["", "fff", "xyz1", "0x", "0x12345", "021a9004-0382"] {
            assert!(parse_uuid(wrong).is_err(), "{wrong}");
        }
    }
}
