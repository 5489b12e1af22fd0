//! What a RainMaker application adds to a device: a node with a key, an owner to come, and a cloud
//! that hears of both. Not the messages of its endpoints, nor the way to the cloud.

use tokio::time::Instant;

use super::node_key::{KeyKind, NodeKey, Signing};
use super::offering::Association;
use super::scenario::Scenario;
use crate::emulator::log::{Entry, Log};
use crate::emulator::node_cloud::{Message, NodeCloud};
use crate::secret::Secret;

/// What a node is made with.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// Its id; before it was claimed, its MAC address.
    pub id: String,
    /// Its key, which a device has even before it was claimed.
    pub key: NodeKey,
    /// Which endpoint it has.
    pub association: Association,
    /// Whether the cloud knows it. One that was not claimed joins its network and tells nobody.
    pub is_claimed: bool,
    /// The cloud that it reports to, if there is one.
    pub cloud: Option<NodeCloud>,
}

impl NodeSettings {
    /// Which endpoint it has and which key: what scenarios depend on.
    pub fn nature(&self) -> (Association, KeyKind) {
        (self.association, self.key.kind())
    }
}

/// A node at work.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) settings: NodeSettings,
    scenarios: Vec<Scenario>,
    /// When a client switched off its signatures. In RAM, as in firmware: a restart clears it, and
    /// `--state` does not keep it.
    pub(super) switched_off: Option<Instant>,
    /// The last user that a client sent, until the cloud can hear of it.
    mapping: Option<Message>,
    is_online: bool,
    /// What the cloud is to hear, in order, and the medium has not fetched yet.
    pub(super) outgoing: Vec<Message>,
}

impl Node {
    pub(super) fn new(settings: NodeSettings, scenarios: &[Scenario]) -> Self {
        Self {
            settings,
            scenarios: scenarios.to_vec(),
            switched_off: None,
            mapping: None,
            is_online: false,
            outgoing: Vec::new(),
        }
    }

    /// As after a power cycle.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.settings.clone(), &self.scenarios);
    }

    /// Whether it signs nothing.
    pub(super) fn is_disabled(&self) -> bool {
        self.acts_out(Scenario::ChalRespDisabled) || self.switched_off.is_some()
    }

    fn acts_out(&self, scenario: Scenario) -> bool {
        self.scenarios.contains(&scenario)
    }

    /// Signs as the scenario has it; `None` if that fails.
    pub(super) fn sign(&self, challenge: &[u8]) -> Option<Vec<u8>> {
        let signing = self.scenarios.iter().find_map(|scenario| match scenario {
            Scenario::WrongSignature => Some(Signing::OtherBytes),
            Scenario::Pkcs1Signature => Some(Signing::Pkcs1),
            Scenario::RawSignature => Some(Signing::Raw),
            _ => None,
        });
        let key = &self.settings.key;
        key.sign(challenge, signing.unwrap_or_default())
    }

    /// Keeps a user for the cloud, in place of one that it has not heard of.
    pub(super) fn map_to(&mut self, user_id: String, secret_key: String, log: &mut Log) {
        log.write(&Entry::UserMappingReceived {
            user_id: user_id.clone(),
            secret_key: secret_key.clone(),
        });
        let mut secret_key = Secret::new(secret_key);
        if self.acts_out(Scenario::WrongSecretKey) {
            secret_key = Secret::new(format!("not-{}", secret_key.expose()));
        }
        let is_sent = !self.acts_out(Scenario::NoUserMappingMessage);
        self.mapping = is_sent.then_some(Message::UserMapping {
            user_id,
            secret_key,
        });
        if self.is_online {
            self.outgoing.extend(self.mapping.take());
        }
    }

    /// It is on a network, and would reach its cloud from there.
    pub(super) fn go_online(&mut self) {
        if self.settings.is_claimed {
            self.is_online = true;
            self.outgoing.push(Message::Online);
            self.outgoing.extend(self.mapping.take());
        }
    }
}
