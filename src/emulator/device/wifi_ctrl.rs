//! prov-ctrl on the device (`NP/src/network_ctrl.c`): resets the manager, or lets a client provision the
//! device again, if the manager accepts that.

use tokio::time::Instant;

use super::Device;
use super::reply::{Refusal, decode, respond, status_of, unknown_command};
use crate::emulator::log::DeviceEvent;
use crate::proto::network_provisioning::{NetworkCtrlMsgType as Msg, NetworkCtrlPayload};
use crate::proto::protocomm::Status;

impl Device {
    pub(super) fn handle_control(
        &mut self,
        now: Instant,
        request: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        // No body is read: all are empty.
        let NetworkCtrlPayload { msg, .. } = decode(request)?;
        let status = match Msg::try_from(msg) {
            Ok(Msg::TypeCmdCtrlWifiReset) => {
                let accepted = self.manager.reset(now).is_ok();
                if accepted {
                    self.store_credentials(None);
                }
                self.log.write(&DeviceEvent::Reset { accepted });
                status_of(accepted)
            }
            Ok(Msg::TypeCmdCtrlWifiReprov) => {
                let accepted = self.manager.reprovision(now).is_ok();
                self.log.write(&DeviceEvent::Reprov { accepted });
                status_of(accepted)
            }
            Ok(Msg::TypeCmdCtrlThreadReset | Msg::TypeCmdCtrlThreadReprov)
                if self.settings.rules().has_thread =>
            {
                Status::InvalidArgument
            }
            _ => return Err(unknown_command()),
        };
        Ok(respond(msg, status, &()))
    }
}
