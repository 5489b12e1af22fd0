//! `cloud_user_assoc` on the device (`esp_rmaker_user_mapping.c`): it is told a user and a secret.
//! Not when the cloud hears of them, which is the node's.

use std::time::Duration;

use prost::Message as _;

use super::node::{Node, UserMapping};
use super::{Handled, Refusal, refuse};
use crate::emulator::log::Log;
use crate::proto::rainmaker::r_maker_config_payload::Payload;
use crate::proto::rainmaker::{
    RMakerConfigMsgType as Msg, RMakerConfigPayload, RMakerConfigStatus as Status,
    RespSetUserMapping,
};
use crate::secret::Secret;

pub(super) fn handle(node: &mut Node, log: &mut Log, request: &[u8]) -> Result<Handled, Refusal> {
    let request = RMakerConfigPayload::decode(request)
        .map_err(|_| refuse("a message that cannot be read"))?;
    if Msg::try_from(request.msg) != Ok(Msg::TypeCmdSetUserMapping) {
        return Err(refuse("a command that does not exist"));
    }
    let Some(Payload::CmdSetUserMapping(command)) = request.payload else {
        return Err(refuse("a command without its body"));
    };
    let reply = if command.user_id.is_empty() || command.secret_key.is_empty() {
        RespSetUserMapping {
            status: Status::InvalidParam.into(),
            node_id: String::new(),
        }
    } else {
        let mapping = UserMapping {
            user_id: command.user_id,
            secret_key: Secret::new(command.secret_key),
        };
        node.map_to(mapping, log);
        RespSetUserMapping {
            status: Status::Success.into(),
            node_id: node.id().to_owned(),
        }
    };
    let message = RMakerConfigPayload {
        msg: Msg::TypeRespSetUserMapping.into(),
        payload: Some(Payload::RespSetUserMapping(reply)),
    };
    Ok(Handled {
        bytes: message.encode_to_vec(),
        after: Duration::ZERO,
    })
}
