//! The emulated adapter with all devices in its range.

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

/// The radio of a device.
#[derive(Clone, Debug)]
pub struct RadioSettings {
    /// Its advertisement.
    pub advert: Advert,
    /// The UUID of its service.
    pub service_uuid: String,
    /// Its Bluetooth stack.
    pub stack: Stack,
    /// The maximum length of a request and of a reply.
    pub max_value: usize,
    /// What is wrong with the link to it.
    pub troubles: Vec<LinkTrouble>,
}

/// A bus with an adapter and the devices in its range, before it is served.
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
    /// Opens the bus. Calls to BlueZ wait until it is served.
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

    /// The address of the bus for clients.
    pub fn bus_address(&self) -> String {
        self.bus.address.clone()
    }

    /// Adds a device that only advertises.
    pub fn add_neighbour(&mut self, Neighbour { advert, is_stale }: Neighbour) {
        let mut remote = RemoteDevice::new(self.remotes.len(), advert);
        remote.is_advertising = !is_stale;
        remote.is_cached = is_stale;
        self.remotes.push(remote);
    }

    /// Adds a device. Returns its side, to be served; `None` if another device has its address.
    pub fn add_device(&mut self, device: &Device, settings: RadioSettings) -> Option<Peripheral> {
        let mut others = self.remotes.iter();
        if others.any(|other| other.advert.address == settings.advert.address) {
            return None;
        }
        let endpoints = device.created_endpoints();
        let gatt = layout::list_gatt_objects(&settings.service_uuid, &endpoints);
        let session = endpoints.iter().position(|name| name == "prov-session");
        let troubles = settings.troubles;
        let is_stale = [LinkTrouble::StaleCache, LinkTrouble::StaleHandles]
            .iter()
            .any(|stale| troubles.contains(stale));
        let without = session.filter(|_| troubles.contains(&LinkTrouble::StaleCache));
        let cached_gatt = is_stale.then(|| layout::list_stale_objects(&gatt, without));
        let (radio, inbox) = mpsc::unbounded_channel();
        let rules = settings.stack.rules();
        let number = self.remotes.len();
        let mut remote = RemoteDevice::new(number, settings.advert);
        remote.is_cached = troubles.iter().any(|trouble| trouble.is_cached());
        remote.troubles.clone_from(&troubles);
        remote.radio = Some(radio);
        remote.gatt = gatt;
        remote.cached_gatt = cached_gatt;
        remote.mtu = rules.mtu;
        self.remotes.push(remote);
        Some(Peripheral {
            number,
            endpoints,
            rules,
            max_value: settings.max_value,
            operation_wait: self.settings.operation_wait,
            troubles,
            inbox,
            reports: self.reports.0.clone(),
        })
    }

    /// Starts BlueZ.
    pub fn serve(self) -> ServedRadio {
        let host = Host::new(self.settings, self.remotes);
        let (closing, closed) = oneshot::channel();
        let (_, reports) = self.reports;
        let running = host.run(self.connection, self.messages, reports, closed);
        ServedRadio {
            _bus: self.bus,
            host: tokio::spawn(running),
            closing: Some(closing),
        }
    }
}

/// A bus with a running BlueZ. Dropping it ends BlueZ.
#[derive(Debug)]
pub struct ServedRadio {
    host: JoinHandle<zbus::Result<()>>,
    closing: Option<oneshot::Sender<()>>,
    _bus: Bus,
}

impl ServedRadio {
    /// Waits until every client has left the bus, up to a time limit.
    pub async fn close(mut self) {
        self.closing.take();
        // Some clients do not leave.
        let _closed = timeout(CLOSE_TIMEOUT, &mut self.host).await;
    }

    /// Waits until BlueZ fails, which happens only if the bus fails.
    pub async fn wait_for_failure(&mut self) -> io::Error {
        match (&mut self.host).await {
            Ok(Ok(())) => io::ErrorKind::BrokenPipe.into(),
            Ok(Err(error)) => io::Error::other(error),
            Err(error) => io::Error::other(error),
        }
    }
}

impl Drop for ServedRadio {
    fn drop(&mut self) {
        self.host.abort();
    }
}

/// Connects BlueZ to the bus, which signals the clients that join and leave.
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

/// The time limit for clients to leave.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
