//! The emulators as processes: the cloud over a socket, devices over Bluetooth through D-Bus, and on a
//! serial line through a pty. `src/emulator/` has the tests of their state machines.

mod accounts;
#[cfg(target_os = "linux")]
mod ble;
#[cfg(unix)]
mod console;
mod faults;
mod files;
mod mapping;
