//! `cloud_user_assoc`: sends a device its owner's user id, and a secret key with which it confirms
//! the mapping to the cloud. Firmware with challenge-response does not have this endpoint.
//!
//! Source: esp-rainmaker `esp_rmaker_user_mapping.c`.

use prost::Message as _;
use zeroize::Zeroizing;

use super::command::{Command, ReplyError, check_named_status, decode_message, unexpected};
use super::node_id::parse_node_id;
use crate::proto::EndpointName;
use crate::proto::rainmaker::r_maker_config_payload::Payload;
use crate::proto::rainmaker::{
    CmdSetUserMapping, RMakerConfigMsgType, RMakerConfigPayload, RMakerConfigStatus,
};
use crate::secret::Secret;

/// Sends the user id and the secret key. The device passes both to the cloud once it is online.
#[derive(Clone, Debug)]
pub struct SetUserMapping {
    /// The owner's user id.
    pub user_id: String,
    /// The key that proves that both halves of the mapping belong together.
    pub secret_key: Secret<String>,
}

impl Command for SetUserMapping {
    const ENDPOINT: EndpointName = EndpointName::CLOUD_USER_ASSOC;
    /// The node id.
    type Reply = String;

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut message = RMakerConfigPayload {
            msg: RMakerConfigMsgType::TypeCmdSetUserMapping.into(),
            payload: Some(Payload::CmdSetUserMapping(CmdSetUserMapping {
                user_id: self.user_id.clone(),
                secret_key: self.secret_key.expose().clone(),
            })),
        };
        let bytes = Zeroizing::new(message.encode_to_vec());
        if let Some(Payload::CmdSetUserMapping(command)) = &mut message.payload {
            zeroize::Zeroize::zeroize(&mut command.secret_key);
        }
        bytes
    }

    fn decode(response: &[u8]) -> Result<String, ReplyError> {
        const EXPECTED: ReplyError = unexpected("a node id");
        let message: RMakerConfigPayload = decode_message("cloud_user_assoc", response)?;
        if message.msg != i32::from(RMakerConfigMsgType::TypeRespSetUserMapping) {
            return Err(EXPECTED);
        }
        let Some(Payload::RespSetUserMapping(reply)) = message.payload else {
            return Err(EXPECTED);
        };
        let name = RMakerConfigStatus::try_from(reply.status).ok();
        check_named_status(reply.status, name.map(|name| name.as_str_name()))?;
        parse_node_id(&reply.node_id).ok_or(EXPECTED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(hex: &str) -> Result<String, ReplyError> {
        SetUserMapping::decode(&hex::decode(hex).unwrap())
    }

    #[test]
    fn encodes_bytes_of_firmware() {
        let command = SetUserMapping {
            user_id: "U".to_owned(),
            secret_key: Secret::new("S".to_owned()),
        };
        assert_eq!(hex::encode(command.encode()), "52060a0155120153");
        assert!(!format!("{command:?}").contains("\"S\""));
        assert_eq!(reply("08015a0712056e6f646531").unwrap(), "node1");
    }

    #[test]
    fn refusal_has_status_name() {
        let error = reply("08015a020801").unwrap_err();
        assert_eq!(error.to_string(), "the device refused: InvalidParam");
        let unknown = reply("08015a020809").unwrap_err();
        assert_eq!(unknown.to_string(), "the device refused: status 9");
    }

    #[test]
    fn reply_requires_valid_node_id() {
        // Empty, wrong type, no payload, no node id, invalid node id.
        for hex in [
            "",
            "0801",
            "5a0712056e6f646531",
            "08015a00",
            "08015a0312012f",
        ] {
            assert!(
                matches!(reply(hex), Err(ReplyError::Unexpected { .. })),
                "{hex}"
            );
        }
        assert!(matches!(reply("ff"), Err(ReplyError::Malformed { .. })));
    }
}
