//! The address of a device, opaque to everything but the driver that made it.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// The address of a device in the terms of one driver. Other code can only display and compare it.
#[derive(Clone, derive_more::Debug)]
#[debug("Address({:?})", _0.text)]
pub struct Address(Arc<Inner>);

/// Behind a pointer, so that errors that contain an address stay small.
struct Inner {
    text: Box<str>,
    id: Option<Box<str>>,
}

impl Address {
    /// An address that is displayed as `text`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        let (text, id) = (text.into(), None);
        Self(Arc::new(Inner { text, id }))
    }

    /// Adds the system's own id of the device (BlueZ's object path, for example). The user can then
    /// name the device by the text or by this id.
    #[must_use]
    pub fn with_id(self, id: impl Into<Box<str>>) -> Self {
        let (text, id) = (self.0.text.clone(), Some(id.into()));
        Self(Arc::new(Inner { text, id }))
    }

    /// The text that is displayed.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether the address has the system's id of the device, as addresses from a scan do.
    pub fn has_id(&self) -> bool {
        self.0.id.is_some()
    }

    /// Whether the user can select a scanned device by this text, as if it were the device's name.
    pub fn is_called(&self, text: &str) -> bool {
        let Inner { text: own, id } = &*self.0;
        let id = id.as_deref();
        id.is_some_and(|id| id == text || own.eq_ignore_ascii_case(text))
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        let ids = (&self.0.id, &other.0.id);
        ids.0 == ids.1 && (ids.0.is_some() || self.0.text == other.0.text)
    }
}

impl Eq for Address {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.text)
    }
}

/// The text is not an address of this medium.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("expected {expected}")]
pub struct AddressError {
    /// The format of this medium's addresses, for the message.
    pub expected: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_called_and_compared_by_id() {
        let plain = Address::new("/dev/ttyUSB0");
        assert_eq!(format!("{plain:>14}"), "  /dev/ttyUSB0");
        assert_eq!(plain, Address::new("/dev/ttyUSB0"));
        assert_ne!(plain, Address::new("/dev/ttyUSB1"));
        assert!(!plain.is_called("/dev/ttyUSB0"));
        let of = |id: &str| Address::new("C0:FF:EE:00:00:01").with_id(id);
        assert_eq!(of("hci0/dev"), of("hci0/dev"));
        // Two adapters see the same device under different ids: the addresses differ.
        assert_ne!(of("hci0/dev"), of("hci1/dev"));
        assert_ne!(of("hci0/dev"), Address::new("C0:FF:EE:00:00:01"));
        for name in ["hci0/dev", "c0:ff:ee:00:00:01"] {
            assert!(of("hci0/dev").is_called(name), "{name}");
        }
        assert!(!of("hci0/dev").is_called("HCI0/dev"));
    }
}
