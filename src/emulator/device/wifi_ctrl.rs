//! prov-ctrl on the device (`NP/src/network_ctrl.c`): back to the start, or provisioning anew.
//! Not when that is allowed, which the manager decides.

use std::time::Duration;

use prost::Message as _;
use tokio::time::Instant;

use super::manager::{Manager, WrongState};
use super::{Handled, Refusal, refuse};
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
) -> Result<Handled, Refusal> {
    let request =
        NetworkCtrlPayload::decode(request).map_err(|_| refuse("a message that cannot be read"))?;
    let rules = manager.rules();
    // No body is looked at: all are empty.
    let (msg, status, payload) = match Msg::try_from(request.msg) {
        Ok(Msg::TypeCmdCtrlWifiReset) => {
            let done = manager.reset(now);
            if done.is_ok() {
                log.kept(flash.store(None));
            }
            log.write(&Entry::Reset {
                accepted: done.is_ok(),
            });
            (
                Msg::TypeRespCtrlWifiReset,
                status_of(done),
                Payload::RespCtrlWifiReset(RespCtrlWifiReset {}),
            )
        }
        Ok(Msg::TypeCmdCtrlWifiReprov) => {
            let done = manager.reprovision(now);
            log.write(&Entry::Reprov {
                accepted: done.is_ok(),
            });
            (
                Msg::TypeRespCtrlWifiReprov,
                status_of(done),
                Payload::RespCtrlWifiReprov(RespCtrlWifiReprov {}),
            )
        }
        Ok(Msg::TypeCmdCtrlThreadReset) if rules.knows_thread => (
            Msg::TypeRespCtrlThreadReset,
            Status::InvalidArgument,
            Payload::RespCtrlThreadReset(RespCtrlThreadReset {}),
        ),
        Ok(Msg::TypeCmdCtrlThreadReprov) if rules.knows_thread => (
            Msg::TypeRespCtrlThreadReprov,
            Status::InvalidArgument,
            Payload::RespCtrlThreadReprov(RespCtrlThreadReprov {}),
        ),
        _ => return Err(refuse("a command that does not exist")),
    };
    let bytes = NetworkCtrlPayload {
        msg: msg.into(),
        status: status.into(),
        payload: Some(payload),
    }
    .encode_to_vec();
    Ok(Handled {
        bytes,
        after: Duration::ZERO,
    })
}

fn status_of(done: Result<(), WrongState>) -> Status {
    match done {
        Ok(()) => Status::Success,
        Err(WrongState) => Status::InternalError,
    }
}
