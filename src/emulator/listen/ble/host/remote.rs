//! A device in reach of BlueZ or in its cache, and what all of BlueZ shares: objects, timers, settings.
//! Not the calls of clients.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use zbus::ObjectPath;
use zbus::message::Message;

use super::super::advert::Advert;
use super::super::answer::Refusal;
use super::super::layout::{Attribute, GattObject};
use super::super::link::{Link, Operation, ToDevice};
use super::super::objects::Objects;
use super::super::trouble::{HostTrouble, LinkTrouble};
use crate::emulator::device::TimeScale;
use crate::emulator::log::Entry;

/// What a computer is emulated with.
#[derive(Clone, Copy, Debug)]
pub struct HostSettings {
    /// What is wrong with the computer.
    pub trouble: Option<HostTrouble>,
    /// How fast BlueZ's longer waits are.
    pub time_scale: TimeScale,
    /// How long each operation of ATT takes.
    pub operation_wait: Duration,
}

/// What all parts of BlueZ share.
pub(super) struct Bluez {
    pub(super) settings: HostSettings,
    pub(super) objects: Objects,
    pub(super) is_powered: bool,
    /// The call during which BlueZ ends.
    pub(super) dies_of: Option<Message>,
    timers: BTreeMap<(Instant, u64), (usize, Action)>,
    numbers: u64,
    /// How many links there have been.
    links: u64,
}

/// What to do later, with the device that it is for.
type Action = Box<dyn FnOnce(&mut RemoteDevice, &mut Bluez) + Send>;

impl Bluez {
    pub(super) fn new(settings: HostSettings) -> Self {
        Self {
            settings,
            objects: Objects::default(),
            is_powered: false,
            dies_of: None,
            timers: BTreeMap::new(),
            numbers: 0,
            links: 0,
        }
    }

    /// A number that is new.
    pub(super) fn next_number(&mut self) -> u64 {
        self.numbers = self.numbers.saturating_add(1);
        self.numbers
    }

    /// A wait on the device's clock, but not shorter than a busy computer needs.
    pub(super) fn scaled(&self, wait: Duration, least: Duration) -> Duration {
        self.settings.time_scale.of(wait).max(least.min(wait))
    }

    /// Does something with a device later.
    pub(super) fn after(
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

    /// When the next of these is due.
    pub(super) fn next_timer(&self) -> Option<Instant> {
        self.timers.keys().next().map(|(when, _)| *when)
    }

    /// Does what is due by now.
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
    /// Its place among all devices.
    pub(super) number: usize,
    pub(in super::super) advert: Advert,
    pub(super) path: ObjectPath<'static>,
    pub(in super::super) troubles: Vec<LinkTrouble>,
    /// The way to it. `None`: it is an advertisement and nothing more.
    pub(in super::super) radio: Option<mpsc::UnboundedSender<ToDevice>>,
    /// Its GATT objects.
    pub(in super::super) gatt: Vec<GattObject>,
    /// What BlueZ remembers instead, until it forgets the device.
    pub(in super::super) remembered: Option<Vec<GattObject>>,
    /// The largest packet that both ends accept.
    pub(in super::super) mtu: u16,
    pub(in super::super) is_advertising: bool,
    /// BlueZ knows it before the first discovery.
    pub(in super::super) is_known_from_before: bool,
    /// When its next advertisement arrives, while a client discovers.
    pub(super) next_advertisement: Option<Instant>,
    /// The number of the link to it.
    pub(super) connected: Option<u64>,
    pub(super) is_paired: bool,
    /// What is behind its exported GATT objects.
    pub(super) attributes: BTreeMap<ObjectPath<'static>, Attribute>,
    /// Calls to answer later.
    pub(super) connecting: Option<(u64, Message)>,
    pub(super) disconnecting: Vec<Message>,
    pub(super) pairing: Option<Message>,
    /// Operations in order; the first is under way.
    pub(super) operations: VecDeque<Pending>,
}

/// An operation whose outcome a client waits for.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) call: Message,
    pub(super) path: ObjectPath<'static>,
    pub(super) operation: Operation,
}

impl RemoteDevice {
    pub(in super::super) fn new(number: usize, advert: Advert) -> Self {
        let path = format!("{ADAPTER_PATH}/{}", advert.address.node());
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

    /// Whether it has a trouble that is there once, and no longer.
    pub(super) fn take_trouble(&mut self, trouble: LinkTrouble) -> bool {
        let had = self.has(trouble);
        self.troubles.retain(|one| *one != trouble);
        had
    }

    /// Whether a link to it is possible.
    pub(super) fn is_reachable(&self) -> bool {
        self.is_advertising && self.radio.is_some() && !self.has(LinkTrouble::Vanishes)
    }

    pub(super) fn send(&self, message: ToDevice) {
        if let Some(radio) = &self.radio {
            // A device that is gone receives nothing, and has reported that.
            let _sent = radio.send(message);
        }
    }

    /// A link to it is up.
    pub(super) fn link(&mut self, bluez: &mut Bluez) {
        bluez.links = bluez.links.saturating_add(1);
        let connection = bluez.links;
        self.connected = Some(connection);
        // It reports when it advertises again.
        self.is_advertising = false;
        let is_encrypted = self.is_paired;
        self.send(ToDevice::Connected(Link {
            connection,
            is_encrypted,
        }));
        bluez.objects.set(&self.path, [("Connected", true.into())]);
    }

    /// Does something later, if this link is up then.
    pub(super) fn after_on_link(
        &self,
        bluez: &mut Bluez,
        wait: Duration,
        action: impl FnOnce(&mut Self, &mut Bluez) + Send + 'static,
    ) {
        let connected = self.connected;
        bluez.after(wait, self.number, move |remote, bluez| {
            if remote.connected == connected {
                action(remote, bluez);
            }
        });
    }

    /// Both sides have keys for the link from now on.
    pub(super) fn encrypt(&mut self, bluez: &mut Bluez) {
        self.send(ToDevice::Encrypted);
        self.send(ToDevice::Note(Entry::Paired));
        self.is_paired = true;
        let changes = [("Bonded", true.into()), ("Paired", true.into())];
        bluez.objects.set(&self.path, changes);
    }

    /// Ends a link at once, if there is one.
    pub(super) fn cut(&mut self, why: &'static str, bluez: &mut Bluez) {
        if self.connected.is_some() {
            self.send(ToDevice::Disconnected(why));
            self.lose_link(bluez);
        }
    }

    /// The link is gone: what was under way fails when that is signaled.
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
                .refuse(&pending.call, &Refusal::by_att(LINK_LOST));
        }
        if let Some(call) = self.pairing.take() {
            let refusal = Refusal::bluez("AuthenticationCanceled", "Authentication Canceled");
            bluez.objects.refuse(&call, &refusal);
        }
    }

    /// BlueZ knows nothing of it any more, what it remembered included.
    pub(super) fn forget(&mut self, bluez: &mut Bluez) {
        self.cut(BY_THE_CLIENT, bluez);
        self.is_paired = false;
        self.remembered = None;
        self.attributes.clear();
        self.take_trouble(LinkTrouble::NameInCache);
        if let Some((_, call)) = self.connecting.take() {
            bluez.objects.refuse(&call, &Refusal::CONNECT_CANCELED);
        }
        bluez.objects.remove(&self.path);
    }

    /// BlueZ ends: takes the calls that it has not answered.
    pub(super) fn take_unanswered(&mut self) -> impl Iterator<Item = Message> {
        let why = "the client's computer has no BlueZ any more";
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
/// Why a link ended, for the device's log.
pub(super) const BY_THE_CLIENT: &str = "by the client";
pub(super) const NOT_PAIRED: &str = "pairing failed";
/// How BlueZ reports operations that a lost link took with it.
const LINK_LOST: u8 = 0x0e;
