//! Media: each file puts a device behind one, and shows its refusals as that medium shows them.
//! Not what the device answers, which is the same on all of them.

#[cfg(target_os = "linux")]
pub mod ble;
#[cfg(unix)]
pub mod console;
pub mod http;
