//! prov-config on the device (`NP/src/network_config.c`, `handlers.c`): raw messages to stored
//! and applied credentials. Not what comes of them, which is the manager's.

use std::time::Duration;

use prost::Message as _;
use tokio::time::Instant;

use super::manager::{Manager, Reason, Station};
use super::wifi_scan::until_nul;
use super::{Handled, Refusal, refuse, without_body};
use crate::emulator::flash::{Flash, StoredConfig};
use crate::emulator::log::{Entry, Log, ProvEvent};
use crate::ident::encode_hex;
use crate::proto::network_provisioning::network_config_payload::Payload;
use crate::proto::network_provisioning::resp_get_wifi_status::State;
use crate::proto::network_provisioning::{
    CmdSetWifiConfig, NetworkConfigMsgType as Msg, NetworkConfigPayload, RespApplyThreadConfig,
    RespApplyWifiConfig, RespGetThreadStatus, RespGetWifiStatus, RespSetThreadConfig,
    RespSetWifiConfig, WifiAttemptFailed, WifiConnectFailedReason, WifiConnectedState,
    WifiStationState,
};
use crate::proto::protocomm::Status;
use crate::secret::Secret;

pub(super) fn handle(
    manager: &mut Manager,
    flash: &mut Flash,
    log: &mut Log,
    now: Instant,
    request: &[u8],
) -> Result<Handled, Refusal> {
    let request = NetworkConfigPayload::decode(request)
        .map_err(|_| refuse("a message that cannot be read"))?;
    let rules = manager.rules();
    let wrong_network = i32::from(Status::InvalidArgument);
    let (msg, payload) = match (Msg::try_from(request.msg), request.payload) {
        (Ok(Msg::TypeCmdGetWifiStatus), _) => (
            Msg::TypeRespGetWifiStatus,
            Payload::RespGetWifiStatus(status(manager, log, now)),
        ),
        (Ok(Msg::TypeCmdSetWifiConfig), Some(Payload::CmdSetWifiConfig(command))) => {
            let status = set(manager, log, &command).into();
            (
                Msg::TypeRespSetWifiConfig,
                Payload::RespSetWifiConfig(RespSetWifiConfig { status }),
            )
        }
        (Ok(Msg::TypeCmdApplyWifiConfig), _) => {
            let status = apply(manager, flash, log, now).into();
            (
                Msg::TypeRespApplyWifiConfig,
                Payload::RespApplyWifiConfig(RespApplyWifiConfig { status }),
            )
        }
        (Ok(Msg::TypeCmdGetThreadStatus), _) if rules.knows_thread => (
            Msg::TypeRespGetThreadStatus,
            Payload::RespGetThreadStatus(RespGetThreadStatus {
                status: wrong_network,
                ..RespGetThreadStatus::default()
            }),
        ),
        (Ok(Msg::TypeCmdSetThreadConfig), Some(Payload::CmdSetThreadConfig(_)))
            if rules.knows_thread =>
        {
            (
                Msg::TypeRespSetThreadConfig,
                Payload::RespSetThreadConfig(RespSetThreadConfig {
                    status: wrong_network,
                }),
            )
        }
        (Ok(Msg::TypeCmdApplyThreadConfig), _) if rules.knows_thread => (
            Msg::TypeRespApplyThreadConfig,
            Payload::RespApplyThreadConfig(RespApplyThreadConfig {
                status: wrong_network,
            }),
        ),
        (Ok(Msg::TypeCmdSetWifiConfig), _) => return Err(without_body(rules)),
        (Ok(Msg::TypeCmdSetThreadConfig), _) if rules.knows_thread => {
            return Err(without_body(rules));
        }
        _ => return Err(refuse("a command that does not exist")),
    };
    let bytes = NetworkConfigPayload {
        msg: msg.into(),
        payload: Some(payload),
    }
    .encode_to_vec();
    Ok(Handled {
        bytes,
        after: Duration::ZERO,
    })
}

/// Lengths are all that is checked; BSSID and channel are taken and ignored.
fn set(manager: &mut Manager, log: &mut Log, command: &CmdSetWifiConfig) -> Status {
    if !matches!(command.bssid.len(), 0 | 6)
        || command.ssid.len() > 32
        || command.passphrase.len() > 63
    {
        return Status::InvalidArgument;
    }
    log.write(&Entry::WifiSet {
        ssid: String::from_utf8_lossy(&command.ssid).into_owned(),
        ssid_hex: encode_hex(&command.ssid),
        passphrase: String::from_utf8_lossy(&command.passphrase).into_owned(),
        passphrase_hex: encode_hex(&command.passphrase),
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
            // Before it is known whether they are right.
            log.kept(flash.store(Some(config)));
            log.write(&Entry::prov_event(ProvEvent::CredRecv));
            log.write(&Entry::WifiApplied);
            Status::Success
        }
        Err(_) => Status::InternalError,
    }
}

fn status(manager: &mut Manager, log: &mut Log, now: Instant) -> RespGetWifiStatus {
    let (told, station, state) = match manager.report(now) {
        Station::Connecting => ("connecting", WifiStationState::Connecting, None),
        Station::AttemptFailed { remaining } => (
            "attempt_failed",
            WifiStationState::Connecting,
            Some(State::AttemptFailed(WifiAttemptFailed {
                attempts_remaining: remaining,
            })),
        ),
        Station::Connected(point) => (
            "connected",
            WifiStationState::Connected,
            Some(State::WifiConnected(WifiConnectedState {
                ip4_addr: point.ip.to_string(),
                auth_mode: point.auth.into(),
                ssid: until_nul(&point.ssid),
                bssid: point.bssid.to_vec(),
                channel: point.channel.into(),
            })),
        ),
        Station::Failed(reason) => {
            let reason = match reason {
                Reason::AuthError => WifiConnectFailedReason::AuthError,
                Reason::NetworkNotFound => WifiConnectFailedReason::WifiNetworkNotFound,
            };
            (
                "failed",
                WifiStationState::ConnectionFailed,
                Some(State::WifiFailReason(reason.into())),
            )
        }
    };
    log.write(&Entry::WifiStatus { state: told });
    RespGetWifiStatus {
        status: Status::Success.into(),
        wifi_sta_state: station.into(),
        state,
    }
}
