//! The answers of BlueZ to calls, with the texts of its errors (`src/error.c`, `src/gatt-client.c`,
//! `src/device.c` of 5.66).

use std::borrow::Cow;

use zbus::message::Header;

/// The answer to a successful call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DbusAnswer {
    /// An answer without values, which is not sent yet.
    Empty,
    /// The answer was sent, or will be later.
    Sent,
}

/// A D-Bus error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DbusError {
    /// An error of BlueZ: the last part of its name, and its text.
    Bluez(&'static str, Cow<'static, str>),
    /// An error of D-Bus: the last part of its name, and its text.
    Standard(&'static str, Cow<'static, str>),
    /// There is no such method, or no such object.
    UnknownMethod,
}

/// Arguments of other types than the method has.
impl From<zbus::Error> for DbusError {
    fn from(_: zbus::Error) -> Self {
        Self::INVALID_ARGUMENTS
    }
}

impl DbusError {
    pub(super) const CONNECT_CANCELED: Self = Self::failed("le-connection-canceled");
    pub(super) const IN_PROGRESS: Self = Self::bluez("InProgress", "In Progress");
    pub(super) const INVALID_ARGUMENTS: Self =
        Self::bluez("InvalidArguments", "Invalid arguments in method call");
    pub(super) const NOT_SUPPORTED: Self =
        Self::bluez("NotSupported", "Operation is not supported");

    pub(super) const fn bluez(name: &'static str, text: &'static str) -> Self {
        Self::Bluez(name, Cow::Borrowed(text))
    }

    pub(super) const fn failed(text: &'static str) -> Self {
        Self::bluez("Failed", text)
    }

    pub(super) const fn standard(name: &'static str, text: &'static str) -> Self {
        Self::Standard(name, Cow::Borrowed(text))
    }

    /// An argument that the standard interfaces reject.
    pub(super) fn no_such(kind: &str, name: &str) -> Self {
        Self::Standard("InvalidArgs", format!("No such {kind} '{name}'").into())
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
            other => {
                let text = format!("Operation failed with ATT error: 0x{other:02x}");
                Self::Bluez("Failed", text.into())
            }
        }
    }

    /// Its name and text in the answer to a call, on an object that exists or not.
    pub(super) fn for_call(&self, call: &Header<'_>, has_object: bool) -> (String, String) {
        let (prefix, name, text) = match self {
            Self::Bluez(name, text) => ("org.bluez", *name, text.to_string()),
            Self::Standard(name, text) => (STANDARD, *name, text.to_string()),
            Self::UnknownMethod => {
                let kind = if has_object {
                    "UnknownMethod"
                } else {
                    "UnknownObject"
                };
                let text = format!(
                    "Method \"{}\" with signature \"{}\" on interface \"{}\" doesn't exist\n",
                    call.member().map_or("", |member| member.as_str()),
                    call.signature().to_string_no_parens(),
                    call.interface().map_or("", |name| name.as_str()),
                );
                (STANDARD, kind, text)
            }
        };
        (format!("{prefix}.Error.{name}"), text)
    }
}

const STANDARD: &str = "org.freedesktop.DBus";
