//! This computer's Bluetooth: its state, and what can be wrong with it. `transport/ble` finds
//! devices and connects to them.

mod health;
mod problem;

pub(crate) use health::{AdapterHealth, BluetoothHealth, Power, check_bluetooth};
#[cfg(target_os = "linux")]
pub(crate) use problem::find_dbus_problem;
pub use problem::{BluetoothError, BluetoothProblem};
