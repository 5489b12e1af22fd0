//! `ch_resp` on the device (`esp_rmaker_chal_resp.c`): signs challenges until a client disables it.

use prost::Message as _;
use tokio::time::Instant;

use super::node::NodeState;
use super::reply::{Refusal, decode, refuse, unknown_command};
use crate::emulator::log::{DeviceEvent, Log};
use crate::proto::rmaker_ch_resp::{
    RMakerChRespMsgType as Msg, RMakerChRespPayload, RMakerChRespStatus as Status, RespCrPayload,
    r_maker_ch_resp_payload::Payload,
};

pub(super) fn handle(
    node: &mut NodeState,
    log: &mut Log,
    now: Instant,
    request: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let mut reply = RMakerChRespPayload::default();
    reply.set_msg(Msg::TypeRespChallengeResponse);
    // Firmware checks the flag before it reads the request, so it answers any request as a challenge.
    if node.is_disabled() {
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
            let payload = node
                .sign(&challenge)
                .ok_or_else(|| refuse("a challenge that could not be signed"))?;
            let node_id = node.settings.id.clone();
            log.write(&DeviceEvent::ChallengeSigned {
                node_id: node_id.clone(),
                challenge_bytes: challenge.len(),
            });
            let signed = RespCrPayload { payload, node_id };
            reply.payload = Some(Payload::RespChallengeResponsePayload(signed));
        }
        // Its body is not read: it is empty, if there is one.
        Ok(Msg::TypeCmdDisableChalResp) => {
            node.disabled_at.get_or_insert(now);
            log.write(&DeviceEvent::ChalRespDisabled);
            reply.set_msg(Msg::TypeRespDisableChalResp);
        }
        // The protocol also has a command for the node id, which no firmware supports.
        _ => return Err(unknown_command()),
    }
    Ok(reply.encode_to_vec())
}
