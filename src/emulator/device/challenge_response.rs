//! `ch_resp` on the device (`esp_rmaker_chal_resp.c`): a challenge is signed, or the endpoint is
//! told to do so no more. Not how a signature is made.

use prost::Message as _;
use tokio::time::Instant;

use super::node::Node;
use super::reply::{Refusal, decode, refuse, unknown_command};
use crate::emulator::log::{Entry, Log};
use crate::proto::rmaker_ch_resp::r_maker_ch_resp_payload::Payload;
use crate::proto::rmaker_ch_resp::{
    RMakerChRespMsgType as Msg, RMakerChRespPayload, RMakerChRespStatus as Status, RespCrPayload,
};

pub(super) fn handle(
    node: &mut Node,
    log: &mut Log,
    now: Instant,
    request: &[u8],
) -> Result<Vec<u8>, Refusal> {
    // Firmware looks at the flag before it reads anything: whatever was asked is answered as if
    // it had been a challenge.
    if node.is_disabled() {
        let msg = Msg::TypeRespChallengeResponse;
        return Ok(encode(msg, Status::Disabled, None));
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
            let signature = node
                .sign(&challenge)
                .ok_or_else(|| refuse("a challenge that could not be signed"))?;
            let node_id = node.settings.id.clone();
            log.write(&Entry::ChallengeSigned {
                node_id: node_id.clone(),
                challenge_bytes: challenge.len(),
            });
            let signed = Payload::RespChallengeResponsePayload(RespCrPayload {
                payload: signature,
                node_id,
            });
            let msg = Msg::TypeRespChallengeResponse;
            Ok(encode(msg, Status::Success, Some(signed)))
        }
        // Its body is not looked at: it is empty, if there is one.
        Ok(Msg::TypeCmdDisableChalResp) => {
            node.switched_off.get_or_insert(now);
            log.write(&Entry::ChalRespDisabled);
            let msg = Msg::TypeRespDisableChalResp;
            Ok(encode(msg, Status::Success, None))
        }
        // The protocol has a command for the node id, and no firmware does.
        _ => Err(unknown_command()),
    }
}

fn encode(msg: Msg, status: Status, payload: Option<Payload>) -> Vec<u8> {
    let message = RMakerChRespPayload {
        msg: msg.into(),
        status: status.into(),
        payload,
    };
    message.encode_to_vec()
}
