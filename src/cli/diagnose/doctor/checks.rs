//! The checks of doctor: their ids, and the errors that they explain.

use serde::{Serialize, Serializer};

use crate::report::ErrorId;
use crate::transport::HostPart;

/// A part of the report, with a heading of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Bluetooth,
    Serial,
    Network,
    Account,
}

/// Something that doctor checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Check {
    /// Stable: scripts compare it.
    pub(in crate::cli) id: &'static str,
    pub(super) section: Section,
    /// The part of the computer, if a single transport needs it.
    pub(super) part: Option<HostPart>,
}

impl Section {
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Bluetooth => "Bluetooth",
            Self::Serial => "Serial ports",
            Self::Network => "Network",
            Self::Account => "Account",
        }
    }
}

impl Check {
    const fn bluetooth(id: &'static str) -> Self {
        Self::new(id, Section::Bluetooth, Some(HostPart::Bluetooth))
    }

    const fn serial(id: &'static str) -> Self {
        Self::new(id, Section::Serial, Some(HostPart::SerialPorts))
    }

    const fn new(id: &'static str, section: Section, part: Option<HostPart>) -> Self {
        Self { id, section, part }
    }

    /// The check that shows whether this computer causes the error.
    pub(in crate::cli) const fn for_error(id: ErrorId) -> Option<Self> {
        Some(match id {
            ErrorId::BluetoothBlocked | ErrorId::BluetoothOff => BLUETOOTH_POWER,
            ErrorId::BluetoothDenied => BLUETOOTH_PERMISSION,
            ErrorId::BluetoothFailed | ErrorId::NoBluetoothService => BLUETOOTH_SERVICE,
            ErrorId::NoBluetoothAdapter => BLUETOOTH_ADAPTER,
            ErrorId::NoSerialPort => SERIAL_PORT,
            ErrorId::PermissionDenied => SERIAL_PERMISSION,
            ErrorId::Unreachable => DEVICE_ROUTE,
            ErrorId::TransportUnavailable => MDNS,
            ErrorId::UnknownInterface => NETWORK,
            ErrorId::AccountFiles => ACCOUNT_FILES,
            ErrorId::LoginExpired | ErrorId::LoginRequired => LOGIN,
            ErrorId::CloudAnswer | ErrorId::CloudTimedOut | ErrorId::CloudUnreachable => CLOUD,
            _ => return None,
        })
    }

    /// The `--transport` that limits doctor to this check and its neighbors.
    pub(in crate::cli) const fn transport(self) -> Option<&'static str> {
        match self.part {
            Some(HostPart::Bluetooth) => Some("ble"),
            Some(HostPart::SerialPorts) => Some("console"),
            Some(HostPart::Hotspot) => Some("softap"),
            Some(HostPart::LocalNetwork) => Some("on-network"),
            None => None,
        }
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id)
    }
}

pub(super) const BLUETOOTH_SERVICE: Check = Check::bluetooth("bluetooth-service");
pub(super) const BLUETOOTH_PERMISSION: Check = Check::bluetooth("bluetooth-permission");
pub(super) const BLUETOOTH_ADAPTER: Check = Check::bluetooth("bluetooth-adapter");
pub(super) const BLUETOOTH_POWER: Check = Check::bluetooth("bluetooth-power");
pub(super) const SERIAL_PORT: Check = Check::serial("serial-port");
pub(super) const SERIAL_PERMISSION: Check = Check::serial("serial-permission");
pub(super) const NETWORK: Check = Check::new("network", Section::Network, None);
pub(super) const WIFI: Check = Check::new("wifi", Section::Network, HOTSPOT);
pub(super) const DEVICE_ROUTE: Check = Check::new("device-route", Section::Network, HOTSPOT);
pub(super) const VPN_ROUTE: Check = Check::new("vpn-route", Section::Network, None);
pub(super) const MDNS: Check = Check::new("mdns", Section::Network, LOCAL_NETWORK);
pub(super) const LOGIN: Check = Check::new("login", Section::Account, None);
pub(super) const ACCOUNT_FILES: Check = Check::new("account-files", Section::Account, None);
pub(super) const CLOUD: Check = Check::new("cloud", Section::Account, None);
pub(super) const CLOCK: Check = Check::new("clock", Section::Account, None);
const HOTSPOT: Option<HostPart> = Some(HostPart::Hotspot);
const LOCAL_NETWORK: Option<HostPart> = Some(HostPart::LocalNetwork);
