//! Networks that a device can join: the credentials, and the device's reports.

use std::fmt;

use serde::Serialize;

use crate::endpoint::wifi_scan::AuthMode;
use crate::ident::{Bssid, Passphrase, Ssid, printable};
use crate::secret::Secret;

/// The credentials of a network.
#[derive(Clone, Debug)]
pub enum NetworkCredentials {
    /// Wi-Fi credentials.
    Wifi(WifiCredentials),
    /// Thread credentials.
    Thread(ThreadCredentials),
}

impl NetworkCredentials {
    /// The network's name, for events and errors.
    pub fn name(&self) -> NetworkName {
        match self {
            Self::Wifi(wifi) => NetworkName::Wifi(wifi.ssid.clone()),
            Self::Thread(thread) => NetworkName::Thread(thread.network_name.as_str().into()),
        }
    }
}

/// A Wi-Fi network and its passphrase.
#[derive(Clone, Debug)]
pub struct WifiCredentials {
    /// 1 to 32 bytes.
    pub ssid: Ssid,
    /// Empty for an open network.
    pub passphrase: Passphrase,
}

/// A Thread network and its keys.
#[derive(Clone, Debug)]
pub struct ThreadCredentials {
    /// 1 to 16 bytes of UTF-8, as in the dataset.
    pub network_name: String,
    /// The active operational dataset: TLVs of at most 254 bytes, with the network key.
    pub dataset: Secret<Vec<u8>>,
}

/// The name of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkName {
    /// An SSID, which may be any bytes.
    Wifi(Ssid),
    /// A Thread network name in UTF-8.
    Thread(Box<str>),
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wifi(ssid) => ssid.fmt(f),
            Self::Thread(name) => f.pad(&printable(name.as_bytes())),
        }
    }
}

/// The network that a device joined, as the device reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JoinedNetwork {
    /// Wi-Fi.
    Wifi(JoinedWifi),
    /// Thread.
    Thread(JoinedThread),
}

impl JoinedNetwork {
    /// The network's name, for events and errors.
    pub fn name(&self) -> NetworkName {
        match self {
            Self::Wifi(wifi) => NetworkName::Wifi(wifi.ssid.clone()),
            Self::Thread(thread) => NetworkName::Thread(thread.network_name.as_str().into()),
        }
    }
}

/// A joined Wi-Fi network. What the device does not report is `None`. The field names are those of
/// the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JoinedWifi {
    /// The device's IP address in the network, as text.
    pub ip: Option<String>,
    /// The name of the network.
    pub ssid: Ssid,
    /// The address of the access point.
    pub bssid: Option<Bssid>,
    /// The Wi-Fi channel.
    pub channel: Option<i32>,
    /// The authentication mode of the access point.
    pub auth: Option<AuthMode>,
}

/// A joined Thread network. The field names are those of the JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JoinedThread {
    /// UTF-8, at most 16 bytes.
    pub network_name: String,
    /// The PAN id, in the form `0x1a2b`.
    pub pan_id: String,
    /// 16 hexadecimal digits, which distinguish networks with the same name.
    pub ext_pan_id: String,
    /// The radio channel, 11 to 26.
    pub channel: u32,
}
