//! macOS and Windows: classifies their errors, as `btleplug` passes them on. Written from
//! `btleplug`'s source and the systems' documentation; not tested on either.

use super::gatt::GattError;
use crate::host::BluetoothProblem;

/// Converts an error of `btleplug`.
pub(super) fn classify(error: btleplug::Error) -> GattError {
    match error {
        // Windows reports this for a characteristic that requires pairing.
        btleplug::Error::PermissionDenied => GattError::NotPaired,
        btleplug::Error::NoAdapterAvailable => GattError::Radio(BluetoothProblem::NoAdapter),
        btleplug::Error::NotConnected => GattError::LinkLost,
        btleplug::Error::DeviceNotFound => GattError::Gone,
        btleplug::Error::TimedOut(_) => GattError::TimedOut,
        other => classify_message(&other.to_string()),
    }
}

fn classify_message(message: &str) -> GattError {
    if let Some(number) = parse_att_code(message) {
        return GattError::Att(number);
    }
    let lower = message.to_lowercase();
    if lower.contains("authentication is insufficient")
        || lower.contains("encryption is insufficient")
    {
        GattError::NotPaired
    } else {
        GattError::Other(message.to_owned())
    }
}

/// The ATT code in a Windows error (`E_BLUETOOTH_ATT_…`, 0x806500NN).
fn parse_att_code(message: &str) -> Option<u8> {
    let (_, number) = message.split_once("0x806500")?;
    u8::from_str_radix(number.get(..2)?, 16).ok()
}
