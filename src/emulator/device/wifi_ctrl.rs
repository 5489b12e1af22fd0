//! prov-ctrl on the device (`NP/src/network_ctrl.c`): resets the manager, if that accepts it, and refuses
//! to provision the device again.

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
                let accepted = self.manager.reset(now);
                if accepted {
                    self.store_credentials(None);
                }
                self.log.write(&DeviceEvent::Reset { accepted });
                status_of(accepted)
            }
            Ok(Msg::TypeCmdCtrlWifiReprov) => {
                // Only an application that keeps the service after provisioning allows that.
                self.log.write(&DeviceEvent::Reprov { accepted: false });
                Status::InternalError
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
