//! BlueZ for clients: an adapter, its devices, and their calls, in the order and with the texts of
//! bluetoothd 5.66. A channel to each emulated device replaces the radio.
//!
//! One task handles everything. As in BlueZ's library, it signals changes before the next answer.

mod adapter;
mod device;
mod exports;
mod gatt;
mod remote;

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::Instant;
use zbus::fdo::RequestNameFlags;
use zbus::message::{Message, Type};
use zbus::{Connection, MessageStream, ObjectPath, OwnedVariant};

pub use self::remote::HostSettings;
pub(super) use self::remote::RemoteDevice;

use self::adapter::{ADAPTER, Adapter};
use self::exports::{CHARACTERISTIC, DESCRIPTOR, DEVICE};
use self::remote::{BLUEZ_PATH, Bluez};
use super::answer::{DbusAnswer, DbusError};
use super::link::{FromDevice, Report};
use super::objects::{INTROSPECTABLE, OBJECT_MANAGER, PROPERTIES, Properties};
use super::trouble::HostTrouble;
use crate::emulator::server::wait_until;

/// The host.
pub(super) struct Host {
    bluez: Bluez,
    adapter: Adapter,
    remotes: Vec<RemoteDevice>,
    /// The clients on the bus that have made a call.
    clients: BTreeSet<String>,
}

impl Host {
    pub(super) fn new(settings: HostSettings, mut remotes: Vec<RemoteDevice>) -> Self {
        let mut bluez = Bluez::new(settings);
        bluez.objects.add(BLUEZ_PATH, AGENTS, Properties::new());
        if settings.trouble != Some(HostTrouble::NoAdapter) {
            Adapter::export(&mut bluez);
            for remote in &mut remotes {
                remote.export_cached(&mut bluez);
            }
        }
        // No client can receive these signals.
        bluez.objects.take_messages();
        Self {
            bluez,
            adapter: Adapter::default(),
            remotes,
            clients: BTreeSet::new(),
        }
    }

    /// Serves clients until all have left after `closing`.
    pub(super) async fn run(
        mut self,
        connection: Connection,
        mut messages: MessageStream,
        mut reports: mpsc::UnboundedReceiver<Report>,
        mut closing: oneshot::Receiver<()>,
    ) -> zbus::Result<()> {
        let mut is_closing = false;
        loop {
            // Devices log events before clients receive them.
            yield_now().await;
            for message in self.bluez.objects.take_messages() {
                connection.send(&message?).await?;
            }
            if let Some(call) = self.bluez.fatal_call.take() {
                self.die(call, &connection).await?;
                continue;
            }
            if is_closing && self.clients.is_empty() {
                return Ok(());
            }
            let advertisements = self.remotes.iter();
            let advertisements = advertisements.filter_map(|remote| remote.next_advertisement);
            let wake_at = advertisements.chain(self.bluez.next_timer()).min();
            tokio::select! {
                biased;
                // The channel closes when all devices are gone.
                Some(report) = reports.recv() => self.handle_report(report),
                message = messages.next() => match message {
                    Some(message) => self.receive(&message?),
                    None => return Ok(()),
                },
                _ = &mut closing, if !is_closing => is_closing = true,
                () = wait_until(wake_at) => {
                    let now = Instant::now();
                    let Self { bluez, adapter, remotes, .. } = &mut self;
                    bluez.run_timers(now, remotes);
                    adapter.receive_advertisements(now, remotes, bluez);
                }
            }
        }
    }

    fn receive(&mut self, message: &Message) {
        match message.message_type() {
            Type::MethodCall => {
                if let Some(client) = message.header().sender() {
                    self.clients.insert(client.to_string());
                }
                match self.answer(message) {
                    Ok(DbusAnswer::Empty) => self.bluez.objects.reply(message, &()),
                    Ok(DbusAnswer::Sent) => {}
                    Err(refusal) => self.bluez.objects.refuse(message, &refusal),
                }
            }
            Type::Signal => self.handle_name_change(message),
            Type::MethodReturn | Type::Error => {}
        }
    }

    /// Handles a client that leaves the bus, which ends its discovery.
    fn handle_name_change(&mut self, signal: &Message) {
        let body = signal.body();
        if let Ok((name, _, "")) = body.deserialize::<(&str, &str, &str)>() {
            self.clients.remove(name);
            self.adapter.sessions.remove(name);
            self.adapter
                .update_discovery(&mut self.remotes, &mut self.bluez);
        }
    }

    fn answer(&mut self, call: &Message) -> Result<DbusAnswer, DbusError> {
        let header = call.header();
        let member = header.member().map_or("", |member| member.as_str());
        let interface = header.interface().map_or("", |name| name.as_str());
        let path = header.path().ok_or(DbusError::UnknownMethod)?;
        let path = &path.to_owned();
        match self.bluez.settings.trouble {
            Some(HostTrouble::AccessDenied) => {
                let text = "Rejected send message: the bus's policy forbids it";
                return Err(DbusError::standard("AccessDenied", text));
            }
            // In place of the bus: `busd` never answers a call to a name without an owner.
            Some(HostTrouble::NoBluez) => {
                let text = "The name org.bluez was not provided by any .service files";
                return Err(DbusError::standard("ServiceUnknown", text));
            }
            _ => {}
        }
        let Self {
            bluez,
            adapter,
            remotes,
            ..
        } = self;
        match (interface, member) {
            ("org.freedesktop.DBus.Peer", "Ping") => return Ok(DbusAnswer::Empty),
            (INTROSPECTABLE, "Introspect") => {
                let text = bluez.objects.introspect(path);
                let text = text.ok_or(DbusError::UnknownMethod)?;
                bluez.objects.reply(call, &(text,));
                return Ok(DbusAnswer::Sent);
            }
            (OBJECT_MANAGER, "GetManagedObjects") if path.as_str() == "/" => {
                bluez.objects.reply_managed_objects(call);
                return Ok(DbusAnswer::Sent);
            }
            (PROPERTIES, "Set") if bluez.objects.has(path) => return self.set_property(call, path),
            (PROPERTIES, _) if bluez.objects.has(path) => {
                return bluez.objects.reply_property(call, member, path);
            }
            _ => {}
        }
        if bluez.objects.properties(path, interface).is_none() {
            return Err(DbusError::UnknownMethod);
        }
        if interface == ADAPTER {
            return adapter.call(call, member, remotes, bluez);
        }
        // A device's object, or one below it.
        let mut owners = remotes.iter_mut();
        let remote = owners.find(|remote| path.starts_with(remote.path.as_str()));
        match (interface, remote) {
            (DEVICE, Some(remote)) => remote.call_device(call, member, bluez),
            (CHARACTERISTIC | DESCRIPTOR, Some(remote)) => {
                remote.call_gatt(call, member, path, bluez)
            }
            _ => Err(DbusError::UnknownMethod),
        }
    }

    /// Changes a property for a client.
    fn set_property(
        &mut self,
        call: &Message,
        path: &ObjectPath<'static>,
    ) -> Result<DbusAnswer, DbusError> {
        let body = call.body();
        let (interface, name, value): (&str, &str, OwnedVariant) = body.deserialize()?;
        let properties = self.bluez.objects.properties(path, interface);
        let current = properties.and_then(|properties| properties.get(name));
        let current = current.ok_or_else(|| DbusError::no_such("property", name))?;
        if current.value_signature() != value.value_signature() {
            return Err(DbusError::INVALID_ARGUMENTS);
        }
        if name == "Powered" {
            let on = bool::try_from(&*value)?;
            self.adapter
                .set_power(on, &mut self.remotes, &mut self.bluez)?;
            return Ok(DbusAnswer::Empty);
        }
        let writable = WRITABLE.into_iter().find(|writable| *writable == name);
        let name = writable.ok_or_else(|| {
            let text = format!("Property '{name}' is not writable");
            DbusError::Standard("PropertyReadOnly", text.into())
        })?;
        self.bluez.objects.set(path, [(name, value.into())]);
        Ok(DbusAnswer::Empty)
    }

    fn handle_report(&mut self, report: Report) {
        let Some(remote) = self.remotes.get_mut(report.device) else {
            return;
        };
        let bluez = &mut self.bluez;
        match report.event {
            FromDevice::Advertising(on) => remote.set_advertising(on, bluez),
            FromDevice::Answered(operation, outcome) => {
                remote.finish_operation(operation, outcome, bluez);
            }
            FromDevice::LinkLost { connection } => {
                if remote.connected == Some(connection) {
                    remote.lose_link(bluez);
                }
            }
            FromDevice::Gone => {
                remote.set_advertising(false, bluez);
                remote.disconnect("the service ended", bluez);
            }
        }
    }

    /// Ends BlueZ with its objects and links. The bus answers waiting clients.
    async fn die(&mut self, last: Message, connection: &Connection) -> zbus::Result<()> {
        self.bluez = Bluez::new(HostSettings {
            trouble: Some(HostTrouble::NoBluez),
            ..self.bluez.settings
        });
        self.adapter = Adapter::default();
        // Clients see that it leaves the bus. The emulator then answers in place of the bus.
        connection.release_name(BLUEZ).await?;
        own_name(connection).await?;
        let unanswered = self
            .remotes
            .iter_mut()
            .flat_map(RemoteDevice::take_unanswered);
        for call in unanswered.chain([last]) {
            let text = "Message recipient disconnected from message bus without replying";
            let refusal = DbusError::standard("NoReply", text);
            self.bluez.objects.refuse(&call, &refusal);
        }
        Ok(())
    }
}

/// Acquires the name of BlueZ for the connection, unless another one has it.
pub(super) async fn own_name(connection: &Connection) -> zbus::Result<()> {
    let flags = RequestNameFlags::DO_NOT_QUEUE;
    connection.request_name_with_flags(BLUEZ, flags).await?;
    Ok(())
}

/// The name of BlueZ on a bus.
const BLUEZ: &str = "org.bluez";
const AGENTS: &str = "org.bluez.AgentManager1";
/// Properties that clients can change.
const WRITABLE: [&str; 5] = ["Alias", "Blocked", "Discoverable", "Pairable", "Trusted"];
