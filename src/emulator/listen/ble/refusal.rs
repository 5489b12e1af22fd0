//! That BlueZ does not do what it was asked to, in the words that it has for it (`src/error.c`,
//! `src/gatt-client.c`, `src/device.c` of 5.66). Not when.

use std::borrow::Cow;

/// An error on D-Bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) name: &'static str,
    pub(super) text: Cow<'static, str>,
}

impl Refused {
    pub(super) const ACCESS_DENIED: Self = Self::of(
        "org.freedesktop.DBus.Error.AccessDenied",
        "Rejected send message: the bus's policy forbids it",
    );
    pub(super) const ALREADY_EXISTS: Self =
        Self::of("org.bluez.Error.AlreadyExists", "Already Exists");
    pub(super) const AUTHENTICATION_CANCELED: Self = Self::of(
        "org.bluez.Error.AuthenticationCanceled",
        "Authentication Canceled",
    );
    pub(super) const AUTHENTICATION_FAILED: Self = Self::of(
        "org.bluez.Error.AuthenticationFailed",
        "Authentication Failed",
    );
    pub(super) const BLOCKED: Self = Self::of("org.bluez.Error.Blocked", "Blocked through rfkill");
    pub(super) const BUSY: Self = Self::of(
        "org.bluez.Error.InProgress",
        "Operation already in progress",
    );
    pub(super) const CONNECT_ABORTED: Self =
        Self::of("org.bluez.Error.Failed", "le-connection-abort-by-local");
    pub(super) const CONNECT_CANCELLED: Self =
        Self::of("org.bluez.Error.Failed", "le-connection-canceled");
    pub(super) const CONNECTION_ATTEMPT_FAILED: Self =
        Self::of("org.bluez.Error.ConnectionAttemptFailed", "Page Timeout");
    pub(super) const DOES_NOT_EXIST: Self =
        Self::of("org.bluez.Error.DoesNotExist", "Does Not Exist");
    pub(super) const IN_PROGRESS: Self = Self::of("org.bluez.Error.InProgress", "In Progress");
    pub(super) const INVALID_ARGUMENTS: Self = Self::of(
        "org.bluez.Error.InvalidArguments",
        "Invalid arguments in method call",
    );
    pub(super) const NO_BLUEZ: Self = Self::of(
        "org.freedesktop.DBus.Error.ServiceUnknown",
        "The name org.bluez was not provided by any .service files",
    );
    pub(super) const NO_DISCOVERY: Self =
        Self::of("org.bluez.Error.Failed", "No discovery started");
    pub(super) const NO_LINK: Self = Self::of("org.bluez.Error.Failed", "Not connected");
    /// What the bus says when BlueZ ends before it has answered.
    pub(super) const NO_REPLY: Self = Self::of(
        "org.freedesktop.DBus.Error.NoReply",
        "Message recipient disconnected from message bus without replying",
    );
    pub(super) const NO_NOTIFY_SESSION: Self =
        Self::of("org.bluez.Error.Failed", "No notify session started");
    /// Of a connect while the adapter is off.
    pub(super) const NO_RADIO: Self = Self::of("org.bluez.Error.Failed", "Input/output error");
    pub(super) const NOT_READY: Self = Self::of("org.bluez.Error.NotReady", "Resource Not Ready");
    pub(super) const NOT_SUPPORTED: Self =
        Self::of("org.bluez.Error.NotSupported", "Operation is not supported");
    /// In place of what is said of a method that does not exist, which names it.
    pub(super) const UNKNOWN: Self = Self::of("org.freedesktop.DBus.Error.UnknownMethod", "");
    pub(super) const WRITE_NOT_PERMITTED: Self =
        Self::of("org.bluez.Error.NotPermitted", "Write not permitted");

    const fn of(name: &'static str, text: &'static str) -> Self {
        Self {
            name,
            text: Cow::Borrowed(text),
        }
    }

    /// What becomes of an error of ATT (`create_gatt_dbus_error`).
    pub(super) fn by_att(code: u8) -> Self {
        match code {
            0x02 => Self::of("org.bluez.Error.NotPermitted", "Read not permitted"),
            0x03 => Self::WRITE_NOT_PERMITTED,
            0x05 | 0x0c | 0x0f => Self::of("org.bluez.Error.NotPermitted", "Not paired"),
            0x06 => Self::NOT_SUPPORTED,
            0x07 => Self::of("org.bluez.Error.InvalidArguments", "Invalid offset"),
            0x08 => Self::of("org.bluez.Error.NotAuthorized", "Operation Not Authorized"),
            0x0d => Self::of("org.bluez.Error.InvalidArguments", "Invalid Length"),
            other => Self {
                name: "org.bluez.Error.Failed",
                text: format!("Operation failed with ATT error: 0x{other:02x}").into(),
            },
        }
    }

    /// That there is no such method, or no such object to call it on.
    pub(super) fn unknown_method(
        interface: &str,
        member: &str,
        signature: &str,
        has_object: bool,
    ) -> Self {
        Self {
            name: if has_object {
                "org.freedesktop.DBus.Error.UnknownMethod"
            } else {
                "org.freedesktop.DBus.Error.UnknownObject"
            },
            text: format!(
                "Method \"{member}\" with signature \"{signature}\" on interface \"{interface}\" doesn't exist\n"
            )
            .into(),
        }
    }

    pub(super) fn no_such_property(name: &str) -> Self {
        Self {
            name: "org.freedesktop.DBus.Error.InvalidArgs",
            text: format!("No such property '{name}'").into(),
        }
    }

    pub(super) fn no_such_interface(name: &str) -> Self {
        Self {
            name: "org.freedesktop.DBus.Error.InvalidArgs",
            text: format!("No such interface '{name}'").into(),
        }
    }

    pub(super) fn read_only(name: &str) -> Self {
        Self {
            name: "org.freedesktop.DBus.Error.PropertyReadOnly",
            text: format!("Property '{name}' is not writable").into(),
        }
    }
}
