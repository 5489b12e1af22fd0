//! prov-ctrl on the device (`NP/src/network_ctrl.c`): resets the manager, or lets a client provision the
//! device again, if the manager accepts that.

use prost::Message as _;
use tokio::time::Instant;

use super::manager::Manager;
use super::reply::{Refusal, decode, response_to, status_of, unknown_command};
use crate::emulator::flash::Flash;
use crate::emulator::log::{DeviceEvent, Log};
use crate::proto::network_provisioning::{
    self as np, NetworkCtrlMsgType as Msg, network_ctrl_payload::Payload,
};
use crate::proto::protocomm::Status;

pub(super) fn handle(
    manager: &mut Manager,
    flash: &mut Flash,
    log: &mut Log,
    now: Instant,
    request: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let request: np::NetworkCtrlPayload = decode(request)?;
    let has_thread = manager.rules().has_thread;
    // No body is read: all are empty.
    let mut status = Status::InvalidArgument;
    let payload = match Msg::try_from(request.msg) {
        Ok(Msg::TypeCmdCtrlWifiReset) => {
            let accepted = manager.reset(now).is_ok();
            if accepted {
                log.write_state_error(flash.store(None));
            }
            log.write(&DeviceEvent::Reset { accepted });
            status = status_of(accepted);
            Payload::RespCtrlWifiReset(np::RespCtrlWifiReset {})
        }
        Ok(Msg::TypeCmdCtrlWifiReprov) => {
            let accepted = manager.reprovision(now).is_ok();
            log.write(&DeviceEvent::Reprov { accepted });
            status = status_of(accepted);
            Payload::RespCtrlWifiReprov(np::RespCtrlWifiReprov {})
        }
        Ok(Msg::TypeCmdCtrlThreadReset) if has_thread => {
            Payload::RespCtrlThreadReset(np::RespCtrlThreadReset {})
        }
        Ok(Msg::TypeCmdCtrlThreadReprov) if has_thread => {
            Payload::RespCtrlThreadReprov(np::RespCtrlThreadReprov {})
        }
        _ => return Err(unknown_command()),
    };
    let message = np::NetworkCtrlPayload {
        msg: response_to(request.msg),
        status: status.into(),
        payload: Some(payload),
    };
    Ok(message.encode_to_vec())
}
