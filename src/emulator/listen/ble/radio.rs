//! The emulated adapter with everything in its reach, put together. Not how any of it behaves.

use std::io;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use zbus::{Connection, MessageStream, connection};

use super::advert::{Advert, Neighbour};
use super::bus::{Bus, BusChoice};
use super::host::{Host, HostSettings, RemoteDevice, own_name};
use super::layout;
use super::link::{Report, Reports};
use super::peripheral::Peripheral;
use super::stack::Stack;
use super::trouble::{HostTrouble, LinkTrouble};
use crate::emulator::device::Device;

/// How one device can be reached by radio.
#[derive(Clone, Debug)]
pub struct RadioSettings {
    /// What it advertises.
    pub advert: Advert,
    /// The UUID of its service.
    pub service_uuid: String,
    /// Its Bluetooth stack.
    pub stack: Stack,
    /// The longest request and the longest reply.
    pub longest_value: usize,
    /// What is wrong with the link to it.
    pub troubles: Vec<LinkTrouble>,
}

/// An open bus, and the devices that are in reach of its adapter once it is served.
#[derive(Debug)]
pub struct VirtualRadio {
    bus: Bus,
    connection: Connection,
    messages: MessageStream,
    settings: HostSettings,
    remotes: Vec<RemoteDevice>,
    reports: (Reports, mpsc::UnboundedReceiver<Report>),
}

impl VirtualRadio {
    /// Opens the bus. Calls to BlueZ wait there until it is served.
    pub async fn open(bus: BusChoice, settings: HostSettings) -> io::Result<Self> {
        let hangs = settings.trouble == Some(HostTrouble::Hangs);
        let bus = Bus::open(bus, hangs).await?;
        let connected = connect(&bus.address_for_bluez).await;
        let (connection, messages) = connected.map_err(io::Error::other)?;
        Ok(Self {
            bus,
            connection,
            messages,
            settings,
            remotes: Vec::new(),
            reports: mpsc::unbounded_channel(),
        })
    }

    /// Where clients find the bus.
    pub fn bus_address(&self) -> String {
        self.bus.address.clone()
    }

    /// Adds an advertiser that is nothing more.
    pub fn add_neighbour(&mut self, Neighbour { advert, is_stale }: Neighbour) {
        let mut remote = RemoteDevice::new(self.remotes.len(), advert);
        remote.is_advertising = !is_stale;
        remote.is_known_from_before = is_stale;
        self.remotes.push(remote);
    }

    /// Adds a device, whose side has to be served. `None`: there is one with this address.
    pub fn add(&mut self, device: &Device, settings: RadioSettings) -> Option<Peripheral> {
        let mut others = self.remotes.iter();
        if others.any(|other| other.advert.address == settings.advert.address) {
            return None;
        }
        let endpoints = device.created_endpoints();
        let gatt = layout::gatt_objects(&settings.service_uuid, &endpoints);
        let session = endpoints.iter().position(|name| name == "prov-session");
        let troubles = settings.troubles;
        let is_outdated = [LinkTrouble::StaleCache, LinkTrouble::StaleHandles]
            .iter()
            .any(|stale| troubles.contains(stale));
        let without = session.filter(|_| troubles.contains(&LinkTrouble::StaleCache));
        let remembered = is_outdated.then(|| layout::outdated(&gatt, without));
        let (radio, inbox) = mpsc::unbounded_channel();
        let rules = settings.stack.rules();
        let number = self.remotes.len();
        let mut remote = RemoteDevice::new(number, settings.advert);
        remote.is_known_from_before = troubles.iter().any(|one| one.is_known_from_before());
        remote.troubles.clone_from(&troubles);
        remote.radio = Some(radio);
        remote.gatt = gatt;
        remote.remembered = remembered;
        remote.mtu = rules.mtu;
        self.remotes.push(remote);
        Some(Peripheral {
            number,
            endpoints,
            rules,
            longest_value: settings.longest_value,
            operation_wait: self.settings.operation_wait,
            troubles,
            inbox,
            reports: self.reports.0.clone(),
        })
    }

    /// From now on, BlueZ answers.
    pub fn serve(self) -> Served {
        let host = Host::new(self.settings, self.remotes);
        let (closing, closed) = oneshot::channel();
        let (_, reports) = self.reports;
        let running = host.run(self.connection, self.messages, reports, closed);
        Served {
            _bus: self.bus,
            host: tokio::spawn(running),
            closing: Some(closing),
        }
    }
}

/// A bus on which BlueZ answers, until this is dropped.
#[derive(Debug)]
pub struct Served {
    host: JoinHandle<zbus::Result<()>>,
    closing: Option<oneshot::Sender<()>>,
    _bus: Bus,
}

impl Served {
    /// Waits until every client has left the bus, for a while at most.
    pub async fn close(mut self) {
        self.closing.take();
        // Not every client leaves.
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

/// BlueZ's own connection, which is signaled who comes and goes.
async fn connect(address: &str) -> zbus::Result<(Connection, MessageStream)> {
    let connection = connection::Builder::address(address).build().await?;
    let messages = MessageStream::from(&connection);
    let bus = Some("org.freedesktop.DBus");
    let rule = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'";
    connection
        .call_method(bus, "/org/freedesktop/DBus", bus, "AddMatch", &(rule,))
        .await?;
    own_name(&connection).await?;
    Ok((connection, messages))
}

/// How long a client has for its last words.
const PARTING: Duration = Duration::from_secs(5);
