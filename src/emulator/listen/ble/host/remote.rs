//! A device in range of BlueZ or in its cache, and the shared state of BlueZ: objects, timers, settings.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use zbus::ObjectPath;
use zbus::message::Message;

use super::super::advert::Advert;
use super::super::answer::DbusError;
use super::super::layout::{Attribute, GattObject};
use super::super::link::{BleLink, Operation, ToDevice};
use super::super::objects::Objects;
use super::super::trouble::{HostTrouble, LinkTrouble};
use crate::emulator::device::TimeScale;
use crate::emulator::log::DeviceEvent;

/// The settings of the emulated computer.
#[derive(Clone, Copy, Debug)]
pub struct HostSettings {
    /// What is wrong with the computer.
    pub trouble: Option<HostTrouble>,
    /// The factor of BlueZ's longer waits.
    pub time_scale: TimeScale,
    /// The duration of an ATT operation.
    pub operation_wait: Duration,
}

/// The shared state of BlueZ.
pub(super) struct Bluez {
    pub(super) settings: HostSettings,
    pub(super) objects: Objects,
    pub(super) is_powered: bool,
    /// The call during which BlueZ crashes.
    pub(super) fatal_call: Option<Message>,
    timers: BTreeMap<(Instant, u64), (usize, Action)>,
    numbers: u64,
    /// The number of links so far.
    links: u64,
}

/// A delayed action on a device.
type Action = Box<dyn FnOnce(&mut RemoteDevice, &mut Bluez) + Send>;

impl Bluez {
    pub(super) fn new(settings: HostSettings) -> Self {
        Self {
            settings,
            objects: Objects::default(),
            is_powered: false,
            fatal_call: None,
            timers: BTreeMap::new(),
            numbers: 0,
            links: 0,
        }
    }

    /// Returns a new number.
    pub(super) fn next_number(&mut self) -> u64 {
        self.numbers = self.numbers.saturating_add(1);
        self.numbers
    }

    /// Scales a wait, with a minimum for busy computers.
    pub(super) fn scale(&self, wait: Duration, min: Duration) -> Duration {
        self.settings.time_scale.of(wait).max(min.min(wait))
    }

    /// Schedules an action on a device.
    pub(super) fn schedule(
        &mut self,
        wait: Duration,
        device: usize,
        action: impl FnOnce(&mut RemoteDevice, &mut Self) + Send + 'static,
    ) {
        let now = Instant::now();
        let when = now.checked_add(wait).unwrap_or(now);
        let number = self.next_number();
        self.timers
            .insert((when, number), (device, Box::new(action)));
    }

    /// When the next action is due.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.timers.keys().next().map(|(when, _)| *when)
    }

    /// Runs the actions that are due.
    pub(super) fn run_timers(&mut self, now: Instant, remotes: &mut [RemoteDevice]) {
        while let Some(first) = self.timers.first_entry()
            && first.key().0 <= now
        {
            let (device, action) = first.remove();
            if let Some(remote) = remotes.get_mut(device) {
                action(remote, self);
            }
        }
    }
}

/// A device.
#[derive(Debug, Default)]
pub(in super::super) struct RemoteDevice {
    /// Its index among all devices.
    pub(super) number: usize,
    pub(in super::super) advert: Advert,
    pub(super) path: ObjectPath<'static>,
    pub(in super::super) troubles: Vec<LinkTrouble>,
    /// The channel to the device. `None`: it only advertises.
    pub(in super::super) radio: Option<mpsc::UnboundedSender<ToDevice>>,
    /// Its GATT objects.
    pub(in super::super) gatt: Vec<GattObject>,
    /// The GATT objects in BlueZ's cache, if they differ.
    pub(in super::super) cached_gatt: Option<Vec<GattObject>>,
    /// The largest packet that both sides support.
    pub(in super::super) mtu: u16,
    pub(in super::super) is_advertising: bool,
    /// Whether BlueZ has it in its cache before the first discovery.
    pub(in super::super) is_cached: bool,
    /// When its next advertisement arrives, while a client discovers.
    pub(super) next_advertisement: Option<Instant>,
    /// The number of its link.
    pub(super) connected: Option<u64>,
    pub(super) is_paired: bool,
    /// The contents of its exported GATT objects.
    pub(super) attributes: BTreeMap<ObjectPath<'static>, Attribute>,
    /// The calls to answer later.
    pub(super) connecting: Option<(u64, Message)>,
    pub(super) disconnecting: Vec<Message>,
    pub(super) pairing: Option<Message>,
    /// The operations in order, of which the first is running.
    pub(super) operations: VecDeque<PendingOperation>,
}

/// An operation whose result a client waits for.
#[derive(Debug)]
pub(super) struct PendingOperation {
    pub(super) call: Message,
    pub(super) path: ObjectPath<'static>,
    pub(super) operation: Operation,
}

impl RemoteDevice {
    pub(in super::super) fn new(number: usize, advert: Advert) -> Self {
        let path = format!("{ADAPTER_PATH}/{}", advert.address.object_name());
        Self {
            number,
            path: ObjectPath::from_string_unchecked(path),
            advert,
            ..Self::default()
        }
    }

    pub(super) fn has(&self, trouble: LinkTrouble) -> bool {
        self.troubles.contains(&trouble)
    }

    /// Whether it has this trouble, which is then removed.
    pub(super) fn take_trouble(&mut self, trouble: LinkTrouble) -> bool {
        let had = self.has(trouble);
        self.troubles.retain(|other| *other != trouble);
        had
    }

    /// Whether a link to it is possible.
    pub(super) fn is_connectable(&self) -> bool {
        self.is_advertising && self.radio.is_some() && !self.has(LinkTrouble::Vanishes)
    }

    pub(super) fn send(&self, message: ToDevice) {
        if let Some(radio) = &self.radio {
            // The device may have ended, which it has reported.
            let _sent = radio.send(message);
        }
    }

    /// Begins a link.
    pub(super) fn set_connected(&mut self, bluez: &mut Bluez) {
        bluez.links = bluez.links.saturating_add(1);
        let connection = bluez.links;
        self.connected = Some(connection);
        // The device reports when it advertises again.
        self.is_advertising = false;
        let is_encrypted = self.is_paired;
        self.send(ToDevice::Connected(BleLink {
            connection,
            is_encrypted,
        }));
        bluez.objects.set(&self.path, [("Connected", true.into())]);
    }

    /// Schedules an action on this link. If the link has ended, nothing happens.
    pub(super) fn schedule_on_link(
        &self,
        bluez: &mut Bluez,
        wait: Duration,
        action: impl FnOnce(&mut Self, &mut Bluez) + Send + 'static,
    ) {
        let connected = self.connected;
        bluez.schedule(wait, self.number, move |remote, bluez| {
            if remote.connected == connected {
                action(remote, bluez);
            }
        });
    }

    /// Encrypts the link with keys of both sides.
    pub(super) fn encrypt(&mut self, bluez: &mut Bluez) {
        self.send(ToDevice::Encrypted);
        self.send(ToDevice::Log(DeviceEvent::Paired));
        self.is_paired = true;
        let changes = [("Bonded", true.into()), ("Paired", true.into())];
        bluez.objects.set(&self.path, changes);
    }

    /// Ends the link at once, if there is one.
    pub(super) fn disconnect(&mut self, why: &'static str, bluez: &mut Bluez) {
        if self.connected.is_some() {
            self.send(ToDevice::Disconnected(why));
            self.lose_link(bluez);
        }
    }

    /// Handles a lost link: running operations fail after the signal.
    pub(super) fn lose_link(&mut self, bluez: &mut Bluez) {
        self.connected = None;
        let changes = [
            ("Connected", false.into()),
            ("ServicesResolved", false.into()),
        ];
        bluez.objects.set(&self.path, changes);
        for call in self.disconnecting.drain(..) {
            bluez.objects.reply(&call, &());
        }
        for pending in self.operations.drain(..) {
            bluez
                .objects
                .refuse(&pending.call, &DbusError::from_att(LINK_LOST));
        }
        if let Some(call) = self.pairing.take() {
            let refusal = DbusError::bluez("AuthenticationCanceled", "Authentication Canceled");
            bluez.objects.refuse(&call, &refusal);
        }
    }

    /// Removes the device from BlueZ and its cache.
    pub(super) fn remove(&mut self, bluez: &mut Bluez) {
        self.disconnect(BY_THE_CLIENT, bluez);
        self.is_paired = false;
        self.cached_gatt = None;
        self.attributes.clear();
        self.take_trouble(LinkTrouble::NameInCache);
        if let Some((_, call)) = self.connecting.take() {
            bluez.objects.refuse(&call, &DbusError::CONNECT_CANCELED);
        }
        bluez.objects.remove(&self.path);
    }

    /// Takes the unanswered calls when BlueZ ends.
    pub(super) fn take_unanswered(&mut self) -> impl Iterator<Item = Message> {
        let why = "the client's computer lost BlueZ";
        if self.connected.take().is_some() {
            self.send(ToDevice::Disconnected(why));
        }
        let operations = std::mem::take(&mut self.operations).into_iter();
        operations
            .map(|pending| pending.call)
            .chain(self.connecting.take().map(|(_, call)| call))
            .chain(std::mem::take(&mut self.disconnecting))
            .chain(self.pairing.take())
    }
}

pub(super) const ADAPTER_PATH: ObjectPath<'static> =
    ObjectPath::from_static_str_unchecked("/org/bluez/hci0");
/// The object of the daemon itself.
pub(super) const BLUEZ_PATH: ObjectPath<'static> =
    ObjectPath::from_static_str_unchecked("/org/bluez");
/// The reason for the end of a link, in the device's log.
pub(super) const BY_THE_CLIENT: &str = "by the client";
pub(super) const NOT_PAIRED: &str = "pairing failed";
/// BlueZ's error for operations on a lost link.
const LINK_LOST: u8 = 0x0e;
