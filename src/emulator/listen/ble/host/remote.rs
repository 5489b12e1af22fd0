//! A device in range of BlueZ or in its cache: its link, and the calls of clients to connect, disconnect and
//! pair (`src/device.c`). Also the shared state of BlueZ: objects, timers, settings.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use zbus::ObjectPath;
use zbus::message::Message;

use super::super::advert::Advert;
use super::super::answer::{Answered, DbusAnswer, DbusError};
use super::super::layout::{Attribute, GattObject};
use super::super::link::{FromDevice, Operation, ToDevice};
use super::super::objects::Objects;
use super::super::stack::UNLIKELY;
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
#[derive(Debug)]
pub(super) struct Bluez {
    pub(super) settings: HostSettings,
    pub(super) objects: Objects,
    pub(super) is_powered: bool,
    /// Whether BlueZ crashes because of the last call.
    pub(super) is_dying: bool,
    /// Each ends with an action on the device with this number.
    pub(super) timers: FuturesUnordered<LocalBoxFuture<'static, (usize, Action)>>,
    /// The number of links so far.
    links: u64,
}

/// A delayed action on a device.
type Action = Box<dyn FnOnce(&mut RemoteDevice, &mut Bluez)>;

impl Bluez {
    pub(super) fn new(settings: HostSettings) -> Self {
        Self {
            settings,
            objects: Objects::default(),
            is_powered: false,
            is_dying: false,
            timers: FuturesUnordered::new(),
            links: 0,
        }
    }

    /// Scales a wait, with a minimum for busy computers.
    pub(super) fn scale(&self, wait: Duration, min: Duration) -> Duration {
        self.settings.time_scale.of(wait).max(min.min(wait))
    }
}

/// A device.
#[derive(Debug, Default)]
pub(super) struct RemoteDevice {
    /// Its index among all devices.
    pub(super) number: usize,
    pub(super) advert: Advert,
    pub(super) path: ObjectPath<'static>,
    pub(super) troubles: Vec<LinkTrouble>,
    /// The channel to the device. `None`: it only advertises.
    pub(super) radio: Option<mpsc::UnboundedSender<ToDevice>>,
    /// Its GATT objects.
    pub(super) gatt: Vec<GattObject>,
    /// The largest packet that both sides support.
    pub(super) mtu: u16,
    pub(super) is_reachable: bool,
    /// When its next advertisement arrives, while a client discovers.
    pub(super) next_advertisement: Option<Instant>,
    /// The number of its link.
    pub(super) connected: Option<u64>,
    pub(super) is_paired: bool,
    /// The contents of its exported GATT objects.
    pub(super) attributes: BTreeMap<ObjectPath<'static>, Attribute>,
    /// The calls to answer later.
    connecting: Option<Message>,
    disconnecting: Vec<Message>,
    pairing: Option<Message>,
    /// The operations in order, of which the first is running.
    pub(super) operations: VecDeque<Operation>,
}

impl RemoteDevice {
    pub(super) fn new(number: usize, advert: Advert) -> Self {
        let path = format!("{ADAPTER_PATH}/dev_{}", advert.address.joined("_"));
        Self {
            number,
            path: ObjectPath::from_string_unchecked(path),
            is_reachable: !advert.is_stale,
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

    pub(super) fn is_advertising(&self) -> bool {
        self.is_reachable && self.connected.is_none() && !self.has(LinkTrouble::Held)
    }

    /// Whether a link to it is possible.
    fn is_connectable(&self) -> bool {
        self.is_advertising() && self.radio.is_some() && !self.has(LinkTrouble::Vanishes)
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
        self.send(ToDevice::Connected(connection));
        bluez.objects.set(&self.path, [("Connected", true.into())]);
    }

    /// Schedules an action on this link, or without a link. If that has changed, nothing happens.
    pub(super) fn schedule(
        &self,
        bluez: &mut Bluez,
        wait: Duration,
        action: impl FnOnce(&mut Self, &mut Bluez) + 'static,
    ) {
        let (device, connected) = (self.number, self.connected);
        let action: Action = Box::new(move |remote, bluez| {
            if remote.connected == connected {
                action(remote, bluez);
            }
        });
        let timer = sleep(wait).map(move |()| (device, action));
        bluez.timers.push(timer.boxed_local());
    }

    /// Encrypts the link with keys of both sides.
    pub(super) fn encrypt(&mut self, bluez: &mut Bluez) {
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
        for Operation { call, .. } in self.operations.drain(..) {
            bluez.objects.refuse(&call, &DbusError::from_att(UNLIKELY));
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
        self.attributes.clear();
        self.troubles.retain(|trouble| !trouble.is_in_cache());
        self.cancel_connect(bluez);
        bluez.objects.remove(&self.path);
    }

    /// Handles an event of the device.
    pub(super) fn handle_event(&mut self, event: FromDevice, bluez: &mut Bluez) {
        match event {
            FromDevice::Reachable(is_reachable) => self.set_reachable(is_reachable, bluez),
            FromDevice::Answered(operation, outcome) => {
                self.finish_operation(operation, outcome, bluez);
            }
            FromDevice::LinkLost(link) if self.connected == Some(link) => self.lose_link(bluez),
            // It is an earlier link.
            FromDevice::LinkLost(_) => {}
            FromDevice::Gone => {
                self.is_reachable = false;
                self.disconnect("the service ended", bluez);
            }
        }
    }

    pub(super) fn call_device(
        &mut self,
        call: &Message,
        member: &str,
        bluez: &mut Bluez,
    ) -> Answered {
        match member {
            "Connect" => self.call_connect(call, bluez),
            "Disconnect" => Ok(self.call_disconnect(call, bluez)),
            "Pair" => self.call_pair(call, bluez),
            _ => Err(DbusError::UNKNOWN_METHOD),
        }
    }

    fn call_connect(&mut self, call: &Message, bluez: &mut Bluez) -> Answered {
        if !bluez.is_powered {
            return Err(DbusError::failed("Input/output error"));
        }
        if self.connected.is_some() {
            return Ok(DbusAnswer::Empty);
        }
        if self.connecting.is_some() {
            return Err(DbusError::IN_PROGRESS);
        }
        self.connecting = Some(call.clone());
        let fails_once = self.take_trouble(LinkTrouble::ConnectFailsOnce);
        if self.is_connectable() && !fails_once {
            self.complete_connect(bluez);
            return Ok(DbusAnswer::Sent);
        }
        let is_rejected = self.radio.is_none() && self.is_advertising();
        let wait = if fails_once || is_rejected {
            PACKETS_TIME
        } else {
            bluez.scale(CONNECT_TIMEOUT, MIN_CONNECT_TIMEOUT)
        };
        let attempt = call.recv_position();
        self.schedule(bluez, wait, move |remote, bluez| {
            let connecting = &mut remote.connecting;
            if let Some(call) = connecting.take_if(|call| call.recv_position() == attempt) {
                let refusal = DbusError::failed("le-connection-abort-by-local");
                bluez.objects.refuse(&call, &refusal);
            }
        });
        Ok(DbusAnswer::Sent)
    }

    /// Completes a connection. BlueZ discovers the services after its answer.
    fn complete_connect(&mut self, bluez: &mut Bluez) {
        self.set_connected(bluez);
        if let Some(call) = self.connecting.take() {
            bluez.objects.reply(&call, &());
        }
        if self.take_trouble(LinkTrouble::LostBeforeResolved) {
            self.schedule(bluez, PACKETS_TIME, |remote, bluez| {
                remote.disconnect("lost before its services were known", bluez);
            });
        } else if !self.has(LinkTrouble::Unresolved) {
            // Four operations: the MTU, services, characteristics, descriptors.
            let operations = bluez.settings.operation_wait.saturating_mul(4);
            self.schedule(
                bluez,
                PACKETS_TIME.saturating_add(operations),
                Self::resolve_services,
            );
        }
    }

    fn set_reachable(&mut self, is_reachable: bool, bluez: &mut Bluez) {
        self.is_reachable = is_reachable;
        if self.connecting.is_some() && self.is_connectable() {
            self.complete_connect(bluez);
        }
    }

    fn call_disconnect(&mut self, call: &Message, bluez: &mut Bluez) -> DbusAnswer {
        self.cancel_connect(bluez);
        if self.connected.is_none() {
            return DbusAnswer::Empty;
        }
        self.disconnecting.push(call.clone());
        let wait = bluez.scale(DISCONNECT_DELAY, Duration::ZERO);
        self.schedule(bluez, wait, |remote, bluez| {
            remote.disconnect(BY_THE_CLIENT, bluez);
        });
        DbusAnswer::Sent
    }

    fn cancel_connect(&mut self, bluez: &mut Bluez) {
        if let Some(call) = self.connecting.take() {
            let refusal = DbusError::failed("le-connection-canceled");
            bluez.objects.refuse(&call, &refusal);
        }
    }

    fn call_pair(&mut self, call: &Message, bluez: &mut Bluez) -> Answered {
        if self.is_paired {
            return Err(DbusError::bluez("AlreadyExists", "Already Exists"));
        }
        if self.pairing.is_some() {
            return Err(DbusError::IN_PROGRESS);
        }
        if self.connected.is_none() {
            return Err(DbusError::bluez("ConnectionAttemptFailed", "Page Timeout"));
        }
        self.pairing = Some(call.clone());
        self.schedule(bluez, PACKETS_TIME, |remote, bluez| {
            let Some(call) = remote.pairing.take() else {
                return;
            };
            if remote
                .troubles
                .iter()
                .any(|trouble| trouble.refuses_pairing())
            {
                let refusal = DbusError::bluez("AuthenticationFailed", "Authentication Failed");
                bluez.objects.refuse(&call, &refusal);
                remote.disconnect(NOT_PAIRED, bluez);
            } else {
                remote.encrypt(bluez);
                bluez.objects.reply(&call, &());
            }
        });
        Ok(DbusAnswer::Sent)
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
/// `DISCONNECT_TIMER`.
const DISCONNECT_DELAY: Duration = Duration::from_secs(2);
/// How long the kernel waits for an absent device.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(41);
const MIN_CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// The duration of a few packets.
const PACKETS_TIME: Duration = Duration::from_millis(10);
