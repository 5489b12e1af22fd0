//! What a RainMaker application adds to a device: a node with a key, the user that it is mapped to, and
//! messages to the cloud.

use tokio::time::Instant;

use super::node_key::{KeyKind, NodeKey, SignatureForm};
use super::offering::Association;
use super::scenario::Scenario;
use crate::emulator::log::{DeviceEvent, Log};
use crate::emulator::node_cloud::{Message, NodeCloud};
use crate::secret::Secret;

/// The settings of a node.
#[derive(Clone, Debug)]
pub struct NodeSettings {
    /// Its id; before claiming, its MAC address.
    pub id: String,
    /// Its key, which a device has even before claiming.
    pub key: NodeKey,
    /// How it is mapped to a user.
    pub association: Association,
    /// Whether it is claimed. The cloud does not know an unclaimed node, which sends no messages.
    pub is_claimed: bool,
    /// The cloud that it reports to, if there is one.
    pub cloud: Option<NodeCloud>,
}

impl NodeSettings {
    /// How it is mapped, and its kind of key: scenarios depend on these.
    pub fn nature(&self) -> (Association, KeyKind) {
        (self.association, self.key.kind())
    }
}

/// The state of a node.
#[derive(Debug)]
pub(super) struct NodeState {
    pub(super) settings: NodeSettings,
    scenarios: Vec<Scenario>,
    /// When a client disabled its signatures. In RAM, as in firmware: a restart clears it, and
    /// `--state` does not keep it.
    pub(super) disabled_at: Option<Instant>,
    /// The last user that a client sent, until the node can report it to the cloud.
    mapping: Option<Message>,
    is_online: bool,
    /// Messages to the cloud, in order.
    pub(super) outgoing: Vec<Message>,
}

impl NodeState {
    pub(super) fn new(settings: NodeSettings, scenarios: &[Scenario]) -> Self {
        Self {
            settings,
            scenarios: scenarios.to_vec(),
            disabled_at: None,
            mapping: None,
            is_online: false,
            outgoing: Vec::new(),
        }
    }

    /// Returns to the state after a power cycle.
    pub(super) fn restart(&mut self) {
        *self = Self::new(self.settings.clone(), &self.scenarios);
    }

    /// Whether it signs no challenges.
    pub(super) fn is_disabled(&self) -> bool {
        self.acts_out(Scenario::ChalRespDisabled) || self.disabled_at.is_some()
    }

    fn acts_out(&self, scenario: Scenario) -> bool {
        self.scenarios.contains(&scenario)
    }

    /// Signs in the scenario's form; `None` if that fails.
    pub(super) fn sign(&self, challenge: &[u8]) -> Option<Vec<u8>> {
        let form = self.scenarios.iter().find_map(|scenario| match scenario {
            Scenario::WrongSignature => Some(SignatureForm::OtherBytes),
            Scenario::Pkcs1Signature => Some(SignatureForm::Pkcs1),
            Scenario::RawSignature => Some(SignatureForm::Raw),
            _ => None,
        });
        let key = &self.settings.key;
        key.sign(challenge, form.unwrap_or_default())
    }

    /// Stores a user for the cloud, in place of one that was not reported.
    pub(super) fn map_to_user(&mut self, user_id: String, secret_key: String, log: &mut Log) {
        log.write(&DeviceEvent::UserMappingReceived {
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

    /// Reports to the cloud that the node is online, and its user.
    pub(super) fn go_online(&mut self) {
        if self.settings.is_claimed {
            self.is_online = true;
            self.outgoing.push(Message::Online);
            self.outgoing.extend(self.mapping.take());
        }
    }
}
