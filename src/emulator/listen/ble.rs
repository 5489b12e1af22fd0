//! protocomm over Bluetooth Low Energy, as a client on Linux meets it: BlueZ on a bus of its own, an
//! adapter, and devices in the air. Not a radio: what a client does with D-Bus is all there is, and it
//! needs neither hardware nor rights.
//!
//! | part | what it is |
//! |---|---|
//! | `advert`, `layout`, `stack` | what devices say and have, and what their Bluetooth stacks do differently |
//! | `bus` | the bus |
//! | `host` | BlueZ: its objects, their order, its words |
//! | `link` | what passes between the two |
//! | `peripheral` | a device's side: a GATT server |
//! | `property`, `refusal`, `tree` | objects and errors as they travel |
//! | `trouble` | what can be wrong with the computer and the links |

mod advert;
mod bus;
mod host;
mod layout;
mod link;
mod peripheral;
mod property;
mod refusal;
mod stack;
mod tree;
mod trouble;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::{Connection, MessageStream, connection};

use self::bus::{BLUEZ, PrivateBus, STAND_IN};
use self::host::{Host, HostParts, Remote};
use self::link::{Report, Reports};
use crate::emulator::device::{Device, TimeScale};

pub use advert::{Address, Advert, Neighbour, NeighbourError, NoAddress, rainmaker_data};
pub use peripheral::Peripheral;
pub use stack::Stack;
pub use trouble::{HostTrouble, LinkTrouble, UnknownTrouble};

/// What an adapter and its air are made with.
#[derive(Clone, Debug, Default)]
pub struct AirSettings {
    /// The socket of the bus. `None`: one in a new folder, which goes with the bus.
    pub socket: Option<PathBuf>,
    /// What is wrong with the computer.
    pub trouble: Option<HostTrouble>,
    /// Who else is in the air.
    pub neighbours: Vec<Neighbour>,
    /// How fast the waits of BlueZ are that a test would have to sit out.
    pub time_scale: Option<TimeScale>,
    /// How long each operation of ATT takes.
    pub operation_wait: Duration,
}

/// How one device is in the air.
#[derive(Clone, Debug)]
pub struct RadioSettings {
    /// What it says.
    pub advert: Advert,
    /// Under which UUID its service is.
    pub service_uuid: String,
    /// Its Bluetooth stack.
    pub stack: Stack,
    /// The longest request and the longest reply.
    pub longest_value: usize,
    /// What is wrong with the link to it.
    pub troubles: Vec<LinkTrouble>,
}

/// An open bus, and an air that devices can be put into until it is served.
#[derive(Debug)]
pub struct Air {
    bus: PrivateBus,
    connection: Connection,
    messages: MessageStream,
    trouble: Option<HostTrouble>,
    time_scale: TimeScale,
    operation_wait: Duration,
    devices: Vec<Remote>,
    reports: (Reports, mpsc::UnboundedReceiver<Report>),
}

impl Air {
    /// Opens the bus.
    pub async fn open(settings: AirSettings) -> io::Result<Self> {
        let hangs = settings.trouble == Some(HostTrouble::Hangs);
        let bus = PrivateBus::open(settings.socket.as_deref(), hangs).await?;
        let (connection, messages) = connect(&bus.address_behind())
            .await
            .map_err(io::Error::other)?;
        let mut air = Self {
            bus,
            connection,
            messages,
            trouble: settings.trouble,
            time_scale: settings.time_scale.unwrap_or(TimeScale::REAL),
            operation_wait: settings.operation_wait,
            devices: Vec::new(),
            reports: mpsc::unbounded_channel(),
        };
        for Neighbour { advert, is_stale } in settings.neighbours {
            if let Some(mut remote) = Remote::new(advert) {
                remote.advertising = !is_stale;
                remote.is_known_from_before = is_stale;
                air.devices.push(remote);
            }
        }
        Ok(air)
    }

    /// Where clients find the bus.
    pub fn bus_address(&self) -> String {
        self.bus.address()
    }

    /// Puts a device there, which has to be played. `None`: there is one with this address.
    pub fn add(&mut self, device: &Device, settings: RadioSettings) -> Option<Peripheral> {
        let RadioSettings {
            advert,
            service_uuid,
            stack,
            longest_value,
            troubles,
        } = settings;
        let address = advert.address;
        if self
            .devices
            .iter()
            .any(|other| other.advert.address == address)
        {
            return None;
        }
        let endpoints = device.created_endpoints();
        let names: Vec<&str> = endpoints.iter().map(String::as_str).collect();
        let services = layout::services(&service_uuid, &names);
        let (radio, inbox) = mpsc::unbounded_channel();
        let number = self.devices.len();
        let mut remote = Remote::new(advert)?;
        remote.is_known_from_before = troubles.iter().any(|one| one.is_known_from_before());
        remote.remembered = if troubles.contains(&LinkTrouble::StaleCache) {
            let session = layout::endpoint_uuid(&service_uuid, "prov-session", 0);
            Some(layout::outdated(services.clone(), Some(&session)))
        } else if troubles.contains(&LinkTrouble::StaleHandles) {
            Some(layout::outdated(services.clone(), None))
        } else {
            None
        };
        remote.advertising = false;
        remote.mtu = stack.rules().mtu;
        remote.services = services;
        remote.troubles.clone_from(&troubles);
        remote.radio = Some(radio);
        self.devices.push(remote);
        Some(Peripheral {
            number,
            endpoints,
            rules: stack.rules(),
            longest_value,
            operation_wait: self.operation_wait,
            troubles,
            inbox,
            reports: self.reports.0.clone(),
        })
    }

    /// From now on, BlueZ answers.
    pub async fn serve(self) -> io::Result<Served> {
        let parts = HostParts {
            trouble: self.trouble,
            scale: self.time_scale,
            operation_wait: self.operation_wait,
            devices: self.devices,
            is_absent: self.bus.is_absent(),
        };
        let host = Host::new(self.connection.clone(), parts);
        let (closing, closed) = oneshot::channel();
        let (_, reports) = self.reports;
        let names = match self.trouble {
            Some(HostTrouble::NoBluez) => {
                self.bus.is_absent().set();
                &[STAND_IN][..]
            }
            Some(HostTrouble::Dies) => &[BLUEZ, STAND_IN],
            _ => &[BLUEZ],
        };
        for name in names {
            let requested = self.connection.request_name(*name).await;
            requested.map_err(io::Error::other)?;
        }
        let host = tokio::spawn(host.run(self.messages, reports, closed));
        Ok(Served {
            _bus: self.bus,
            host,
            closing: Some(closing),
        })
    }
}

/// A bus on which BlueZ answers, until this is dropped.
#[derive(Debug)]
pub struct Served {
    host: JoinHandle<zbus::Result<()>>,
    closing: Option<oneshot::Sender<()>>,
    _bus: PrivateBus,
}

impl Served {
    /// Waits until every client has left the bus, or for as long as a client can want to part.
    pub async fn close(mut self) {
        self.closing.take();
        // A client that stays is none that parts.
        let _closed = timeout(PARTING, &mut self.host).await;
    }

    /// Waits until BlueZ fails, which it does not before the bus does.
    pub async fn failed(&mut self) -> io::Error {
        match (&mut self.host).await {
            Ok(Ok(())) => io::ErrorKind::BrokenPipe.into(),
            Ok(Err(error)) => io::Error::other(error),
            Err(error) => io::Error::other(error),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.host.abort();
    }
}

/// BlueZ's own connection, which hears who comes and goes.
async fn connect(address: &str) -> zbus::Result<(Connection, MessageStream)> {
    let connection = connection::Builder::address(address).build().await?;
    let messages = MessageStream::from(&connection);
    let bus = Some("org.freedesktop.DBus");
    let rule = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'";
    connection
        .call_method(bus, "/org/freedesktop/DBus", bus, "AddMatch", &(rule,))
        .await?;
    Ok((connection, messages))
}

/// How long a client has for its last words.
const PARTING: Duration = Duration::from_secs(5);
