//! What to do when this computer's Bluetooth cannot be used: the command, by system. The match has
//! no wildcard, as in the file above it.

use super::{Advice, Failure, advice};
use crate::cli::error_id::ErrorId;
use crate::host::BluetoothProblem;

impl Failure {
    /// This computer's Bluetooth, by itself.
    pub(in crate::cli) fn of_bluetooth(problem: &BluetoothProblem) -> Self {
        let Advice { exit, id, hints } = advise(problem);
        Self {
            exit,
            hints,
            ..Self::new(id, problem.to_string())
        }
    }
}

/// Advice for this computer, as it is.
pub(super) fn advise(problem: &BluetoothProblem) -> Advice {
    let bus = std::env::var_os(BUS).is_some_and(|bus| !bus.is_empty());
    advise_on(problem, bus)
}

/// `other_bus`: the environment leads to another bus than the system's.
pub(super) fn advise_on(problem: &BluetoothProblem, other_bus: bool) -> Advice {
    match problem {
        BluetoothProblem::Blocked => advice(
            ErrorId::BluetoothBlocked,
            [if cfg!(target_os = "linux") {
                "sudo rfkill unblock bluetooth; or look for a switch, or flight mode"
            } else {
                "look for a switch, or flight mode"
            }],
        ),
        BluetoothProblem::Denied => advice(
            ErrorId::BluetoothDenied,
            [if cfg!(target_os = "macos") {
                "allow it to your terminal: System Settings, Privacy & Security, Bluetooth"
            } else if cfg!(windows) {
                "allow it to desktop apps: Settings, Privacy & security, Radios"
            } else {
                "sudo usermod -aG bluetooth $USER, then log in again"
            }],
        ),
        BluetoothProblem::Failed => advice(
            ErrorId::BluetoothFailed,
            [if cfg!(target_os = "linux") {
                "sudo systemctl restart bluetooth"
            } else {
                "switch Bluetooth off and on in the system's settings"
            }],
        ),
        BluetoothProblem::NoAdapter => advice(
            ErrorId::NoBluetoothAdapter,
            [
                if cfg!(target_os = "macos") {
                    "System Settings, General, About, System Report shows it under Bluetooth"
                } else if cfg!(windows) {
                    "the Device Manager shows it under Bluetooth, or a driver is missing"
                } else {
                    "`ls /sys/class/bluetooth` shows those that Linux knows, `lsusb` and `dmesg` why there is none"
                },
                "--transport softap needs Wi-Fi only",
            ],
        ),
        BluetoothProblem::NoSuchAdapter { .. } => advice(
            ErrorId::NoBluetoothAdapter,
            ["leave --adapter out to take the first that is switched on"],
        ),
        BluetoothProblem::NoBus if other_bus => advice(
            ErrorId::NoBluetoothService,
            [
                "DBUS_SYSTEM_BUS_ADDRESS is set, and nothing answers there: unset it, or start the emulator again",
            ],
        ),
        BluetoothProblem::NoBus => advice(
            ErrorId::NoBluetoothService,
            [
                "sudo systemctl start dbus; in a container, mount the host's /run/dbus/system_bus_socket",
            ],
        ),
        BluetoothProblem::NoService => {
            let mut advice = advice(
                ErrorId::NoBluetoothService,
                ["sudo systemctl enable --now bluetooth; the package is bluez"],
            );
            if other_bus {
                let first = "DBUS_SYSTEM_BUS_ADDRESS is set, and there is no BlueZ on that bus: unset it, or start the emulator again";
                advice.hints.insert(0, first.to_owned());
            }
            advice
        }
        BluetoothProblem::Off => advice(
            ErrorId::BluetoothOff,
            [if cfg!(target_os = "linux") {
                "bluetoothctl power on"
            } else {
                "switch it on in the system's settings"
            }],
        ),
    }
}

/// Where clients of BlueZ look for the system's bus.
const BUS: &str = "DBUS_SYSTEM_BUS_ADDRESS";
