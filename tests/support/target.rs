//! Drivers, addresses and targets for tests.

use std::fmt::Display;
use std::sync::Arc;

use espctl::flows::Target;
use espctl::provisioner::built_in_protocols;
use espctl::transport::{Address, Driver, built_in_drivers};

/// A built-in driver.
pub(crate) fn driver(name: &str) -> Arc<dyn Driver> {
    let mut drivers = built_in_drivers().into_iter();
    let driver = drivers.find(|driver| driver.medium().name == name);
    driver.expect("a built-in driver")
}

/// An address of a device that uses HTTP.
pub(crate) fn http_address(address: impl Display) -> Address {
    driver("softap")
        .parse_address(&address.to_string())
        .unwrap()
}

/// The device at an address over SoftAP.
pub(crate) fn softap_at(address: impl Display) -> Target {
    Target {
        address: Some(http_address(address)),
        ..Target::new(driver("softap"), built_in_protocols())
    }
}
