//! The errors of BlueZ, with their texts (`src/error.c`, `src/gatt-client.c`, `src/device.c` of 5.66).

use std::borrow::Cow;

/// The answer to a successful call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DbusAnswer {
    /// An answer without values, which is not sent yet.
    Empty,
    /// The answer was sent, or will be later.
    Sent,
}

/// The outcome of a call. An error is not sent yet.
pub(super) type Answered = Result<DbusAnswer, DbusError>;

/// A D-Bus error: the first and the last part of its name, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DbusError {
    domain: &'static str,
    name: &'static str,
    pub(super) text: Cow<'static, str>,
}

/// Arguments of other types than the method has.
impl From<zbus::Error> for DbusError {
    fn from(_: zbus::Error) -> Self {
        Self::INVALID_ARGUMENTS
    }
}

impl DbusError {
    pub(super) const ACCESS_DENIED: Self = Self::standard(
        "AccessDenied",
        "Rejected send message: the bus's policy forbids it",
    );
    pub(super) const IN_PROGRESS: Self = Self::bluez("InProgress", "In Progress");
    pub(super) const INVALID_ARGUMENTS: Self =
        Self::bluez("InvalidArguments", "Invalid arguments in method call");
    pub(super) const NOT_SUPPORTED: Self =
        Self::bluez("NotSupported", "Operation is not supported");
    pub(super) const SERVICE_UNKNOWN: Self = Self::standard(
        "ServiceUnknown",
        "The name org.bluez was not provided by any .service files",
    );
    pub(super) const UNKNOWN_METHOD: Self = Self::standard("UnknownMethod", "Method doesn't exist");
    pub(super) const UNKNOWN_OBJECT: Self = Self::standard("UnknownObject", "Object doesn't exist");

    const fn new(domain: &'static str, name: &'static str, text: &'static str) -> Self {
        let text = Cow::Borrowed(text);
        Self { domain, name, text }
    }

    pub(super) const fn bluez(name: &'static str, text: &'static str) -> Self {
        Self::new("org.bluez", name, text)
    }

    pub(super) const fn failed(text: &'static str) -> Self {
        Self::bluez("Failed", text)
    }

    pub(super) const fn standard(name: &'static str, text: &'static str) -> Self {
        Self::new("org.freedesktop.DBus", name, text)
    }

    /// An argument that the standard interfaces reject.
    pub(super) fn no_such(kind: &str, name: &str) -> Self {
        Self {
            text: format!("No such {kind} '{name}'").into(),
            ..Self::standard("InvalidArgs", "")
        }
    }

    /// The error for an ATT error code (`create_gatt_dbus_error`).
    pub(super) fn from_att(code: u8) -> Self {
        match code {
            0x02 => Self::bluez("NotPermitted", "Read not permitted"),
            0x03 => Self::bluez("NotPermitted", "Write not permitted"),
            0x05 | 0x0c | 0x0f => Self::bluez("NotPermitted", "Not paired"),
            0x06 => Self::NOT_SUPPORTED,
            0x07 => Self::bluez("InvalidArguments", "Invalid offset"),
            0x08 => Self::bluez("NotAuthorized", "Operation Not Authorized"),
            0x0d => Self::bluez("InvalidArguments", "Invalid Length"),
            other => Self {
                text: format!("Operation failed with ATT error: 0x{other:02x}").into(),
                ..Self::failed("")
            },
        }
    }

    pub(super) fn full_name(&self) -> String {
        format!("{}.Error.{}", self.domain, self.name)
    }
}
