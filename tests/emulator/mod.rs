//! The emulators as processes of their own: the cloud called over a socket, the device in the air by
//! D-Bus, the one on a serial line through its pty. What their state machines do is tested beside
//! them.

mod accounts;
#[cfg(target_os = "linux")]
mod ble;
#[cfg(unix)]
mod console;
mod faults;
mod mapping;
