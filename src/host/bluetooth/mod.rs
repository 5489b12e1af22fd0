//! This computer's Bluetooth: whether it works, and what can be wrong with it. Devices are found and
//! connected to in `transport/ble`.

mod health;
mod problem;

pub(crate) use health::{AdapterHealth, BluetoothHealth, Power, check_bluetooth};
#[cfg(target_os = "linux")]
pub(crate) use problem::find_dbus_problem;
pub use problem::{BluetoothError, BluetoothProblem};
