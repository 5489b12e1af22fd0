//! macOS and Windows: what their errors mean, as `btleplug` passes them on. Written from its source
//! and the systems' documentation, and not tried on either.

use super::gatt::GattError;
use crate::host::BluetoothProblem;

/// What an error means.
pub(super) fn classify(error: btleplug::Error) -> GattError {
    match error {
        // Windows' for a characteristic that wants a paired link.
        btleplug::Error::PermissionDenied => GattError::NotPaired,
        btleplug::Error::NoAdapterAvailable => GattError::Radio(BluetoothProblem::NoAdapter),
        btleplug::Error::NotConnected => GattError::LinkLost,
        btleplug::Error::DeviceNotFound => GattError::Gone,
        btleplug::Error::TimedOut(_) => GattError::TimedOut,
        other => in_words(&other.to_string()),
    }
}

fn in_words(said: &str) -> GattError {
    if let Some(number) = att_number(said) {
        return GattError::Att(number);
    }
    let lower = said.to_lowercase();
    if lower.contains("authentication is insufficient")
        || lower.contains("encryption is insufficient")
    {
        GattError::NotPaired
    } else {
        GattError::Other(said.to_owned())
    }
}

/// Windows wraps ATT's numbers (`E_BLUETOOTH_ATT_…`, 0x806500NN).
fn att_number(said: &str) -> Option<u8> {
    let (_, number) = said.split_once("0x806500")?;
    u8::from_str_radix(number.get(..2)?, 16).ok()
}
