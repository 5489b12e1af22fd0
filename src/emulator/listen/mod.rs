//! The media: each file serves a device on one, and shows its refusals in the way of that medium.

#[cfg(target_os = "linux")]
pub mod ble;
#[cfg(unix)]
pub mod console;
pub mod http;
