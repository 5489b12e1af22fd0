//! How this computer's Bluetooth is, as data: whether the system's service answers, which adapters
//! there are and whether they are on. Nothing is changed, and nobody is looked for.

use std::time::Duration;

use tokio::time::timeout;

use super::super::TransportError;
use super::adapter::silent;

/// What there is to know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Of BlueZ, as in `5.66`, where it tells.
    pub version: Option<String>,
    /// In the system's order.
    pub adapters: Vec<AdapterHealth>,
    /// Whether a switch is off that can make adapters disappear.
    pub is_blocked: bool,
}

/// One adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterHealth {
    /// `hci0`.
    pub name: String,
    /// Where the system tells it.
    pub address: Option<String>,
    /// Whether it works.
    pub power: Power,
}

/// Whether an adapter works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Kept off by a switch.
    Blocked,
    /// Switched off; a search switches it on.
    Off,
    /// It works.
    On,
}

/// Asks the system, which is a [`TransportError::Bluetooth`] where that is in vain.
pub async fn health(limit: Duration) -> Result<Health, TransportError> {
    timeout(limit, asked())
        .await
        .unwrap_or_else(|_| Err(silent()))
}

#[cfg(not(target_os = "linux"))]
async fn asked() -> Result<Health, TransportError> {
    use super::adapter::{Radio, is_on};
    let radio = Radio::open(None).await?;
    let name = radio.name().await?;
    let power = if is_on(&radio.adapter).await {
        Power::On
    } else {
        Power::Off
    };
    Ok(Health {
        adapters: vec![AdapterHealth {
            name,
            address: None,
            power,
        }],
        ..Health::default()
    })
}

#[cfg(target_os = "linux")]
use linux::asked;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::io;

    use zbus::{Connection, DBusError as _, OwnedObjectPath, OwnedVariant};

    use super::super::super::facts::{Switch, switches};
    use super::super::super::{BluetoothProblem, TransportError};
    use super::super::adapter::radio_failed;
    use super::super::bluez::said;
    use super::super::gatt::GattError;
    use super::{AdapterHealth, Health, Power};

    type Properties = HashMap<String, OwnedVariant>;
    type Objects = HashMap<OwnedObjectPath, HashMap<String, Properties>>;

    pub(super) async fn asked() -> Result<Health, TransportError> {
        let objects = objects().await.map_err(radio_failed)?;
        Ok(read(&objects, &switches("bluetooth")))
    }

    async fn objects() -> Result<Objects, GattError> {
        let bus = Connection::system().await.map_err(unconnected)?;
        let interface = Some("org.freedesktop.DBus.ObjectManager");
        let asked = bus.call_method(Some("org.bluez"), "/", interface, "GetManagedObjects", &());
        let answer = asked.await.map_err(refused)?;
        let objects = answer.body().deserialize();
        objects.map_err(|error| GattError::Other(error.to_string()))
    }

    /// Whatever it is, programs reach no bus.
    fn unconnected(error: zbus::Error) -> GattError {
        let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        match error {
            zbus::Error::InputOutput(source) | zbus::Error::Connection(source, _)
                if denied(&source) =>
            {
                GattError::Radio(BluetoothProblem::Denied)
            }
            error => {
                tracing::debug!(%error, "no bus");
                GattError::Radio(BluetoothProblem::NoBus)
            }
        }
    }

    fn refused(error: zbus::Error) -> GattError {
        match error {
            zbus::Error::MethodError(name, words, _) => {
                said(name.as_str(), words.as_deref().unwrap_or_default())
            }
            zbus::Error::FDO(error) => said(
                error.name().as_str(),
                error.description().unwrap_or_default(),
            ),
            error => GattError::Other(error.to_string()),
        }
    }

    fn read(objects: &Objects, switches: &[Switch]) -> Health {
        let mut version = None;
        let mut adapters: Vec<AdapterHealth> = objects
            .iter()
            .filter_map(|(path, interfaces)| {
                let properties = interfaces.get("org.bluez.Adapter1")?;
                let text = |name| {
                    let value = properties.get(name)?;
                    Some(<&str>::try_from(&**value).ok()?.to_owned())
                };
                version = version.take().or_else(|| of_modalias(&text("Modalias")?));
                let name = path.as_str().rsplit('/').next()?.to_owned();
                let powered = properties.get("Powered");
                let is_on = powered.is_some_and(|on| bool::try_from(&**on) == Ok(true));
                let is_held = text("PowerState").as_deref() == Some("off-blocked")
                    || switches.iter().any(|one| one.is_off() && one.name == name);
                Some(AdapterHealth {
                    address: text("Address"),
                    power: match (is_on, is_held) {
                        (true, _) => Power::On,
                        (false, true) => Power::Blocked,
                        (false, false) => Power::Off,
                    },
                    name,
                })
            })
            .collect();
        adapters.sort_by(|one, other| one.name.cmp(&other.name));
        Health {
            version,
            adapters,
            is_blocked: switches.iter().any(Switch::is_off),
        }
    }

    /// BlueZ's, which is what it says of itself unless somebody has configured otherwise: the Linux
    /// Foundation's number, BlueZ's, and major and minor version (`src/main.c`, `did_version`).
    fn of_modalias(modalias: &str) -> Option<String> {
        let digits = modalias.strip_prefix("usb:v1D6Bp0246d")?;
        let number = u16::from_str_radix(digits.get(..4)?, 16).ok()?;
        let [major, minor] = number.to_be_bytes();
        Some(format!("{major}.{minor}"))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn an_adapter_tells_the_version_of_bluez() {
            let of = of_modalias;
            assert_eq!(of("usb:v1D6Bp0246d0542").as_deref(), Some("5.66"));
            assert_eq!(of("usb:v1D6Bp0246d0530").as_deref(), Some("5.48"));
            // Configured to be something else.
            for other in [
                "bluetooth:v000Fp1200d1436",
                "usb:v1D6Bp0246d",
                "usb:v1D6Bp0246dü",
                "",
            ] {
                assert_eq!(of(other), None, "{other}");
            }
        }

        #[test]
        fn only_a_switch_of_its_own_blocks_an_adapter_that_is_there() {
            let off = |name: &str| Switch {
                name: name.to_owned(),
                by_program: true,
                by_hand: false,
            };
            let adapter = |powered: bool| {
                let path = "/org/bluez/hci0".try_into().unwrap();
                let value = OwnedVariant::try_from(zbus::Variant::from(powered)).unwrap();
                let properties = Properties::from([("Powered".to_owned(), value)]);
                let interfaces = HashMap::from([("org.bluez.Adapter1".to_owned(), properties)]);
                Objects::from([(path, interfaces)])
            };
            let power =
                |powered, switches: &[Switch]| read(&adapter(powered), switches).adapters[0].power;
            assert_eq!(power(true, &[]), Power::On);
            assert_eq!(power(false, &[]), Power::Off);
            assert_eq!(power(false, &[off("hci0")]), Power::Blocked);
            assert_eq!(power(false, &[off("hci1")]), Power::Off);
            assert_eq!(power(true, &[off("hci0")]), Power::On);
            let nothing = read(&Objects::new(), &[off("tpacpi_bluetooth_sw")]);
            assert!(nothing.is_blocked && nothing.adapters.is_empty());
        }
    }
}
