//! Problems of a computer's Bluetooth, and the D-Bus errors that show them.

use std::io;

use thiserror::Error;

/// A problem of a computer's Bluetooth.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BluetoothProblem {
    /// Blocked by a switch that espctl cannot change.
    #[error("Bluetooth is blocked on this computer")]
    Blocked,
    /// The user lacks the permission.
    #[error("this user may not use Bluetooth")]
    Denied,
    /// There is no Bluetooth hardware.
    #[error("this computer has no Bluetooth adapter")]
    NoAdapter,
    /// There is no adapter of the requested name.
    #[error("this computer has no Bluetooth adapter {requested}; there is {available}")]
    NoSuchAdapter {
        /// The requested name.
        requested: Box<str>,
        /// The existing adapters.
        available: Box<str>,
    },
    /// The system message bus, over which programs use Bluetooth, does not run.
    #[error("this computer has no system message bus (D-Bus)")]
    NoBus,
    /// The system's Bluetooth service does not run.
    #[error("the Bluetooth service (bluetoothd) does not run")]
    NoService,
    /// Switched off, and the system could not switch it on.
    #[error("Bluetooth is switched off")]
    Off,
    /// Any other problem; the source describes it.
    #[error("this computer's Bluetooth failed")]
    Failed,
}

/// This computer's Bluetooth cannot be used.
#[derive(Debug, Error)]
#[error("{problem}")]
pub struct BluetoothError {
    /// The problem.
    pub problem: BluetoothProblem,
    /// The system's error, if there is one.
    pub source: Option<io::Error>,
}

impl From<BluetoothProblem> for BluetoothError {
    fn from(problem: BluetoothProblem) -> Self {
        Self {
            problem,
            source: None,
        }
    }
}

impl BluetoothError {
    /// A problem that only the system's error describes.
    pub(crate) fn failed(source: impl Into<io::Error>) -> Self {
        Self {
            problem: BluetoothProblem::Failed,
            source: Some(source.into()),
        }
    }
}

/// The problem that a D-Bus error shows, by its name and message; `None` if the error does not
/// concern this computer.
///
/// Source: BlueZ `src/error.c`, `src/adapter.c`.
#[cfg(target_os = "linux")]
pub(crate) fn find_dbus_problem(name: &str, message: &str) -> Option<BluetoothProblem> {
    if let Some(kind) = name.strip_prefix("org.bluez.Error.") {
        return match kind {
            "Blocked" => Some(BluetoothProblem::Blocked),
            "NotReady" => Some(BluetoothProblem::Off),
            // Older versions have it only in the message.
            "Failed" if message.contains("rfkill") => Some(BluetoothProblem::Blocked),
            _ => None,
        };
    }
    match name.strip_prefix("org.freedesktop.DBus.Error.")? {
        "AccessDenied" | "AuthFailed" => Some(BluetoothProblem::Denied),
        "FileNotFound" | "NoServer" | "BadAddress" | "IOError" | "Disconnected" => {
            Some(BluetoothProblem::NoBus)
        }
        "NameHasNoOwner" | "ServiceUnknown" => Some(BluetoothProblem::NoService),
        other if other.starts_with("Spawn.") => Some(BluetoothProblem::NoService),
        // The service stopped during the call.
        "NoReply" if message.contains("recipient disconnected") => {
            Some(BluetoothProblem::NoService)
        }
        _ => None,
    }
}
