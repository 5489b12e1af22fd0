//! prov-ctrl on the device (`NP/src/network_ctrl.c`): back to the start, or provisioning anew.
//! Not when that is allowed, which the manager decides.

use prost::Message as _;
use tokio::time::Instant;

use super::manager::Manager;
use super::reply::{Refusal, decode, response_to, status_of, unknown_command};
use crate::emulator::flash::Flash;
use crate::emulator::log::{Entry, Log};
use crate::proto::network_provisioning::network_ctrl_payload::Payload;
use crate::proto::network_provisioning::{
    NetworkCtrlMsgType as Msg, NetworkCtrlPayload, RespCtrlThreadReprov, RespCtrlThreadReset,
    RespCtrlWifiReprov, RespCtrlWifiReset,
};
use crate::proto::protocomm::Status;

pub(super) fn handle(
    manager: &mut Manager,
    flash: &mut Flash,
    log: &mut Log,
    now: Instant,
    request: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let request: NetworkCtrlPayload = decode(request)?;
    let knows_thread = manager.rules().knows_thread;
    // No body is looked at: all are empty.
    let mut status = Status::InvalidArgument;
    let payload = match Msg::try_from(request.msg) {
        Ok(Msg::TypeCmdCtrlWifiReset) => {
            let accepted = manager.reset(now).is_ok();
            if accepted {
                log.kept(flash.store(None));
            }
            log.write(&Entry::Reset { accepted });
            status = status_of(accepted);
            Payload::RespCtrlWifiReset(RespCtrlWifiReset {})
        }
        Ok(Msg::TypeCmdCtrlWifiReprov) => {
            let accepted = manager.reprovision(now).is_ok();
            log.write(&Entry::Reprov { accepted });
            status = status_of(accepted);
            Payload::RespCtrlWifiReprov(RespCtrlWifiReprov {})
        }
        Ok(Msg::TypeCmdCtrlThreadReset) if knows_thread => {
            Payload::RespCtrlThreadReset(RespCtrlThreadReset {})
        }
        Ok(Msg::TypeCmdCtrlThreadReprov) if knows_thread => {
            Payload::RespCtrlThreadReprov(RespCtrlThreadReprov {})
        }
        _ => return Err(unknown_command()),
    };
    let message = NetworkCtrlPayload {
        msg: response_to(request.msg),
        status: status.into(),
        payload: Some(payload),
    };
    Ok(message.encode_to_vec())
}
