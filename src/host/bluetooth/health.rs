//! Checks the system's Bluetooth service: whether it answers, and the state of the adapters.
//! Nothing is changed, and no device is searched.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

use super::problem::BluetoothError;
#[cfg(not(target_os = "linux"))]
use super::problem::BluetoothProblem;

/// The state of this computer's Bluetooth.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BluetoothHealth {
    /// The version of BlueZ, such as `5.66`, if BlueZ reports it.
    pub version: Option<String>,
    /// The adapters, in order of their names.
    pub adapters: Vec<AdapterHealth>,
    /// Whether an rfkill switch is off, which may hide adapters.
    pub is_blocked: bool,
}

/// The state of an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdapterHealth {
    /// For example `hci0`.
    pub name: String,
    /// The Bluetooth address, if the system reports it.
    pub address: Option<String>,
    /// Whether the adapter is on.
    pub power: Power,
}

/// Whether an adapter is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    /// Off, and blocked by a switch.
    Blocked,
    /// Off; a search switches it on.
    Off,
    /// The adapter works.
    On,
}

/// Queries the system, for at most `limit`.
pub(crate) async fn check_bluetooth(limit: Duration) -> Result<BluetoothHealth, BluetoothError> {
    timeout(limit, query_system())
        .await
        .unwrap_or_else(|_| Err(BluetoothError::failed(io::ErrorKind::TimedOut)))
}

#[cfg(not(target_os = "linux"))]
async fn query_system() -> Result<BluetoothHealth, BluetoothError> {
    use btleplug::api::{Central as _, CentralState, Manager as _};

    let failed = |error: btleplug::Error| match error {
        btleplug::Error::PermissionDenied => BluetoothProblem::Denied.into(),
        btleplug::Error::NoAdapterAvailable => BluetoothProblem::NoAdapter.into(),
        other => BluetoothError::failed(io::Error::other(other)),
    };
    let manager = btleplug::platform::Manager::new().await.map_err(failed)?;
    let mut adapters = Vec::new();
    for adapter in manager.adapters().await.map_err(failed)? {
        // An adapter that does not report its state is not off.
        let is_off = matches!(adapter.adapter_state().await, Ok(CentralState::PoweredOff));
        adapters.push(AdapterHealth {
            name: adapter.adapter_info().await.map_err(failed)?,
            address: None,
            power: if is_off { Power::Off } else { Power::On },
        });
    }
    if adapters.is_empty() {
        return Err(BluetoothProblem::NoAdapter.into());
    }
    Ok(BluetoothHealth {
        adapters,
        ..BluetoothHealth::default()
    })
}

#[cfg(target_os = "linux")]
use linux::query_system;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::io;

    use zbus::{Connection, DBusError as _, OwnedObjectPath, OwnedVariant};

    use super::super::super::switches::{RadioSwitch, list_switches};
    use super::super::problem::{BluetoothError, BluetoothProblem, find_dbus_problem};
    use super::{AdapterHealth, BluetoothHealth, Power};

    type Properties = HashMap<String, OwnedVariant>;
    type Objects = HashMap<OwnedObjectPath, HashMap<String, Properties>>;

    pub(super) async fn query_system() -> Result<BluetoothHealth, BluetoothError> {
        let objects = read_objects().await?;
        Ok(parse_objects(&objects, &list_switches("bluetooth")))
    }

    async fn read_objects() -> Result<Objects, BluetoothError> {
        let bus = Connection::system().await.map_err(connection_error)?;
        let interface = Some("org.freedesktop.DBus.ObjectManager");
        let reply = bus.call_method(Some("org.bluez"), "/", interface, "GetManagedObjects", &());
        let answer = reply.await.map_err(call_error)?;
        let objects = answer.body().deserialize();
        objects.map_err(|error| BluetoothError::failed(io::Error::other(error)))
    }

    /// Any other failure means that there is no usable bus.
    fn connection_error(error: zbus::Error) -> BluetoothError {
        let is_denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        match error {
            zbus::Error::InputOutput(source) | zbus::Error::Connection(source, _)
                if is_denied(&source) =>
            {
                BluetoothProblem::Denied.into()
            }
            error => {
                tracing::debug!(%error, "no bus");
                BluetoothProblem::NoBus.into()
            }
        }
    }

    fn call_error(error: zbus::Error) -> BluetoothError {
        let problem = match &error {
            zbus::Error::MethodError(name, message, _) => {
                find_dbus_problem(name.as_str(), message.as_deref().unwrap_or_default())
            }
            zbus::Error::FDO(error) => find_dbus_problem(
                error.name().as_str(),
                error.description().unwrap_or_default(),
            ),
            _ => None,
        };
        problem.map_or_else(
            || BluetoothError::failed(io::Error::other(error)),
            BluetoothError::from,
        )
    }

    fn parse_objects(objects: &Objects, switches: &[RadioSwitch]) -> BluetoothHealth {
        let mut version = None;
        let mut adapters: Vec<AdapterHealth> = objects
            .iter()
            .filter_map(|(path, interfaces)| {
                let properties = interfaces.get("org.bluez.Adapter1")?;
                let text = |name| {
                    let value = properties.get(name)?;
                    Some(<&str>::try_from(&**value).ok()?.to_owned())
                };
                version = version
                    .take()
                    .or_else(|| parse_bluez_version(&text("Modalias")?));
                let name = path.as_str().rsplit('/').next()?.to_owned();
                let powered = properties.get("Powered");
                let is_on = powered.is_some_and(|on| bool::try_from(&**on) == Ok(true));
                let is_blocked = text("PowerState").as_deref() == Some("off-blocked")
                    || switches
                        .iter()
                        .any(|switch| switch.is_off() && switch.name == name);
                Some(AdapterHealth {
                    address: text("Address"),
                    power: match (is_on, is_blocked) {
                        (true, _) => Power::On,
                        (false, true) => Power::Blocked,
                        (false, false) => Power::Off,
                    },
                    name,
                })
            })
            .collect();
        adapters.sort_by(|left, right| left.name.cmp(&right.name));
        BluetoothHealth {
            version,
            adapters,
            is_blocked: switches.iter().any(RadioSwitch::is_off),
        }
    }

    /// Parses the version of BlueZ from an adapter's modalias, unless it was configured: the Linux
    /// Foundation's vendor id, BlueZ's product id, and major and minor version (`src/main.c`,
    /// `did_version`).
    fn parse_bluez_version(modalias: &str) -> Option<String> {
        let digits = modalias.strip_prefix("usb:v1D6Bp0246d")?;
        let number = u16::from_str_radix(digits.get(..4)?, 16).ok()?;
        let [major, minor] = number.to_be_bytes();
        Some(format!("{major}.{minor}"))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn parses_bluez_version_from_modalias() {
            let version = parse_bluez_version;
            assert_eq!(version("usb:v1D6Bp0246d0542").as_deref(), Some("5.66"));
            assert_eq!(version("usb:v1D6Bp0246d0530").as_deref(), Some("5.48"));
            // A configured modalias.
            for other in [
                "bluetooth:v000Fp1200d1436",
                "usb:v1D6Bp0246d",
                "usb:v1D6Bp0246dü",
                "",
            ] {
                assert_eq!(version(other), None, "{other}");
            }
        }

        #[test]
        fn only_own_switch_blocks_adapter() {
            let off = |name: &str| RadioSwitch {
                name: name.to_owned(),
                is_soft_blocked: true,
                is_hard_blocked: false,
            };
            let adapter = |powered: bool| {
                let path = "/org/bluez/hci0".try_into().unwrap();
                let value = OwnedVariant::try_from(zbus::Variant::from(powered)).unwrap();
                let properties = Properties::from([("Powered".to_owned(), value)]);
                let interfaces = HashMap::from([("org.bluez.Adapter1".to_owned(), properties)]);
                Objects::from([(path, interfaces)])
            };
            let power = |powered, switches: &[RadioSwitch]| {
                parse_objects(&adapter(powered), switches).adapters[0].power
            };
            assert_eq!(power(true, &[]), Power::On);
            assert_eq!(power(false, &[]), Power::Off);
            assert_eq!(power(false, &[off("hci0")]), Power::Blocked);
            assert_eq!(power(false, &[off("hci1")]), Power::Off);
            assert_eq!(power(true, &[off("hci0")]), Power::On);
            let nothing = parse_objects(&Objects::new(), &[off("tpacpi_bluetooth_sw")]);
            assert!(nothing.is_blocked && nothing.adapters.is_empty());
        }
    }
}
