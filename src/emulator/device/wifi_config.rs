//! prov-config on the device (`NP/src/network_config.c`, `handlers.c`): stores and applies credentials.
//! The manager knows what follows.

use tokio::time::Instant;

use super::Device;
use super::manager::{Reason, Station};
use super::reply::{Refusal, decode, respond, unknown_command, without_body};
use super::wifi_scan::until_nul;
use crate::emulator::flash::StoredConfig;
use crate::emulator::log::{DeviceEvent, ProvEvent};
use crate::proto::network_provisioning::{
    self as np, NetworkConfigMsgType as Msg, WifiConnectFailedReason, WifiStationState,
    network_config_payload::Payload, resp_get_wifi_status::State,
};
use crate::proto::protocomm::Status;
use crate::secret::Secret;

impl Device {
    pub(super) fn handle_config(
        &mut self,
        now: Instant,
        request: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        let np::NetworkConfigPayload { msg, payload } = decode(request)?;
        let rules = self.settings.rules();
        let is_supported = rules.has_thread || msg < Msg::TypeCmdGetThreadStatus.into();
        let command = Msg::try_from(msg).ok().filter(|_| is_supported);
        let status = match (command, payload) {
            (Some(Msg::TypeCmdGetWifiStatus), _) => {
                return Ok(respond(msg, Status::Success, &self.wifi_status(now)));
            }
            (Some(Msg::TypeCmdSetWifiConfig), Some(Payload::CmdSetWifiConfig(command))) => {
                self.set_credentials(&command)
            }
            (Some(Msg::TypeCmdApplyWifiConfig), _) => self.apply_credentials(now),
            // Of Thread, which this device does not have.
            (Some(Msg::TypeCmdGetThreadStatus | Msg::TypeCmdApplyThreadConfig), _)
            | (Some(Msg::TypeCmdSetThreadConfig), Some(Payload::CmdSetThreadConfig(_))) => {
                Status::InvalidArgument
            }
            (Some(Msg::TypeCmdSetWifiConfig | Msg::TypeCmdSetThreadConfig), _) => {
                return Err(without_body(rules));
            }
            _ => return Err(unknown_command()),
        };
        // The other responses have the same body: only a status.
        let status = status.into();
        Ok(respond(
            msg,
            Status::Success,
            &np::RespSetWifiConfig { status },
        ))
    }

    /// Stores credentials. Only lengths are checked; BSSID and channel are ignored.
    fn set_credentials(&mut self, command: &np::CmdSetWifiConfig) -> Status {
        let (ssid, passphrase) = (&command.ssid, &command.passphrase);
        if !matches!(command.bssid.len(), 0 | 6) || ssid.len() > 32 || passphrase.len() > 63 {
            return Status::InvalidArgument;
        }
        self.log.write(&DeviceEvent::WifiSet {
            ssid: String::from_utf8_lossy(ssid).into_owned(),
            ssid_hex: hex::encode(ssid),
            passphrase: String::from_utf8_lossy(passphrase).into_owned(),
            passphrase_hex: hex::encode(passphrase),
        });
        // Both are copied as C strings.
        self.manager.store(StoredConfig {
            ssid: until_nul(ssid),
            passphrase: Secret::new(until_nul(passphrase)),
        });
        Status::Success
    }

    fn apply_credentials(&mut self, now: Instant) -> Status {
        let Some(config) = self.manager.apply(now) else {
            return Status::InternalError;
        };
        // Before the device knows whether they are right.
        self.store_credentials(Some(config));
        self.log.write_prov_event(ProvEvent::CredRecv);
        self.log.write(&DeviceEvent::WifiApplied);
        Status::Success
    }

    fn wifi_status(&mut self, now: Instant) -> np::RespGetWifiStatus {
        let (name, station, state) = match self.manager.report_station(now) {
            Station::Connecting => ("connecting", WifiStationState::Connecting, None),
            Station::AttemptFailed { remaining } => {
                let attempts_remaining = remaining;
                let state = State::AttemptFailed(np::WifiAttemptFailed { attempts_remaining });
                ("attempt_failed", WifiStationState::Connecting, Some(state))
            }
            Station::Connected(point) => {
                let state = State::WifiConnected(np::WifiConnectedState {
                    ip4_addr: point.ip.to_string(),
                    auth_mode: point.auth.into(),
                    ssid: until_nul(&point.ssid),
                    bssid: point.bssid.to_vec(),
                    channel: point.channel.into(),
                });
                ("connected", WifiStationState::Connected, Some(state))
            }
            Station::Failed(reason) => {
                let reason = match reason {
                    Reason::AuthError => WifiConnectFailedReason::AuthError,
                    Reason::NetworkNotFound => WifiConnectFailedReason::WifiNetworkNotFound,
                };
                let state = State::WifiFailReason(reason.into());
                ("failed", WifiStationState::ConnectionFailed, Some(state))
            }
        };
        self.log.write(&DeviceEvent::WifiStatus { state: name });
        np::RespGetWifiStatus {
            status: Status::Success.into(),
            wifi_sta_state: station.into(),
            state,
        }
    }
}
