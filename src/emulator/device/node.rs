//! What a RainMaker application adds to a device: a node with a key, the user that it is mapped to by one of
//! two endpoints, and messages to the cloud.

use prost::Message as _;
use serde_json::Value;
use tokio::time::Instant;

use super::node_key::{KeyKind, NodeKey, SignatureForm};
use super::offering::Association;
use super::reply::{Refusal, decode, refuse, respond, unknown_command};
use super::scenario::Scenario;
use crate::emulator::log::{DeviceEvent, Log};
use crate::emulator::node_cloud::{Message, NodeCloud};
use crate::proto::protocomm;
use crate::proto::rainmaker::{
    RMakerConfigMsgType, RMakerConfigPayload, RMakerConfigStatus, RespSetUserMapping,
    r_maker_config_payload,
};
use crate::proto::rmaker_ch_resp::{
    RMakerChRespMsgType as Msg, RMakerChRespPayload, RMakerChRespStatus as Status, RespCrPayload,
    r_maker_ch_resp_payload::Payload,
};
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

    fn acts_out(&self, scenario: Scenario) -> bool {
        self.scenarios.contains(&scenario)
    }

    /// `ch_resp` (`esp_rmaker_chal_resp.c`): signs challenges until a client disables it.
    pub(super) fn handle_challenge(
        &mut self,
        log: &mut Log,
        now: Instant,
        request: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let mut reply = RMakerChRespPayload::default();
        reply.set_msg(Msg::TypeRespChallengeResponse);
        // Firmware checks the flag before it reads the request, so it answers any request as a challenge.
        if self.acts_out(Scenario::ChalRespDisabled) || self.disabled_at.is_some() {
            reply.set_status(Status::Disabled);
            return Ok(reply.encode_to_vec());
        }
        let request: RMakerChRespPayload = decode(request)?;
        match Msg::try_from(request.msg) {
            Ok(Msg::TypeCmdChallengeResponse) => {
                let Some(Payload::CmdChallengeResponsePayload(command)) = request.payload else {
                    return Err(refuse("a command without its body"));
                };
                let challenge = command.payload;
                if challenge.is_empty() {
                    return Err(refuse("an empty challenge"));
                }
                let payload = self
                    .sign(&challenge)
                    .ok_or_else(|| refuse("a challenge that could not be signed"))?;
                let node_id = self.settings.id.clone();
                log.write(&DeviceEvent::ChallengeSigned {
                    node_id: node_id.clone(),
                    challenge_bytes: challenge.len(),
                });
                let signed = RespCrPayload { payload, node_id };
                reply.payload = Some(Payload::RespChallengeResponsePayload(signed));
            }
            // Its body is not read: it is empty, if there is one.
            Ok(Msg::TypeCmdDisableChalResp) => {
                self.disabled_at.get_or_insert(now);
                log.write(&DeviceEvent::ChalRespDisabled);
                reply.set_msg(Msg::TypeRespDisableChalResp);
            }
            // The protocol also has a command for the node id, which no firmware supports.
            _ => return Err(unknown_command()),
        }
        Ok(reply.encode_to_vec())
    }

    /// Signs in the scenario's form; `None` if that fails.
    fn sign(&self, challenge: &[u8]) -> Option<Vec<u8>> {
        let form = self.scenarios.iter().find_map(|scenario| match scenario {
            Scenario::WrongSignature => Some(SignatureForm::OtherBytes),
            Scenario::Pkcs1Signature => Some(SignatureForm::Pkcs1),
            Scenario::RawSignature => Some(SignatureForm::Raw),
            _ => None,
        });
        let key = &self.settings.key;
        key.sign(challenge, form.unwrap_or_default())
    }

    /// `cloud_user_assoc` (`esp_rmaker_user_mapping.c`): receives a user and a secret for the cloud, in place
    /// of a user that was not reported.
    pub(super) fn handle_user_mapping(
        &mut self,
        log: &mut Log,
        request: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let RMakerConfigPayload { msg, payload } = decode(request)?;
        if msg != i32::from(RMakerConfigMsgType::TypeCmdSetUserMapping) {
            return Err(unknown_command());
        }
        let Some(r_maker_config_payload::Payload::CmdSetUserMapping(command)) = payload else {
            return Err(refuse("a command without its body"));
        };
        let (user_id, secret_key) = (command.user_id, command.secret_key);
        let mut reply = RespSetUserMapping::default();
        if user_id.is_empty() || secret_key.is_empty() {
            reply.set_status(RMakerConfigStatus::InvalidParam);
            return Ok(respond(msg, protocomm::Status::Success, &reply));
        }
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
        reply.node_id.clone_from(&self.settings.id);
        Ok(respond(msg, protocomm::Status::Success, &reply))
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

/// The configuration that a node of this id reports to its cloud: a lamp with the services of RainMaker's
/// examples. The parameters have no effect.
pub fn node_config(node_id: &str) -> Value {
    let mut config: Value = serde_json::from_str(EXAMPLE).unwrap_or_default();
    if let Some(config) = config.as_object_mut() {
        config.insert("node_id".to_owned(), node_id.into());
    }
    config
}

const EXAMPLE: &str = include_str!("node_config.json");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn example_is_json_with_id_of_node() {
        let config = node_config("node-1");
        assert_eq!(config["node_id"], "node-1");
        assert_eq!(config["devices"][0]["name"], "Light");
    }
}
