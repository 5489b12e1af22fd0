//! What the host knows of one device in the air or in its cache. Not what it does about it.

use std::collections::{BTreeMap, VecDeque};

use tokio::sync::mpsc;
use tokio::time::Instant;
use zbus::ObjectPath;
use zbus::message::Message;

use super::super::advert::Advert;
use super::super::layout::{Attribute, Service};
use super::super::link::{Operation, ToDevice};
use super::super::trouble::LinkTrouble;
use super::adapter::ADAPTER_PATH;

/// A device.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own, as BlueZ has it"
)]
pub(in super::super) struct Remote {
    pub(in super::super) advert: Advert,
    pub(super) path: ObjectPath<'static>,
    pub(in super::super) troubles: Vec<LinkTrouble>,
    /// The way to it. `None`: it is an advertisement and nothing more.
    pub(in super::super) radio: Option<mpsc::UnboundedSender<ToDevice>>,
    /// What it really has.
    pub(in super::super) services: Vec<Service>,
    /// What BlueZ remembers instead, until it forgets the device.
    pub(in super::super) remembered: Option<Vec<Service>>,
    /// The largest packet that both ends take.
    pub(in super::super) mtu: u16,
    pub(in super::super) advertising: bool,
    /// Known from before the first discovery.
    pub(in super::super) is_known_from_before: bool,
    /// Whether it is forgotten when it is not seen for a while.
    pub(super) is_temporary: bool,
    /// How often it was seen in the present discovery.
    pub(super) seen: u32,
    pub(super) last_seen: Option<Instant>,
    pub(super) connected: Option<u64>,
    pub(super) is_resolved: bool,
    pub(super) is_paired: bool,
    /// What its objects are, while they are there.
    pub(super) attributes: BTreeMap<ObjectPath<'static>, Attribute>,
    /// Calls that are to be answered when it is time.
    pub(super) connecting: Option<(u64, Message)>,
    pub(super) disconnecting: Vec<Message>,
    pub(super) pairing: Option<Message>,
    /// Operations in order; the first is under way.
    pub(super) operations: VecDeque<Pending>,
}

/// An operation that a client waits for.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub(super) id: u64,
    pub(super) call: Message,
    pub(super) path: ObjectPath<'static>,
    pub(super) is_write: bool,
    pub(super) operation: Operation,
    pub(super) is_under_way: bool,
    /// It waits for a pairing that does not end.
    pub(super) awaits_pairing: bool,
}

impl Remote {
    /// One in reach. `None`: never, because every address makes a path.
    pub(in super::super) fn new(advert: Advert) -> Option<Self> {
        let path = format!("{ADAPTER_PATH}/{}", advert.address.node());
        Some(Self {
            path: ObjectPath::try_from(path).ok()?,
            advert,
            troubles: Vec::new(),
            radio: None,
            services: Vec::new(),
            remembered: None,
            mtu: 23,
            advertising: true,
            is_known_from_before: false,
            is_temporary: true,
            seen: 0,
            last_seen: None,
            connected: None,
            is_resolved: false,
            is_paired: false,
            attributes: BTreeMap::new(),
            connecting: None,
            disconnecting: Vec::new(),
            pairing: None,
            operations: VecDeque::new(),
        })
    }

    pub(super) fn has(&self, trouble: LinkTrouble) -> bool {
        self.troubles.contains(&trouble)
    }

    /// Takes the calls about it that wait for an answer, when there is no link any more either.
    pub(super) fn unanswered(&mut self) -> Vec<Message> {
        self.connected = None;
        self.is_resolved = false;
        self.attributes.clear();
        let operations = std::mem::take(&mut self.operations);
        let connecting = self.connecting.take().map(|(_, call)| call);
        operations
            .into_iter()
            .map(|pending| pending.call)
            .chain(connecting)
            .chain(std::mem::take(&mut self.disconnecting))
            .chain(self.pairing.take())
            .collect()
    }

    /// Whether it has a trouble that is there once.
    pub(super) fn had(&mut self, trouble: LinkTrouble) -> bool {
        let had = self.has(trouble);
        self.troubles.retain(|one| *one != trouble);
        had
    }
}
