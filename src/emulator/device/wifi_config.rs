//! prov-config on the device (`NP/src/network_config.c`, `handlers.c`): stores and applies credentials.
//! The manager knows what follows.

use prost::Message as _;
use tokio::time::Instant;

use super::manager::{Manager, Reason, Station};
use super::reply::{Refusal, decode, response_to, unknown_command, without_body};
use super::wifi_scan::until_nul;
use crate::emulator::flash::{Flash, StoredConfig};
use crate::emulator::log::{DeviceEvent, Log, ProvEvent};
use crate::proto::network_provisioning::{
    self as np, NetworkConfigMsgType as Msg, WifiConnectFailedReason, WifiStationState,
    network_config_payload::Payload, resp_get_wifi_status::State,
};
use crate::proto::protocomm::Status;
use crate::secret::Secret;

pub(super) fn handle(
    manager: &mut Manager,
    flash: &mut Flash,
    log: &mut Log,
    now: Instant,
    request: &[u8],
) -> Result<Vec<u8>, Refusal> {
    let request: np::NetworkConfigPayload = decode(request)?;
    let rules = manager.rules();
    let is_thread = request.msg >= Msg::TypeCmdGetThreadStatus.into();
    let command = Msg::try_from(request.msg)
        .ok()
        .filter(|_| rules.has_thread || !is_thread);
    // Of the commands for Thread, which this device does not have.
    let status = Status::InvalidArgument.into();
    let payload = match (command, request.payload) {
        (Some(Msg::TypeCmdGetWifiStatus), _) => {
            Payload::RespGetWifiStatus(wifi_status(manager, log, now))
        }
        (Some(Msg::TypeCmdSetWifiConfig), Some(Payload::CmdSetWifiConfig(command))) => {
            let status = set_credentials(manager, log, &command).into();
            Payload::RespSetWifiConfig(np::RespSetWifiConfig { status })
        }
        (Some(Msg::TypeCmdApplyWifiConfig), _) => {
            let status = apply(manager, flash, log, now).into();
            Payload::RespApplyWifiConfig(np::RespApplyWifiConfig { status })
        }
        (Some(Msg::TypeCmdGetThreadStatus), _) => {
            let other = np::RespGetThreadStatus::default();
            Payload::RespGetThreadStatus(np::RespGetThreadStatus { status, ..other })
        }
        (Some(Msg::TypeCmdSetThreadConfig), Some(Payload::CmdSetThreadConfig(_))) => {
            Payload::RespSetThreadConfig(np::RespSetThreadConfig { status })
        }
        (Some(Msg::TypeCmdApplyThreadConfig), _) => {
            Payload::RespApplyThreadConfig(np::RespApplyThreadConfig { status })
        }
        (Some(Msg::TypeCmdSetWifiConfig | Msg::TypeCmdSetThreadConfig), _) => {
            return Err(without_body(rules));
        }
        _ => return Err(unknown_command()),
    };
    let message = np::NetworkConfigPayload {
        msg: response_to(request.msg),
        payload: Some(payload),
    };
    Ok(message.encode_to_vec())
}

/// Stores credentials. Only lengths are checked; BSSID and channel are ignored.
fn set_credentials(manager: &mut Manager, log: &mut Log, command: &np::CmdSetWifiConfig) -> Status {
    if !matches!(command.bssid.len(), 0 | 6)
        || command.ssid.len() > 32
        || command.passphrase.len() > 63
    {
        return Status::InvalidArgument;
    }
    log.write(&DeviceEvent::WifiSet {
        ssid: String::from_utf8_lossy(&command.ssid).into_owned(),
        ssid_hex: hex::encode(&command.ssid),
        passphrase: String::from_utf8_lossy(&command.passphrase).into_owned(),
        passphrase_hex: hex::encode(&command.passphrase),
    });
    // Both are copied as C strings.
    manager.store(StoredConfig {
        ssid: until_nul(&command.ssid),
        passphrase: Secret::new(until_nul(&command.passphrase)),
    });
    Status::Success
}

fn apply(manager: &mut Manager, flash: &mut Flash, log: &mut Log, now: Instant) -> Status {
    match manager.apply(now) {
        Ok(config) => {
            // Before the device knows whether they are right.
            log.write_state_error(flash.store(Some(config)));
            log.write(&DeviceEvent::prov_event(ProvEvent::CredRecv));
            log.write(&DeviceEvent::WifiApplied);
            Status::Success
        }
        Err(_) => Status::InternalError,
    }
}

fn wifi_status(manager: &mut Manager, log: &mut Log, now: Instant) -> np::RespGetWifiStatus {
    let (name, station, state) = match manager.report_station(now) {
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
    log.write(&DeviceEvent::WifiStatus { state: name });
    np::RespGetWifiStatus {
        status: Status::Success.into(),
        wifi_sta_state: station.into(),
        state,
    }
}
