//! Moves one request to one endpoint of one device and brings the answer: bytes in, bytes out.
//! It neither reads nor encrypts them, and it never asks a person anything.
//!
//! A [`Driver`] is one kind of transport: it finds devices ([`Candidate`]) and opens paths to
//! them ([`Transport`]). [`DRIVERS`] lists them all; a new one is a file and a line there.

pub mod ble;
mod console;
mod error;
mod http;
mod on_network;
pub mod record;
mod softap;
mod source;

use std::any::Any;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::Serialize;
use thiserror::Error;
use uuid::Uuid;

use self::ble::MakerData;
use crate::host::UsbIdentity;
use crate::proto::{EndpointName, Service};

pub use console::{BoardLog, DEFAULT_BAUD};
pub use error::{ConsoleProblem, No, TransportError};

/// Every built-in driver.
pub static DRIVERS: &[&dyn Driver] = &[
    &ble::Ble,
    &console::Console,
    &softap::SoftAp,
    &on_network::OnNetwork,
];

/// The driver of a kind.
pub fn driver(kind: TransportKind) -> Option<&'static dyn Driver> {
    DRIVERS.iter().copied().find(|driver| driver.kind() == kind)
}

/// An open path to one device.
#[async_trait]
pub trait Transport: fmt::Debug + Send {
    /// Sends `request` to `endpoint` and returns the device's answer. One at a time: devices
    /// handle one request at once, and both directions may share one keystream.
    async fn exchange(
        &mut self,
        endpoint: &EndpointName,
        request: &[u8],
    ) -> Result<Vec<u8>, TransportError>;

    /// Says goodbye where the medium has a way to. Nothing can be exchanged after it.
    async fn close(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    /// The longest message of a handshake that fits, in bytes, where the medium has a limit below
    /// what Security 2 needs.
    fn longest_request(&self) -> Option<usize> {
        None
    }

    /// The longest answer that is sure to come through, in bytes, where the medium has a limit.
    /// Firmware that can speak Security 2 has room for more.
    fn longest_answer(&self, _has_sec2: bool) -> Option<usize> {
        None
    }
}

/// One kind of transport.
#[async_trait]
pub trait Driver: fmt::Debug + Sync {
    /// The kind of transport that this driver opens.
    fn kind(&self) -> TransportKind;

    /// Streams devices as they announce themselves, until `search.wait` is over or the stream is
    /// dropped: the first match ends a search.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>>;

    /// Opens a path to a device that a scan found.
    async fn open(
        &self,
        candidate: Candidate,
        limits: &Limits,
    ) -> Result<Box<dyn Transport>, TransportError>;
}

/// The kinds of transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TransportKind {
    /// Bluetooth Low Energy.
    Ble,
    /// Lines of text on a serial port.
    Console,
    /// HTTP on the device's own hotspot.
    #[serde(rename = "softap")]
    SoftAp,
    /// HTTP on the network that the device is on already.
    OnNetwork,
}

impl TransportKind {
    /// As typed and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ble => "ble",
            Self::Console => "console",
            Self::OnNetwork => "on-network",
            Self::SoftAp => "softap",
        }
    }

    /// Whether this computer has to join a network of the device's own, and may lose every other
    /// by that.
    pub const fn is_on_the_devices_network(self) -> bool {
        match self {
            Self::Ble | Self::Console | Self::OnNetwork => false,
            Self::SoftAp => true,
        }
    }

    /// Whether a device that is reached like this has a network already, so that all it needs is
    /// an owner.
    pub const fn needs_an_owner_only(self) -> bool {
        match self {
            Self::OnNetwork => true,
            Self::Ble | Self::Console | Self::SoftAp => false,
        }
    }

    /// Whether devices say who they are before anybody connects, so that one can be chosen.
    pub const fn announces(self) -> bool {
        match self {
            Self::Ble | Self::OnNetwork => true,
            Self::Console | Self::SoftAp => false,
        }
    }

    /// Whether there can be several, of which one has to be chosen.
    pub const fn has_a_choice(self) -> bool {
        match self {
            Self::Ble | Self::Console | Self::OnNetwork => true,
            Self::SoftAp => false,
        }
    }

    /// Whether a name belongs to one device at most: mDNS sees to that, Bluetooth does not.
    pub const fn names_are_unique(self) -> bool {
        match self {
            Self::Ble | Self::Console => false,
            Self::OnNetwork | Self::SoftAp => true,
        }
    }

    /// Whether all kinds of things announce themselves there, and not only devices of ours.
    pub const fn is_shared(self) -> bool {
        match self {
            Self::Ble | Self::Console => true,
            Self::OnNetwork | Self::SoftAp => false,
        }
    }
}

impl fmt::Display for TransportKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for TransportKind {
    type Err = UnknownTransport;

    fn from_str(text: &str) -> Result<Self, UnknownTransport> {
        DRIVERS
            .iter()
            .map(|driver| driver.kind())
            .find(|kind| kind.name() == text)
            .ok_or(UnknownTransport)
    }
}

/// A text that names no transport of this program.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("no such transport")]
pub struct UnknownTransport;

/// What to look for, and how long.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Where the device is, when that is known.
    pub address: Option<Address>,
    /// With which of this computer's Bluetooth adapters; the first that works when not said.
    pub adapter: Option<String>,
    /// How fast a serial line is, in bits a second.
    pub baud: Option<u32>,
    /// On which of this computer's interfaces; all of them when not said.
    pub interface: Option<String>,
    /// Where a driver says what it did to this computer on the way.
    pub remarks: Remarks,
    /// Another port than that of mDNS, which keeps tests apart.
    pub mdns_port: Option<u16>,
    /// How long to look.
    pub wait: Duration,
}

/// What a driver did to this computer so that it could search, for whoever runs it.
#[derive(Clone, Debug, Default)]
pub struct Remarks(Arc<Mutex<Vec<String>>>);

impl Remarks {
    fn add(&self, remark: String) {
        self.lock().push(remark);
    }

    /// Those since the last time.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A Bluetooth device, as this computer knows it.
    Ble {
        /// What the system calls it; never its MAC address by itself, which some systems hide.
        id: Arc<str>,
        /// As people see it and may type it: its MAC address, or the id where that is hidden.
        shown: Arc<str>,
    },
    /// A host, on whichever port devices of this kind use.
    Host {
        /// As below.
        host: String,
    },
    /// A host name or IP address without brackets, and a TCP port.
    Http {
        /// `192.168.4.1`, `fe80::1%wlan0`, `device.local`.
        host: String,
        /// 80 in firmware.
        port: u16,
    },
    /// A serial port of this computer.
    Serial {
        /// `/dev/ttyUSB0`, `COM3`.
        path: Arc<str>,
    },
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ble { shown, .. } => f.write_str(shown),
            Self::Serial { path } => f.write_str(path),
            Self::Host { host } => f.write_str(host),
            Self::Http { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Http { host, port } => write!(f, "{host}:{port}"),
        }
    }
}

/// Where every ESP-IDF SoftAP is (`esp_netif_defaults.h`).
pub const SOFTAP_HOST: &str = "192.168.4.1";
/// Where the provisioning manager serves HTTP.
pub const DEVICE_PORT: u16 = 80;

/// A device in reach, as it announced itself. What it did not say is `None`.
#[derive(Debug)]
pub struct Candidate {
    /// Where it is.
    pub address: Address,
    /// What the driver keeps between finding and opening, so that nothing is done twice.
    pub handle: Option<Handle>,
    /// How it was found.
    pub kind: TransportKind,
    /// The name that it announced.
    pub name: Option<String>,
    /// What else it announced.
    pub hints: Hints,
    /// Where its driver says what it did to this computer on the way.
    pub remarks: Remarks,
    /// Which service it runs.
    pub service: Service,
}

/// What a device announced about itself. Nothing of it is proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Its id in the account.
    pub node_id: Option<String>,
    /// The number of its security scheme.
    pub sec_version: Option<u64>,
    /// Whether Security 1 needs a PoP.
    pub pop_required: Option<bool>,
    /// How strong its signal is, in dBm.
    pub signal: Option<i16>,
    /// The Bluetooth services that it announces.
    pub services: Vec<Uuid>,
    /// What is plugged into a serial port, if it is on USB.
    pub usb: Option<UsbIdentity>,
    /// What its maker says of it, in RainMaker's form.
    pub maker: Option<MakerData>,
}

/// Something that only the driver understands which made it.
pub struct Handle(Box<dyn Any + Send>);

impl Handle {
    fn new(value: impl Any + Send) -> Self {
        Self(Box::new(value))
    }

    fn take<T: Any>(self) -> Option<T> {
        self.0.downcast().ok().map(|value| *value)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}

/// How long each kind of exchange may take. Devices are slow where they compute or listen.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Opening a path, once.
    pub connect: Duration,
    /// Learning which endpoints there are, where the medium has to ask.
    pub services: Duration,
    /// One handshake message: SRP6a takes an ESP32 seconds.
    pub handshake: Duration,
    /// A request to `prov-scan`: a blocking scan listens on every channel first. 30 s is also
    /// what Bluetooth allows for one answer.
    pub scan: Duration,
    /// Any other request.
    pub other: Duration,
}

impl Limits {
    /// Those of a kind.
    pub fn of_kind(kind: TransportKind) -> Self {
        match kind {
            // A weak device is heard seldom, and every attempt begins by hearing it.
            TransportKind::Ble => Self {
                connect: Duration::from_secs(20),
                ..Self::default()
            },
            // Ten bits a byte, and two digits each.
            TransportKind::Console => Self {
                scan: Duration::from_secs(20),
                ..Self::default()
            },
            TransportKind::OnNetwork | TransportKind::SoftAp => Self::default(),
        }
    }

    /// The limit for one exchange with `endpoint`.
    pub fn for_endpoint(&self, endpoint: &EndpointName) -> Duration {
        match endpoint.as_str() {
            "prov-scan" => self.scan,
            "prov-session" | "esp_local_ctrl/session" => self.handshake,
            _ => self.other,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            services: Duration::from_secs(15),
            handshake: Duration::from_secs(15),
            scan: Duration::from_secs(30),
            other: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_differ_in_how_devices_are_found_and_served() {
        use TransportKind::{Ble, Console, OnNetwork, SoftAp};
        // On the device's network, needs an owner only, announces, has a choice, names are unique,
        // is shared.
        for (kind, name, expected) in [
            (Ble, "ble", [false, false, true, true, false, true]),
            (Console, "console", [false, false, false, true, false, true]),
            (
                OnNetwork,
                "on-network",
                [false, true, true, true, true, false],
            ),
            (SoftAp, "softap", [true, false, false, false, true, false]),
        ] {
            let found = [
                kind.is_on_the_devices_network(),
                kind.needs_an_owner_only(),
                kind.announces(),
                kind.has_a_choice(),
                kind.names_are_unique(),
                kind.is_shared(),
            ];
            assert_eq!(found, expected, "{kind}");
            assert_eq!(format!("{kind:>10}"), format!("{name:>10}"));
            assert_eq!(name.parse(), Ok(kind));
        }
    }

    #[test]
    fn endpoints_that_compute_or_listen_have_limits_of_their_own() {
        let limits = Limits {
            handshake: Duration::from_secs(1),
            scan: Duration::from_secs(2),
            other: Duration::from_secs(3),
            ..Limits::default()
        };
        for (endpoint, seconds) in [
            ("prov-session", 1),
            ("esp_local_ctrl/session", 1),
            ("prov-scan", 2),
            ("prov-config", 3),
            ("proto-ver", 3),
            ("custom", 3),
        ] {
            let limit = limits.for_endpoint(&EndpointName::from_static(endpoint));
            assert_eq!(limit.as_secs(), seconds, "{endpoint}");
        }
    }
}
