//! Linux: classifies BlueZ's errors, as `btleplug` passes them on.
//!
//! Source: BlueZ `src/gatt-client.c` (`create_gatt_dbus_error`), `src/error.c`.

use bluez_async::BluetoothError;

use super::gatt::{GattError, INVALID_LENGTH};
use crate::host::{BluetoothProblem, find_dbus_problem};

/// Converts an error of `btleplug`.
pub(super) fn classify(error: btleplug::Error) -> GattError {
    match error {
        btleplug::Error::NotConnected => GattError::LinkLost,
        btleplug::Error::DeviceNotFound => GattError::Gone,
        btleplug::Error::TimedOut(_) => GattError::TimedOut,
        btleplug::Error::Other(other) => match other.downcast::<BluetoothError>() {
            Ok(error) => match *error {
                BluetoothError::DbusError(error) => classify_dbus_error(
                    error.name().unwrap_or_default(),
                    error.message().unwrap_or_default(),
                ),
                BluetoothError::ServiceDiscoveryTimedOut => GattError::TimedOut,
                BluetoothError::NoBluetoothAdapters => {
                    GattError::Radio(BluetoothProblem::NoAdapter)
                }
                other => GattError::Other(other.to_string()),
            },
            Err(other) => GattError::Other(other.to_string()),
        },
        other => GattError::Other(other.to_string()),
    }
}

/// Converts a D-Bus error from its name and message.
pub(super) fn classify_dbus_error(name: &str, message: &str) -> GattError {
    if let Some(problem) = find_dbus_problem(name, message) {
        return GattError::Radio(problem);
    }
    if let Some(kind) = name.strip_prefix("org.bluez.Error.") {
        return classify_bluez_error(kind, message);
    }
    match name.strip_prefix("org.freedesktop.DBus.Error.") {
        Some("NoReply" | "Timeout" | "TimedOut") => GattError::TimedOut,
        Some("UnknownObject" | "UnknownMethod" | "UnknownInterface" | "UnknownProperty") => {
            GattError::Gone
        }
        _ => GattError::Other(format!("{name}: {message}")),
    }
}

fn classify_bluez_error(kind: &str, message: &str) -> GattError {
    match (kind, message) {
        ("NotPermitted", "Not paired") => GattError::NotPaired,
        ("NotPermitted", message) if message.starts_with("Read") => GattError::Att(0x02),
        ("NotPermitted", _) => GattError::Att(0x03),
        ("InvalidArguments", "Invalid offset") | ("InvalidOffset", _) => GattError::Att(0x07),
        ("InvalidArguments", "Invalid Length") | ("InvalidValueLength", _) => {
            GattError::Att(INVALID_LENGTH)
        }
        ("NotAuthorized", _) => GattError::Att(0x08),
        ("NotSupported", _) => GattError::Att(0x06),
        ("InProgress", _) => GattError::Busy,
        ("NotConnected", _) | ("Failed", "Not connected") => GattError::LinkLost,
        ("AlreadyExists", _) => GattError::AlreadyDone,
        ("DoesNotExist", _) => GattError::Gone,
        ("Failed", message) => parse_att_code(message)
            .map_or_else(|| GattError::Other(message.to_owned()), GattError::Att),
        _ if message.is_empty() => GattError::Other(kind.to_owned()),
        _ => GattError::Other(message.to_owned()),
    }
}

/// The code in `Operation failed with ATT error: 0x80`.
fn parse_att_code(message: &str) -> Option<u8> {
    let (_, number) = message.rsplit_once("ATT error: 0x")?;
    u8::from_str_radix(number.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classified(name: &str, message: &str) -> String {
        format!("{:?}", classify_dbus_error(name, message))
    }

    #[test]
    fn classifies_bluez_errors() {
        for (name, message, expected) in [
            (
                "org.bluez.Error.Failed",
                "Operation failed with ATT error: 0x80",
                "Att(128)",
            ),
            (
                "org.bluez.Error.Failed",
                "Operation failed with ATT error: 0x0e",
                "Att(14)",
            ),
            ("org.bluez.Error.Failed", "Not connected", "LinkLost"),
            ("org.bluez.Error.NotConnected", "Not Connected", "LinkLost"),
            ("org.bluez.Error.NotPermitted", "Not paired", "NotPaired"),
            (
                "org.bluez.Error.NotPermitted",
                "Write not permitted",
                "Att(3)",
            ),
            (
                "org.bluez.Error.InvalidArguments",
                "Invalid Length",
                "Att(13)",
            ),
            ("org.bluez.Error.InProgress", "In Progress", "Busy"),
            (
                "org.bluez.Error.Failed",
                "le-connection-abort-by-local",
                "Other(\"le-connection-abort-by-local\")",
            ),
            (
                "org.bluez.Error.Blocked",
                "Blocked through rfkill",
                "Radio(Blocked)",
            ),
            (
                "org.freedesktop.DBus.Error.ServiceUnknown",
                "The name org.bluez was not provided by any .service files",
                "Radio(NoService)",
            ),
            (
                "org.freedesktop.DBus.Error.NoReply",
                "Message recipient disconnected from message bus without replying",
                "Radio(NoService)",
            ),
            ("org.freedesktop.DBus.Error.NoReply", "Did not", "TimedOut"),
            (
                "org.freedesktop.DBus.Error.FileNotFound",
                "Failed to connect to socket",
                "Radio(NoBus)",
            ),
            (
                "org.freedesktop.DBus.Error.AccessDenied",
                "",
                "Radio(Denied)",
            ),
            ("org.freedesktop.DBus.Error.UnknownObject", "", "Gone"),
        ] {
            assert_eq!(classified(name, message), expected, "{name}: {message}");
        }
    }
}
