//! `ch_resp` on the device (`esp_rmaker_chal_resp.c`): a challenge is signed, or the endpoint is
//! told to do so no more. Not how a signature is made.

use std::time::Duration;

use prost::Message as _;
use tokio::time::Instant;

use super::node::Node;
use super::{Handled, Refusal, refuse};
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
) -> Result<Handled, Refusal> {
    // Firmware looks at the flag before it reads anything: whatever was asked is answered as if
    // it had been a challenge.
    if node.is_disabled() {
        return Ok(reply(
            Msg::TypeRespChallengeResponse,
            Status::Disabled,
            None,
        ));
    }
    let request = RMakerChRespPayload::decode(request)
        .map_err(|_| refuse("a message that cannot be read"))?;
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
            let node_id = node.id().to_owned();
            log.write(&Entry::ChallengeSigned {
                node_id: node_id.clone(),
                challenge_bytes: challenge.len(),
            });
            let signed = RespCrPayload {
                payload: signature,
                node_id,
            };
            Ok(reply(
                Msg::TypeRespChallengeResponse,
                Status::Success,
                Some(Payload::RespChallengeResponsePayload(signed)),
            ))
        }
        // Its body is not looked at: it is empty, where there is one.
        Ok(Msg::TypeCmdDisableChalResp) => {
            node.switch_off(now);
            log.write(&Entry::ChalRespDisabled);
            Ok(reply(Msg::TypeRespDisableChalResp, Status::Success, None))
        }
        // The node id can be asked for in the protocol, and in no firmware.
        _ => Err(refuse("a command that does not exist")),
    }
}

fn reply(msg: Msg, status: Status, payload: Option<Payload>) -> Handled {
    let message = RMakerChRespPayload {
        msg: msg.into(),
        status: status.into(),
        payload,
    };
    Handled {
        bytes: message.encode_to_vec(),
        after: Duration::ZERO,
    }
}
