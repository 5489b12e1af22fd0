//! The transport `ble`: a device whose endpoints are characteristics of a Bluetooth service.

mod adapter;
mod advertisement;
#[cfg(target_os = "linux")]
mod bluez;
mod closing;
mod driver;
mod endpoints;
mod exchange;
mod gatt;
mod native;
mod scan;
#[cfg(not(target_os = "linux"))]
mod system;
#[cfg_attr(target_os = "linux", path = "bluez_errors.rs")]
mod system_errors;

pub use advertisement::PROVISIONING_SERVICES;
pub(super) use driver::Ble;
