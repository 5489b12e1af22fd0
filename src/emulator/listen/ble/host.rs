//! BlueZ, as a client meets it: one adapter, the devices that it knows, and the calls about them, in the
//! order and the words of bluetoothd 5.66. Not a Bluetooth stack: what would be radio is a channel to
//! each emulated device.
//!
//! All of it is one task. What changes is signaled before the next answer leaves, as BlueZ's library does it.

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
use super::answer::{Answer, Refusal};
use super::link::{FromDevice, Report};
use super::objects::{INTROSPECTABLE, OBJECT_MANAGER, PROPERTIES, Properties};
use super::trouble::HostTrouble;
use crate::emulator::server::wait_until;

/// The host.
pub(super) struct Host {
    bluez: Bluez,
    adapter: Adapter,
    remotes: Vec<RemoteDevice>,
    /// Clients that have called and are still on the bus.
    clients: BTreeSet<String>,
}

impl Host {
    pub(super) fn new(settings: HostSettings, mut remotes: Vec<RemoteDevice>) -> Self {
        let mut bluez = Bluez::new(settings);
        bluez.objects.add(BLUEZ_PATH, AGENTS, Properties::new());
        if settings.trouble != Some(HostTrouble::NoAdapter) {
            Adapter::export(&mut bluez);
            for remote in &mut remotes {
                remote.remember(&mut bluez);
            }
        }
        // No client is there yet to receive signals.
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
            // Devices log what happens to them before clients learn of it.
            yield_now().await;
            for message in self.bluez.objects.take_messages() {
                connection.send(&message?).await?;
            }
            if let Some(call) = self.bluez.dies_of.take() {
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
                Some(report) = reports.recv() => self.note_report(report),
                message = messages.next() => match message {
                    Some(message) => self.receive(&message?),
                    None => return Ok(()),
                },
                _ = &mut closing, if !is_closing => is_closing = true,
                () = wait_until(wake_at) => {
                    let now = Instant::now();
                    let Self { bluez, adapter, remotes, .. } = &mut self;
                    bluez.run_timers(now, remotes);
                    adapter.hear_advertisements(now, remotes, bluez);
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
                    Ok(Answer::Empty) => self.bluez.objects.reply(message, &()),
                    Ok(Answer::Sent) => {}
                    Err(refusal) => self.bluez.objects.refuse(message, &refusal),
                }
            }
            Type::Signal => self.note_name_owner(message),
            Type::MethodReturn | Type::Error => {}
        }
    }

    /// Notes a client that leaves the bus, and so discovers no longer.
    fn note_name_owner(&mut self, signal: &Message) {
        let body = signal.body();
        if let Ok((name, _, "")) = body.deserialize::<(&str, &str, &str)>() {
            self.clients.remove(name);
            self.adapter.sessions.remove(name);
            self.adapter
                .update_discovery(&mut self.remotes, &mut self.bluez);
        }
    }

    fn answer(&mut self, call: &Message) -> Result<Answer, Refusal> {
        let header = call.header();
        let member = header.member().map_or("", |member| member.as_str());
        let interface = header.interface().map_or("", |name| name.as_str());
        let path = header.path().ok_or(Refusal::UnknownMethod)?;
        let path = &path.to_owned();
        match self.bluez.settings.trouble {
            Some(HostTrouble::AccessDenied) => {
                let text = "Rejected send message: the bus's policy forbids it";
                return Err(Refusal::standard("AccessDenied", text));
            }
            // In place of the bus: `busd` never answers a call to a name that has no owner.
            Some(HostTrouble::NoBluez) => {
                let text = "The name org.bluez was not provided by any .service files";
                return Err(Refusal::standard("ServiceUnknown", text));
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
            ("org.freedesktop.DBus.Peer", "Ping") => return Ok(Answer::Empty),
            (INTROSPECTABLE, "Introspect") => {
                let text = bluez.objects.introspection(path);
                let text = text.ok_or(Refusal::UnknownMethod)?;
                bluez.objects.reply(call, &(text,));
                return Ok(Answer::Sent);
            }
            (OBJECT_MANAGER, "GetManagedObjects") if path.as_str() == "/" => {
                bluez.objects.reply_managed(call);
                return Ok(Answer::Sent);
            }
            (PROPERTIES, "Set") if bluez.objects.has(path) => return self.set(call, path),
            (PROPERTIES, _) if bluez.objects.has(path) => {
                return bluez.objects.reply_property(call, member, path);
            }
            _ => {}
        }
        if bluez.objects.properties(path, interface).is_none() {
            return Err(Refusal::UnknownMethod);
        }
        if interface == ADAPTER {
            return adapter.call(call, member, remotes, bluez);
        }
        // A device's object, or one below it.
        let mut owners = remotes.iter_mut();
        let remote = owners.find(|one| path.starts_with(one.path.as_str()));
        match (interface, remote) {
            (DEVICE, Some(remote)) => remote.call_device(call, member, bluez),
            (CHARACTERISTIC | DESCRIPTOR, Some(remote)) => {
                remote.call_gatt(call, member, path, bluez)
            }
            _ => Err(Refusal::UnknownMethod),
        }
    }

    /// Changes a property for a client.
    fn set(&mut self, call: &Message, path: &ObjectPath<'static>) -> Result<Answer, Refusal> {
        let body = call.body();
        let (interface, name, value): (&str, &str, OwnedVariant) = body.deserialize()?;
        let properties = self.bluez.objects.properties(path, interface);
        let current = properties.and_then(|properties| properties.get(name));
        let current = current.ok_or_else(|| Refusal::no_such("property", name))?;
        if current.value_signature() != value.value_signature() {
            return Err(Refusal::INVALID_ARGUMENTS);
        }
        if name == "Powered" {
            let on = bool::try_from(&*value)?;
            self.adapter.power(on, &mut self.remotes, &mut self.bluez)?;
            return Ok(Answer::Empty);
        }
        let writable = WRITABLE.into_iter().find(|writable| *writable == name);
        let name = writable.ok_or_else(|| {
            let text = format!("Property '{name}' is not writable");
            Refusal::Standard("PropertyReadOnly", text.into())
        })?;
        self.bluez.objects.set(path, [(name, value.into())]);
        Ok(Answer::Empty)
    }

    fn note_report(&mut self, report: Report) {
        let Some(remote) = self.remotes.get_mut(report.device) else {
            return;
        };
        let bluez = &mut self.bluez;
        match report.what {
            FromDevice::Advertising(on) => remote.note_advertising(on, bluez),
            FromDevice::Answered(operation, outcome) => {
                remote.finish_operation(operation, outcome, bluez);
            }
            FromDevice::LinkLost { connection } => {
                if remote.connected == Some(connection) {
                    remote.lose_link(bluez);
                }
            }
            FromDevice::Gone => {
                remote.note_advertising(false, bluez);
                remote.cut("the service ended", bluez);
            }
        }
    }

    /// BlueZ ends, and its objects and links with it. Clients that wait for an answer get one from
    /// the bus.
    async fn die(&mut self, last: Message, connection: &Connection) -> zbus::Result<()> {
        self.bluez = Bluez::new(HostSettings {
            trouble: Some(HostTrouble::NoBluez),
            ..self.bluez.settings
        });
        self.adapter = Adapter::default();
        // Clients see it leave. Then we answer in place of the bus, as without BlueZ.
        connection.release_name(BLUEZ).await?;
        own_name(connection).await?;
        let unanswered = self
            .remotes
            .iter_mut()
            .flat_map(RemoteDevice::take_unanswered);
        for call in unanswered.chain([last]) {
            let text = "Message recipient disconnected from message bus without replying";
            let refusal = Refusal::standard("NoReply", text);
            self.bluez.objects.refuse(&call, &refusal);
        }
        Ok(())
    }
}

/// Makes the connection BlueZ's, unless another one is.
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
