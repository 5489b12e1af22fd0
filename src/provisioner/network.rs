//! Networks that a device can join: what it is given, and what it reports.

use std::fmt;

use crate::endpoint::wifi_scan::AuthMode;
use crate::ident::{Bssid, Passphrase, Ssid, printable};
use crate::secret::Secret;

/// What a device needs to join a network.
#[derive(Clone, Debug)]
pub enum NetworkCredentials {
    /// For Wi-Fi.
    Wifi(WifiCredentials),
    /// For Thread.
    Thread(ThreadCredentials),
}

impl NetworkCredentials {
    /// The network, as events and errors name it.
    pub fn name(&self) -> NetworkName {
        match self {
            Self::Wifi(wifi) => NetworkName::Wifi(wifi.ssid.clone()),
            Self::Thread(thread) => NetworkName::Thread(thread.network_name.as_str().into()),
        }
    }
}

/// A Wi-Fi network and the key to it.
#[derive(Clone, Debug)]
pub struct WifiCredentials {
    /// 1 to 32 bytes.
    pub ssid: Ssid,
    /// Empty for an open network.
    pub passphrase: Passphrase,
}

/// A Thread network and the keys to it.
#[derive(Clone, Debug)]
pub struct ThreadCredentials {
    /// 1 to 16 bytes of UTF-8, as in the dataset.
    pub network_name: String,
    /// The active operational dataset: TLVs, at most 254 bytes. The network key is in it.
    pub dataset: Secret<Vec<u8>>,
}

/// The name of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkName {
    /// Any bytes.
    Wifi(Ssid),
    /// UTF-8.
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
    /// The network, as events and errors name it.
    pub fn name(&self) -> NetworkName {
        match self {
            Self::Wifi(wifi) => NetworkName::Wifi(wifi.ssid.clone()),
            Self::Thread(thread) => NetworkName::Thread(thread.network_name.as_str().into()),
        }
    }
}

/// A Wi-Fi network, as far as the device's protocol reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedWifi {
    /// The name of the network.
    pub ssid: Ssid,
    /// The device's address there, as text.
    pub ip: Option<String>,
    /// The access point.
    pub bssid: Option<Bssid>,
    /// The radio channel.
    pub channel: Option<i32>,
    /// How the device authenticated.
    pub auth: Option<AuthMode>,
}

/// A Thread network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedThread {
    /// UTF-8, at most 16 bytes.
    pub network_name: String,
    /// 16 bits.
    pub pan_id: u16,
    /// Tells networks with the same name apart.
    pub ext_pan_id: [u8; 8],
    /// The radio channel, 11 to 26.
    pub channel: u32,
}

impl JoinedThread {
    /// As `0x1a2b`.
    pub fn pan_id_text(&self) -> String {
        format!("{:#06x}", self.pan_id)
    }

    /// As 16 hexadecimal digits.
    pub fn ext_pan_id_text(&self) -> String {
        hex::encode(self.ext_pan_id)
    }
}
