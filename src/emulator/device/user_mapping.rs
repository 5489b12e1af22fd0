//! `cloud_user_assoc` on the device (`esp_rmaker_user_mapping.c`): receives a user and a secret. The node
//! decides when it sends them to the cloud.

use super::node::NodeState;
use super::reply::{Refusal, decode, refuse, respond, unknown_command};
use crate::emulator::log::Log;
use crate::proto::protocomm;
use crate::proto::rainmaker::{
    RMakerConfigMsgType as Msg, RMakerConfigPayload, RMakerConfigStatus as Status,
    RespSetUserMapping, r_maker_config_payload::Payload,
};

pub(super) fn handle(
    node: &mut NodeState,
    log: &mut Log,
    request: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let request: RMakerConfigPayload = decode(request)?;
    if Msg::try_from(request.msg) != Ok(Msg::TypeCmdSetUserMapping) {
        return Err(unknown_command());
    }
    let Some(Payload::CmdSetUserMapping(command)) = request.payload else {
        return Err(refuse("a command without its body"));
    };
    let mut reply = RespSetUserMapping {
        status: Status::InvalidParam.into(),
        node_id: String::new(),
    };
    if !command.user_id.is_empty() && !command.secret_key.is_empty() {
        node.map_to_user(command.user_id, command.secret_key, log);
        reply.status = Status::Success.into();
        reply.node_id.clone_from(&node.settings.id);
    }
    Ok(respond(
        Msg::TypeCmdSetUserMapping.into(),
        protocomm::Status::Success,
        &reply,
    ))
}
