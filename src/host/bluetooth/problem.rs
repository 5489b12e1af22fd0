//! What can be wrong with the Bluetooth of a computer, by whatever shows it.

use std::io;

use thiserror::Error;

/// What can be wrong with the Bluetooth of a computer.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BluetoothProblem {
    /// Switched off in a way that only a person can undo.
    #[error("Bluetooth is blocked on this computer")]
    Blocked,
    /// The user may not use it.
    #[error("this user may not use Bluetooth")]
    Denied,
    /// The computer has no hardware for it.
    #[error("this computer has no Bluetooth adapter")]
    NoAdapter,
    /// Not the one that was asked for.
    #[error("this computer has no Bluetooth adapter {requested}; there is {available}")]
    NoSuchAdapter {
        /// As asked for.
        requested: Box<str>,
        /// The adapters that this computer has.
        available: Box<str>,
    },
    /// The system's message bus, by which programs reach Bluetooth, is not there.
    #[error("this computer has no system message bus (D-Bus)")]
    NoBus,
    /// The system's Bluetooth service does not run.
    #[error("the Bluetooth service (bluetoothd) does not run")]
    NoService,
    /// Switched off, and it could not be switched on.
    #[error("Bluetooth is switched off")]
    Off,
    /// Something else, which the system's words say.
    #[error("this computer's Bluetooth failed")]
    Failed,
}

/// This computer's Bluetooth cannot be used.
#[derive(Debug, Error)]
#[error("{problem}")]
pub struct BluetoothError {
    /// What is wrong with it.
    pub problem: BluetoothProblem,
    /// What the system says, if anything.
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
    /// A problem that only the system's words describe.
    pub(crate) fn failed(source: impl Into<io::Error>) -> Self {
        Self {
            problem: BluetoothProblem::Failed,
            source: Some(source.into()),
        }
    }
}

/// The problem that a D-Bus error's name and message show; `None` if the error is about something
/// else than the computer.
///
/// Source: BlueZ `src/error.c`, `src/adapter.c`.
#[cfg(target_os = "linux")]
pub(crate) fn find_dbus_problem(name: &str, message: &str) -> Option<BluetoothProblem> {
    if let Some(kind) = name.strip_prefix("org.bluez.Error.") {
        return match kind {
            "Blocked" => Some(BluetoothProblem::Blocked),
            "NotReady" => Some(BluetoothProblem::Off),
            // Older versions say it in words only.
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
        // The service ended while it was asked.
        "NoReply" if message.contains("recipient disconnected") => {
            Some(BluetoothProblem::NoService)
        }
        _ => None,
    }
}
