//! BlueZ, as a client meets it: one adapter, the devices that it knows, and the calls about them, in
//! the order and the words of bluetoothd 5.66. Not a Bluetooth stack: what would be radio is a
//! channel to each emulated device.
//!
//! All of it is one task. What changes is told before the next answer leaves, as gdbus does it.

mod adapter;
mod device;
mod gatt;
mod remote;
mod timers;

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use zbus::message::{Flags, Message, Type};
use zbus::wire::DynamicType;
use zbus::{Connection, MessageStream, ObjectPath, OwnedVariant};

pub(super) use self::remote::Remote;

use self::adapter::{ADAPTER, Adapter};
use self::device::{BY_THE_CLIENT, DEVICE};
use self::timers::{Timer, Timers};
use super::bus::{Absence, BLUEZ};
use super::link::{FromDevice, Report, ToDevice};
use super::property::{Properties, to_variants};
use super::refusal::Refused;
use super::tree::{INTROSPECTABLE, OBJECT_MANAGER, PROPERTIES, Tree};
use super::trouble::HostTrouble;
use crate::emulator::device::TimeScale;
use crate::emulator::log::Entry;

/// The host.
pub(super) struct Host {
    connection: Connection,
    tree: Tree,
    adapter: Option<Adapter>,
    devices: Vec<Remote>,
    timers: Timers,
    trouble: Option<HostTrouble>,
    scale: TimeScale,
    /// How long each operation of ATT takes.
    operation_wait: Duration,
    /// Who has called and is still on the bus.
    clients: BTreeSet<String>,
    /// When somebody first looked for devices.
    first_looked: Option<Instant>,
    numbers: u64,
    connections: u64,
    /// The call with which BlueZ ends.
    dying: Option<Message>,
    is_absent: Absence,
    /// Signals and answers, in order.
    outbox: Vec<zbus::Result<Message>>,
}

/// What a host is made with.
pub(super) struct HostParts {
    pub(super) trouble: Option<HostTrouble>,
    pub(super) scale: TimeScale,
    pub(super) operation_wait: Duration,
    pub(super) devices: Vec<Remote>,
    pub(super) is_absent: Absence,
}

/// What becomes of a call: `None`, it is answered later.
type Answered<T> = Result<Option<T>, Refused>;

impl Host {
    pub(super) fn new(connection: Connection, parts: HostParts) -> Self {
        let HostParts {
            trouble,
            scale,
            operation_wait,
            devices,
            is_absent,
        } = parts;
        let mut host = Self {
            connection,
            tree: Tree::default(),
            adapter: None,
            devices,
            timers: Timers::default(),
            trouble,
            scale,
            operation_wait,
            clients: BTreeSet::new(),
            first_looked: None,
            numbers: 0,
            connections: 0,
            dying: None,
            is_absent,
            outbox: Vec::new(),
        };
        let agents = [("org.bluez.AgentManager1", Properties::new())];
        host.tree
            .add(ObjectPath::from_static_str_unchecked(ROOT), agents.into());
        if trouble != Some(HostTrouble::NoAdapter) {
            host.add_adapter();
            host.remember_devices();
        }
        // There is nobody yet to be told.
        host.tree.take_signals();
        host
    }

    /// Serves clients until all have left after `closing`.
    pub(super) async fn run(
        mut self,
        mut messages: MessageStream,
        mut reports: mpsc::UnboundedReceiver<Report>,
        mut closing: oneshot::Receiver<()>,
    ) -> zbus::Result<()> {
        let mut is_closing = false;
        loop {
            if let Some(call) = self.dying.take() {
                self.die(call).await?;
            }
            self.flush().await?;
            if is_closing && self.clients.is_empty() {
                return Ok(());
            }
            let wake_at = self.timers.next();
            tokio::select! {
                biased;
                // None any more once all devices are gone.
                Some(report) = reports.recv() => self.hear(report),
                message = messages.next() => match message {
                    Some(message) => self.receive(&message?),
                    None => return Ok(()),
                },
                _ = &mut closing, if !is_closing => is_closing = true,
                () = at(wake_at) => {
                    if let Some(timer) = self.timers.take(Instant::now()) {
                        self.fire(timer);
                    }
                }
            }
        }
    }

    fn receive(&mut self, message: &Message) {
        match message.message_type() {
            Type::MethodCall => self.answer(message),
            Type::Signal => self.note_owner(message),
            Type::MethodReturn | Type::Error => {}
        }
    }

    /// Somebody left the bus.
    fn note_owner(&mut self, signal: &Message) {
        let header = signal.header();
        if header
            .member()
            .is_none_or(|member| member != "NameOwnerChanged")
        {
            return;
        }
        let body = signal.body();
        let Ok((name, _, owner)) = body.deserialize::<(&str, &str, &str)>() else {
            return;
        };
        let own = self.connection.unique_name();
        if !name.starts_with(':') || own.is_some_and(|own| own.as_str() == name) {
            return;
        }
        // Who comes is known by the first call.
        if owner.is_empty() {
            self.clients.remove(name);
            self.end_session_of(name);
        }
    }

    fn answer(&mut self, call: &Message) {
        let header = call.header();
        let member = header.member().map_or("", |member| member.as_str());
        let interface = header.interface().map_or("", |name| name.as_str());
        if let Some(caller) = header.sender() {
            self.clients.insert(caller.to_string());
        }
        let path = header.path().map(ObjectPath::to_owned).unwrap_or_default();
        match self.trouble {
            Some(HostTrouble::AccessDenied) => return self.refuse(call, &Refused::ACCESS_DENIED),
            // In place of the bus, which is silent about names that nobody has.
            Some(HostTrouble::NoBluez) => return self.refuse(call, &Refused::NO_BLUEZ),
            _ => {}
        }
        let answered = match (interface, member) {
            ("org.freedesktop.DBus.Peer", "Ping") => Ok(Some(())),
            (INTROSPECTABLE, "Introspect") => match self.tree.introspection(&path) {
                Some(text) => return self.reply(call, &(text,)),
                None => Err(Refused::UNKNOWN),
            },
            (OBJECT_MANAGER, "GetManagedObjects") if path.as_str() == "/" => {
                let built = Message::method_return(&header).build(&(self.tree.managed(),));
                return self.send(call, built);
            }
            (PROPERTIES, _) => self.call_properties(call, member, &path),
            (
                "org.bluez.AgentManager1",
                "RegisterAgent" | "RequestDefaultAgent" | "UnregisterAgent",
            ) if path.as_str() == ROOT => Ok(Some(())),
            (ADAPTER, _) if self.tree.interface(&path, ADAPTER).is_some() => {
                self.call_adapter(call, member)
            }
            (DEVICE, _) if self.tree.interface(&path, DEVICE).is_some() => {
                self.call_device(call, member, &path)
            }
            (gatt::CHARACTERISTIC | gatt::DESCRIPTOR, _)
                if self.tree.interface(&path, interface).is_some() =>
            {
                self.call_gatt(call, member, &path)
            }
            _ => Err(Refused::UNKNOWN),
        };
        match answered {
            Ok(Some(())) => self.reply(call, &()),
            Ok(None) => {}
            Err(refused) if refused == Refused::UNKNOWN => {
                let has_object = self.tree.has(&path);
                let signature = header.signature().to_string_no_parens();
                let refused = Refused::unknown_method(interface, member, &signature, has_object);
                self.refuse(call, &refused);
            }
            Err(refused) => self.refuse(call, &refused),
        }
    }

    fn call_properties(
        &mut self,
        call: &Message,
        member: &str,
        path: &ObjectPath<'static>,
    ) -> Answered<()> {
        if !self.tree.has(path) {
            return Err(Refused::UNKNOWN);
        }
        let header = call.header();
        let body = call.body();
        let wrong = |_| Refused::INVALID_ARGUMENTS;
        match member {
            "GetAll" => {
                let (interface,) = body.deserialize::<(&str,)>().map_err(wrong)?;
                let properties = self.tree.interface(path, interface);
                let properties = properties.ok_or_else(|| Refused::no_such_interface(interface))?;
                let built = Message::method_return(&header).build(&(to_variants(properties),));
                self.send(call, built);
                Ok(None)
            }
            "Get" => {
                let (interface, name) = body.deserialize::<(&str, &str)>().map_err(wrong)?;
                let properties = self.tree.interface(path, interface);
                let properties = properties.ok_or_else(|| Refused::no_such_interface(interface))?;
                let property = properties.get(name);
                let property = property.ok_or_else(|| Refused::no_such_property(name))?;
                let built = Message::method_return(&header).build(&(property.to_variant(),));
                self.send(call, built);
                Ok(None)
            }
            "Set" => {
                let (interface, name, value) = body
                    .deserialize::<(&str, &str, OwnedVariant)>()
                    .map_err(wrong)?;
                match interface {
                    ADAPTER => self.set_of_adapter(name, &value)?,
                    DEVICE => self.set_of_device(path, name, &value)?,
                    _ => return Err(Refused::read_only(name)),
                }
                Ok(Some(()))
            }
            _ => Err(Refused::UNKNOWN),
        }
    }

    /// What an emulated device reports.
    fn hear(&mut self, report: Report) {
        let Report { device, what } = report;
        match what {
            FromDevice::Advertising(on) => self.note_advertising(device, on),
            FromDevice::Answered { operation, outcome } => {
                self.finish_operation(device, operation, outcome);
            }
            FromDevice::LinkLost { connection } => self.note_link_lost(device, connection),
            FromDevice::Gone => {
                self.note_advertising(device, false);
                self.cut(device, "the service ended");
            }
        }
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Advertisements { discovery, phase } => self.see_advertisements(discovery, phase),
            Timer::Forget => self.forget_unseen(),
            Timer::ConnectFails { device, attempt } => self.fail_connect(device, attempt),
            Timer::Resolve { device, connection } => self.resolve(device, connection),
            Timer::Paired { device, connection } => self.finish_pairing(device, connection),
            Timer::Disconnect { device, connection } => {
                self.cut_this(device, connection, BY_THE_CLIENT);
            }
            Timer::Lost { device, connection } => {
                self.cut_this(device, connection, "lost before its services were known");
            }
            Timer::NoAnswer { device, operation } => self.time_out(device, operation),
        }
    }

    /// Ends this link, and no later one.
    fn cut_this(&mut self, device: usize, connection: u64, why: &'static str) {
        let connected = self.devices.get(device).and_then(|remote| remote.connected);
        if connected == Some(connection) {
            self.cut(device, why);
        }
    }

    /// BlueZ is no more: its objects and its links are gone with it, and who waits for an answer is
    /// told so by the bus.
    async fn die(&mut self, last: Message) -> zbus::Result<()> {
        self.trouble = Some(HostTrouble::NoBluez);
        self.adapter = None;
        self.tree = Tree::default();
        self.timers = Timers::default();
        let mut unanswered = vec![last];
        for device in 0..self.devices.len() {
            let why = "the client's computer has no BlueZ any more";
            self.send_to(device, ToDevice::Disconnected { why });
            if let Some(remote) = self.devices.get_mut(device) {
                unanswered.extend(remote.unanswered());
            }
        }
        self.is_absent.set();
        self.connection.release_name(BLUEZ).await?;
        for call in unanswered {
            self.refuse(&call, &Refused::NO_REPLY);
        }
        Ok(())
    }

    fn send_to(&self, device: usize, message: ToDevice) {
        let radio = self
            .devices
            .get(device)
            .and_then(|remote| remote.radio.as_ref());
        if let Some(radio) = radio {
            // A device that is gone hears nothing, and has reported that.
            let _sent = radio.send(message);
        }
    }

    /// For the logs of all devices.
    fn note_to_all(&self, entry: &Entry) {
        for device in 0..self.devices.len() {
            self.send_to(device, ToDevice::Note(entry.clone()));
        }
    }

    /// A number that was not given out before.
    fn next_number(&mut self) -> u64 {
        self.numbers = self.numbers.saturating_add(1);
        self.numbers
    }

    fn reply(&mut self, call: &Message, body: &(impl Serialize + DynamicType)) {
        let built = Message::method_return(&call.header()).build(body);
        self.send(call, built);
    }

    fn refuse(&mut self, call: &Message, refused: &Refused) {
        let built = Message::error(&call.header(), refused.name).build(&(refused.text.as_ref(),));
        self.send(call, built);
    }

    /// Puts an answer behind what is to be told before it.
    fn send(&mut self, call: &Message, built: zbus::Result<Message>) {
        self.outbox.extend(self.tree.take_signals());
        let flags = call.primary_header().flags();
        if !flags.contains(Flags::NO_REPLY_EXPECTED) {
            self.outbox.push(built);
        }
    }

    /// Sends what has changed and what is answered.
    async fn flush(&mut self) -> zbus::Result<()> {
        self.outbox.extend(self.tree.take_signals());
        for message in std::mem::take(&mut self.outbox) {
            self.connection.send(&message?).await?;
        }
        Ok(())
    }
}

/// Waits for that moment; for ever where there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The object of the daemon itself.
const ROOT: &str = "/org/bluez";
