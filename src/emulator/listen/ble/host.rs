//! BlueZ for clients: an adapter, its devices, and their calls, in the order and with the texts of
//! bluetoothd 5.66. A channel to each emulated device replaces the radio.
//!
//! One task handles everything. As in BlueZ's library, it signals changes before the next answer.

mod adapter;
mod exports;
mod gatt;
mod remote;

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, timeout};
use zbus::fdo::RequestNameFlags;
use zbus::message::{Message, Type};
use zbus::{Connection, MessageStream, ObjectPath, OwnedVariant, connection};

pub use self::remote::HostSettings;

use self::adapter::{ADAPTER, Adapter};
use self::exports::DEVICE;
use self::remote::{BLUEZ_PATH, Bluez, RemoteDevice};
use super::advert::Advert;
use super::answer::{Answered, DbusAnswer, DbusError};
use super::bus::{Bus, BusChoice};
use super::layout;
use super::link::Report;
use super::objects::{INTROSPECTABLE, OBJECT_MANAGER, PROPERTIES, Properties};
use super::peripheral::Peripheral;
use super::stack::Stack;
use super::trouble::{HostTrouble, LinkTrouble};
use crate::emulator::device::{Device, StopReason};
use crate::emulator::server::{DeviceServer, wait_until};

/// An adapter on a bus, with the devices in its range.
#[derive(Debug)]
pub struct VirtualRadio {
    bus: Bus,
    connection: Connection,
    messages: MessageStream,
    bluez: Bluez,
    adapter: Adapter,
    reporter: mpsc::UnboundedSender<Report>,
    reports: mpsc::UnboundedReceiver<Report>,
}
impl VirtualRadio {
    /// Opens the bus. `neighbours` are devices that only advertise. Calls to BlueZ wait until it is served.
    pub async fn open(
        bus: &BusChoice,
        settings: HostSettings,
        neighbours: Vec<Advert>,
    ) -> io::Result<Self> {
        let hangs = settings.trouble == Some(HostTrouble::Hangs);
        let bus = Bus::open(bus, hangs).await?;
        let connected = connect(&bus.address_for_bluez).await;
        let (connection, messages) = connected.map_err(io::Error::other)?;
        let (reporter, reports) = mpsc::unbounded_channel();
        Ok(Self {
            bus,
            connection,
            messages,
            bluez: Bluez::new(settings),
            adapter: Adapter::new(neighbours),
            reporter,
            reports,
        })
    }

    /// The address of the bus for clients.
    pub fn bus_address(&self) -> &str {
        &self.bus.address
    }

    /// Adds a device, whose provisioning service is the first that it advertises. Returns its service, which
    /// also ends when it is dropped; `None` if another device has its address.
    pub fn add_device(
        &mut self,
        device: Device,
        advert: Advert,
        stack: Stack,
        troubles: Vec<LinkTrouble>,
    ) -> Option<impl Future<Output = StopReason> + use<>> {
        let remotes = &mut self.adapter.remotes;
        let mut others = remotes.iter();
        if others.any(|other| other.advert.address == advert.address) {
            return None;
        }
        let service_uuid = advert.uuids.first().map_or("", String::as_str);
        let gatt = layout::list_gatt_objects(service_uuid, device.created_endpoints());
        let (radio, inbox) = mpsc::unbounded_channel();
        let number = remotes.len();
        let mut remote = RemoteDevice::new(number, advert);
        remote.troubles = troubles;
        remote.radio = Some(radio);
        remote.gatt = gatt;
        remote.mtu = stack.mtu();
        remotes.push(remote);
        let peripheral = Peripheral {
            number,
            stack,
            max_value: stack.max_value(&device.settings),
            operation_wait: self.bluez.settings.operation_wait,
            inbox,
            reports: self.reporter.clone(),
            link: None,
            values: BTreeMap::new(),
            lost_at_read: None,
            unread_since: None,
        };
        Some(DeviceServer::run(device, peripheral))
    }

    /// Serves BlueZ while `devices` run, and then until every client has left the bus, up to a time limit.
    /// Fails if the bus fails.
    pub async fn serve_while<T>(mut self, devices: impl Future<Output = T>) -> io::Result<T> {
        let (devices_run, devices_end) = oneshot::channel();
        let mut serving = pin!(self.run(devices_end));
        let ended = tokio::select! {
            // Devices log events before clients receive them.
            biased;
            ended = devices => ended,
            stopped = &mut serving => {
                let closed = || io::ErrorKind::BrokenPipe.into();
                return Err(stopped.err().map_or_else(closed, io::Error::other));
            }
        };
        drop(devices_run);
        // Some clients do not leave.
        let _left = timeout(CLOSE_TIMEOUT, serving).await;
        Ok(ended)
    }

    /// Exports all objects that exist before the first call.
    fn export(&mut self) {
        let Self { bluez, adapter, .. } = self;
        bluez.objects.add(BLUEZ_PATH, AGENTS, Properties::new());
        if bluez.settings.trouble != Some(HostTrouble::NoAdapter) {
            Adapter::export(bluez);
            for remote in &mut adapter.remotes {
                remote.export_cached(bluez);
            }
        }
        // No client can receive these signals.
        bluez.objects.take_messages();
    }

    /// Serves clients until all have left after `closing`.
    async fn run(&mut self, mut closing: oneshot::Receiver<()>) -> zbus::Result<()> {
        self.export();
        let mut is_closing = false;
        loop {
            // Devices log events before clients receive them.
            yield_now().await;
            for message in self.bluez.objects.take_messages() {
                self.connection.send(&message?).await?;
            }
            if self.bluez.is_dying {
                self.die().await?;
                continue;
            }
            if is_closing && self.adapter.clients.is_empty() {
                return Ok(());
            }
            let Self { bluez, adapter, .. } = self;
            let remotes = adapter.remotes.iter();
            let next_advertisement = remotes.filter_map(|remote| remote.next_advertisement).min();
            tokio::select! {
                biased;
                Some((device, event)) = self.reports.recv() => {
                    if let Some(remote) = adapter.remotes.get_mut(device) {
                        remote.handle_event(event, bluez);
                    }
                }
                message = self.messages.next() => match message {
                    Some(message) => self.receive(&message?),
                    None => return Ok(()),
                },
                _ = &mut closing, if !is_closing => is_closing = true,
                Some((device, action)) = bluez.timers.next() => {
                    if let Some(remote) = adapter.remotes.get_mut(device) {
                        action(remote, bluez);
                    }
                }
                () = wait_until(next_advertisement) => {
                    adapter.receive_advertisements(Instant::now(), bluez);
                }
            }
        }
    }

    fn receive(&mut self, message: &Message) {
        match message.message_type() {
            Type::MethodCall => {
                self.bluez.objects.expect_answer(message);
                if let Some(client) = message.header().sender() {
                    let clients = &mut self.adapter.clients;
                    clients.entry(client.to_string()).or_default();
                }
                match self.answer(message) {
                    Ok(DbusAnswer::Empty) => self.bluez.objects.reply(message, &()),
                    Ok(DbusAnswer::Sent) => {}
                    Err(refusal) => self.bluez.objects.refuse(message, &refusal),
                }
            }
            // A client that leaves the bus ends its discovery.
            Type::Signal => {
                let body = message.body();
                if let Ok((name, _, "")) = body.deserialize::<(&str, &str, &str)>() {
                    self.adapter.clients.remove(name);
                    self.adapter.update_discovery(&mut self.bluez);
                }
            }
            Type::MethodReturn | Type::Error => {}
        }
    }

    fn answer(&mut self, call: &Message) -> Answered {
        let Self { bluez, adapter, .. } = self;
        match bluez.settings.trouble {
            Some(HostTrouble::AccessDenied) => return Err(DbusError::ACCESS_DENIED),
            // In place of the bus: `busd` never answers a call to a name without an owner.
            Some(HostTrouble::NoBluez) => return Err(DbusError::SERVICE_UNKNOWN),
            _ => {}
        }
        let header = call.header();
        let member = header.member().map_or("", |member| member.as_str());
        let interface = header.interface().map_or("", |name| name.as_str());
        let path = header.path().ok_or(DbusError::UNKNOWN_OBJECT)?;
        let path = &path.to_owned();
        match (interface, member) {
            ("org.freedesktop.DBus.Peer", "Ping") => return Ok(DbusAnswer::Empty),
            (INTROSPECTABLE, "Introspect") => {
                let text = bluez.objects.introspect(path);
                let text = text.ok_or(DbusError::UNKNOWN_OBJECT)?;
                bluez.objects.reply(call, &(text,));
                return Ok(DbusAnswer::Sent);
            }
            (OBJECT_MANAGER, "GetManagedObjects") if path.as_str() == "/" => {
                bluez.objects.reply_managed_objects(call);
                return Ok(DbusAnswer::Sent);
            }
            _ => {}
        }
        let exported = bluez.objects.interface(path);
        let exported = exported.ok_or(DbusError::UNKNOWN_OBJECT)?;
        match interface {
            PROPERTIES if member == "Set" => return self.set_property(call, path),
            PROPERTIES => return bluez.objects.reply_property(call, member, path),
            ADAPTER if exported == ADAPTER => return adapter.call(call, member, bluez),
            _ => {}
        }
        // A device's object, or one below it.
        let mut owners = adapter.remotes.iter_mut();
        let remote = owners.find(|remote| path.starts_with(remote.path.as_str()));
        match remote.filter(|_| exported == interface) {
            Some(remote) if interface == DEVICE => remote.call_device(call, member, bluez),
            Some(remote) => remote.call_gatt(call, member, path, bluez),
            None => Err(DbusError::UNKNOWN_METHOD),
        }
    }

    /// Changes a property for a client.
    fn set_property(&mut self, call: &Message, path: &ObjectPath<'static>) -> Answered {
        let body = call.body();
        let (interface, name, value): (&str, &str, OwnedVariant) = body.deserialize()?;
        let objects = &mut self.bluez.objects;
        let current = objects.property(path, interface, name)?;
        if current.value_signature() != value.value_signature() {
            return Err(DbusError::INVALID_ARGUMENTS);
        }
        if name == "Powered" {
            self.adapter
                .set_power(bool::try_from(&*value)?, &mut self.bluez)?;
            return Ok(DbusAnswer::Empty);
        }
        let writable = WRITABLE.into_iter().find(|writable| *writable == name);
        let read_only = DbusError::standard("PropertyReadOnly", "Property is not writable");
        let name = writable.ok_or(read_only)?;
        objects.set(path, [(name, value.into())]);
        Ok(DbusAnswer::Empty)
    }

    /// Ends BlueZ with its objects and links. The bus answers waiting clients.
    async fn die(&mut self) -> zbus::Result<()> {
        let unanswered = self.bluez.objects.take_unanswered();
        for remote in &mut self.adapter.remotes {
            remote.disconnect("the client's computer lost BlueZ", &mut self.bluez);
            remote.remove(&mut self.bluez);
        }
        self.bluez = Bluez::new(HostSettings {
            trouble: Some(HostTrouble::NoBluez),
            ..self.bluez.settings
        });
        self.adapter.stop_discovery(&mut self.bluez);
        // Clients see that it leaves the bus. The emulator then answers in place of the bus.
        self.connection.release_name(BLUEZ).await?;
        own_name(&self.connection).await?;
        let text = "Message recipient disconnected from message bus without replying";
        for call in unanswered {
            let refusal = DbusError::standard("NoReply", text);
            self.bluez.objects.refuse(&call, &refusal);
        }
        Ok(())
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

/// Acquires the name of BlueZ for the connection, unless another one has it.
async fn own_name(connection: &Connection) -> zbus::Result<()> {
    let flags = RequestNameFlags::DO_NOT_QUEUE;
    connection.request_name_with_flags(BLUEZ, flags).await?;
    Ok(())
}

/// The time limit for clients to leave.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// The name of BlueZ on a bus.
const BLUEZ: &str = "org.bluez";
const AGENTS: &str = "org.bluez.AgentManager1";
/// Properties that clients can change.
const WRITABLE: [&str; 5] = ["Alias", "Blocked", "Discoverable", "Pairable", "Trusted"];
