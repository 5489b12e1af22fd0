//! The address of a device, opaque to everything but the driver that made it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// The address of a device in the terms of one driver. Other code can only display and compare it.
#[derive(Clone)]
pub struct Address(Arc<Inner>);

/// Behind a pointer, so that errors that contain an address stay small.
#[derive(Clone)]
struct Inner {
    text: Box<str>,
    id: Option<Box<str>>,
    detail: Option<Arc<dyn Any + Send + Sync>>,
}

impl Address {
    /// An address that is displayed as `text`.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Inner {
            text: text.into(),
            id: None,
            detail: None,
        }))
    }

    /// Adds the system's own id of the device (BlueZ's object path, for example). The user can then
    /// name the device by the text or by this id.
    #[must_use]
    pub fn with_id(self, id: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Inner {
            id: Some(id.into()),
            ..Arc::unwrap_or_clone(self.0)
        }))
    }

    /// Adds the data that the driver needs to connect.
    #[must_use]
    pub fn with_detail(self, detail: impl Any + Send + Sync) -> Self {
        Self(Arc::new(Inner {
            detail: Some(Arc::new(detail)),
            ..Arc::unwrap_or_clone(self.0)
        }))
    }

    /// The driver's data; `None` if another driver made the address.
    pub fn detail<T: Any>(&self) -> Option<&T> {
        self.0.detail.as_ref()?.downcast_ref()
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
        let Inner {
            text: own,
            id: Some(id),
            ..
        } = &*self.0
        else {
            return false;
        };
        **id == *text || own.eq_ignore_ascii_case(text)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0.id, &other.0.id) {
            (Some(id), Some(other_id)) => id == other_id,
            (None, None) => self.0.text == other.0.text,
            _ => false,
        }
    }
}

impl Eq for Address {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.0.text).finish()
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
    fn only_driver_reads_address_detail() {
        let plain = Address::new("/dev/ttyUSB0");
        assert_eq!(format!("{plain:>14}"), "  /dev/ttyUSB0");
        assert_eq!(plain, Address::new("/dev/ttyUSB0").with_detail(7_u8));
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
        let detailed = Address::new("x").with_detail(7_u8);
        assert_eq!(detailed.detail::<u8>(), Some(&7));
        assert_eq!(detailed.detail::<u16>(), None);
    }
}
