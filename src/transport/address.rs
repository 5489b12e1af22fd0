//! Where a device is. What is inside only the driver knows that made it.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Where a device is, in the terms of one driver: everybody else can show it and compare it.
#[derive(Clone)]
pub struct Address(Arc<Inner>);

/// Behind a pointer, so that errors that name an address stay small.
#[derive(Clone)]
struct Inner {
    text: Box<str>,
    id: Option<Box<str>>,
    detail: Option<Arc<dyn Any + Send + Sync>>,
}

impl Address {
    /// An address that people read as this text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Inner {
            text: text.into(),
            id: None,
            detail: None,
        }))
    }

    /// The same, with what the system calls the device. Then people may call it by either.
    #[must_use]
    pub fn with_id(self, id: impl Into<Box<str>>) -> Self {
        Self(Arc::new(Inner {
            id: Some(id.into()),
            ..Arc::unwrap_or_clone(self.0)
        }))
    }

    /// The same, with what its driver needs to get there.
    #[must_use]
    pub fn with_detail(self, detail: impl Any + Send + Sync) -> Self {
        Self(Arc::new(Inner {
            detail: Some(Arc::new(detail)),
            ..Arc::unwrap_or_clone(self.0)
        }))
    }

    /// What its driver put there; `None` if another driver made it.
    pub fn detail<T: Any>(&self) -> Option<&T> {
        self.0.detail.as_ref()?.downcast_ref()
    }

    /// As people read it.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Whether it says what the system calls the device, as addresses of a scan do.
    pub fn has_id(&self) -> bool {
        self.0.id.is_some()
    }

    /// Whether a device that is there can be chosen by this text, as if it were its name.
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
            (Some(one), Some(other)) => one == other,
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

/// A text that is no address of the medium.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("expected {expected}")]
pub struct AddressError {
    /// What an address of this medium looks like.
    pub expected: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_shown_compared_and_opened_by_its_driver_only() {
        let plain = Address::new("/dev/ttyUSB0");
        assert_eq!(format!("{plain:>14}"), "  /dev/ttyUSB0");
        assert_eq!(plain, Address::new("/dev/ttyUSB0").with_detail(7_u8));
        assert!(!plain.is_called("/dev/ttyUSB0"));
        let of = |id: &str| Address::new("C0:FF:EE:00:00:01").with_id(id);
        assert_eq!(of("hci0/dev"), of("hci0/dev"));
        // Two adapters hear one device: each has its own way to it.
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
