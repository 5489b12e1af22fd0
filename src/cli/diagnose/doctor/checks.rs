//! The checks of doctor: their ids, and the errors that they explain.

use serde::Serialize;
use strum::{Display, IntoStaticStr};

use crate::report::ErrorId;
use crate::transport::{HostPart, Medium};

/// Something that doctor checks. Its id is its name in kebab case. Stable: scripts compare it.
#[derive(Clone, Copy, Debug, Display, IntoStaticStr, PartialEq, Eq, Serialize)]
#[strum(serialize_all = "kebab-case", const_into_str)]
#[serde(rename_all = "kebab-case")]
pub(in crate::cli) enum Check {
    BluetoothService,
    BluetoothPermission,
    BluetoothAdapter,
    BluetoothPower,
    SerialPort,
    SerialPermission,
    Network,
    Wifi,
    DeviceRoute,
    VpnRoute,
    Mdns,
    Login,
    AccountFiles,
    Cloud,
    Clock,
}

impl Check {
    /// The heading of its part of the report, and the part of the computer if a single transport
    /// needs it.
    pub(super) const fn place(self) -> (&'static str, Option<HostPart>) {
        match self {
            Self::BluetoothService
            | Self::BluetoothPermission
            | Self::BluetoothAdapter
            | Self::BluetoothPower => ("Bluetooth", Some(HostPart::Bluetooth)),
            Self::SerialPort | Self::SerialPermission => {
                ("Serial ports", Some(HostPart::SerialPorts))
            }
            Self::Wifi | Self::DeviceRoute => ("Network", Some(HostPart::Hotspot)),
            Self::Mdns => ("Network", Some(HostPart::LocalNetwork)),
            Self::Network | Self::VpnRoute => ("Network", None),
            Self::Login | Self::AccountFiles | Self::Cloud | Self::Clock => ("Account", None),
        }
    }

    /// The check that shows whether this computer causes the error.
    pub(in crate::cli) const fn for_error(id: ErrorId) -> Option<Self> {
        Some(match id {
            ErrorId::BluetoothBlocked | ErrorId::BluetoothOff => Self::BluetoothPower,
            ErrorId::BluetoothDenied => Self::BluetoothPermission,
            ErrorId::BluetoothFailed | ErrorId::NoBluetoothService => Self::BluetoothService,
            ErrorId::NoBluetoothAdapter => Self::BluetoothAdapter,
            ErrorId::NoSerialPort => Self::SerialPort,
            ErrorId::PermissionDenied => Self::SerialPermission,
            ErrorId::Unreachable => Self::DeviceRoute,
            ErrorId::TransportUnavailable => Self::Mdns,
            ErrorId::UnknownInterface => Self::Network,
            ErrorId::AccountFiles => Self::AccountFiles,
            ErrorId::LoginExpired | ErrorId::LoginRequired => Self::Login,
            ErrorId::CloudAnswer | ErrorId::CloudTimedOut | ErrorId::CloudUnreachable => {
                Self::Cloud
            }
            _ => return None,
        })
    }

    /// The `espctl doctor` that is limited to this check and its neighbors, on media that need the
    /// same part of the computer.
    pub(in crate::cli) fn command_line(self, media: &[&Medium]) -> String {
        let (_, part) = self.place();
        let media = media.iter();
        let media = media.filter(|medium| part.is_some() && medium.needs == part);
        media.fold("espctl doctor".to_owned(), |line, medium| {
            format!("{line} --transport {medium}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::medium_named;

    #[test]
    fn command_line_names_media_that_need_the_part() {
        let media = ["ble", "console", "on-network", "softap"].map(medium_named);
        for (check, line) in [
            (
                Check::BluetoothPower,
                "espctl doctor --transport ble --transport ble",
            ),
            (Check::DeviceRoute, "espctl doctor --transport softap"),
            (Check::Login, "espctl doctor"),
        ] {
            // A second medium that needs Bluetooth.
            let media = [&media[..], &[medium_named("ble")]].concat();
            assert_eq!(check.command_line(&media), line);
        }
    }
}
