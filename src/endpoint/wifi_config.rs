//! `prov-config`: sends Wi-Fi credentials, makes the device join, and reads the state of the
//! connection. `flows::network` and `flows::join` define the order, the intervals and the limits.
//!
//! Source: `NP/src/network_config.c`.

use std::net::Ipv4Addr;

use derive_more::Display;
use prost::Message as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::command::{Command, ReplyError, check_status, decode_message, unexpected};
use super::wifi_scan::AuthMode;
use crate::ident::{Bssid, Passphrase, Ssid};
use crate::proto::EndpointName;
use crate::proto::network_provisioning::network_config_payload::Payload;
use crate::proto::network_provisioning::resp_get_wifi_status::State;
use crate::proto::network_provisioning::{
    CmdApplyWifiConfig, CmdGetWifiStatus, CmdSetWifiConfig, NetworkConfigMsgType as Msg,
    NetworkConfigPayload, RespGetWifiStatus, WifiStationState,
};

/// Sends the credentials. The device stores them and does nothing yet.
#[derive(Clone, Debug)]
pub struct SetWifi {
    /// 1 to 32 bytes.
    pub ssid: Ssid,
    /// Empty for an open network.
    pub passphrase: Passphrase,
}

impl Command for SetWifi {
    const ENDPOINT: EndpointName = EndpointName::PROV_CONFIG;
    type Reply = ();

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let command = CmdSetWifiConfig {
            ssid: self.ssid.as_bytes().to_vec(),
            passphrase: self.passphrase.expose().to_vec(),
            ..CmdSetWifiConfig::default()
        };
        encode(
            Msg::TypeCmdSetWifiConfig,
            Payload::CmdSetWifiConfig(command),
        )
    }

    fn decode(response: &[u8]) -> Result<(), ReplyError> {
        match decode(response, Msg::TypeRespSetWifiConfig)? {
            Some(Payload::RespSetWifiConfig(reply)) => check_status(reply.status),
            _ => Err(unexpected("an answer to the credentials")),
        }
    }
}

/// Makes the device join the stored network. The answer comes at once, the attempt a second later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplyWifi;

impl Command for ApplyWifi {
    const ENDPOINT: EndpointName = EndpointName::PROV_CONFIG;
    type Reply = ();

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let payload = Payload::CmdApplyWifiConfig(CmdApplyWifiConfig {});
        encode(Msg::TypeCmdApplyWifiConfig, payload)
    }

    fn decode(response: &[u8]) -> Result<(), ReplyError> {
        match decode(response, Msg::TypeRespApplyWifiConfig)? {
            Some(Payload::RespApplyWifiConfig(reply)) => check_status(reply.status),
            _ => Err(unexpected("an answer to apply")),
        }
    }
}

/// Asks for the state of the connection. The first answer "connected" ends the provisioning service
/// a second later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WifiStatus;

impl Command for WifiStatus {
    const ENDPOINT: EndpointName = EndpointName::PROV_CONFIG;
    type Reply = WifiState;

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let payload = Payload::CmdGetWifiStatus(CmdGetWifiStatus {});
        encode(Msg::TypeCmdGetWifiStatus, payload)
    }

    fn decode(response: &[u8]) -> Result<WifiState, ReplyError> {
        match decode(response, Msg::TypeRespGetWifiStatus)? {
            Some(Payload::RespGetWifiStatus(reply)) => WifiState::from_reply(reply),
            _ => Err(unexpected("the state of the connection")),
        }
    }
}

/// The state of the connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WifiState {
    /// The device joined and has an address.
    Connected(Box<ConnectedNetwork>),
    /// The device is joining. Devices also report this before anything was applied.
    Connecting {
        /// The remaining attempts, after a failed one, from firmware that counts them.
        attempts_remaining: Option<u32>,
    },
    /// The device gave up.
    Failed {
        /// The reason; `None` if the device reports none.
        reason: Option<JoinFailure>,
    },
}

impl WifiState {
    fn from_reply(reply: RespGetWifiStatus) -> Result<Self, ReplyError> {
        use WifiStationState::{Connected, Connecting, ConnectionFailed, Disconnected};
        check_status(reply.status)?;
        let connecting = |attempts_remaining| Ok(Self::Connecting { attempts_remaining });
        let failed = |reason| Ok(Self::Failed { reason });
        let state = WifiStationState::try_from(reply.wifi_sta_state);
        match (state, reply.state) {
            // proto3 omits the state because "connected" is zero: only the details prove it.
            (Ok(Connected), Some(State::WifiConnected(details))) => {
                Ok(Self::Connected(Box::new(ConnectedNetwork {
                    ip: details.ip4_addr.parse().ok(),
                    ssid: Ssid::from_bytes(details.ssid).ok(),
                    bssid: Bssid::from_bytes(&details.bssid),
                    channel: details.channel,
                    auth: AuthMode(details.auth_mode),
                })))
            }
            (Ok(Connecting | Disconnected), None) => connecting(None),
            (Ok(Connecting), Some(State::AttemptFailed(attempt))) => {
                connecting(Some(attempt.attempts_remaining))
            }
            (Ok(ConnectionFailed), None) => failed(None),
            (Ok(ConnectionFailed), Some(State::WifiFailReason(reason))) => {
                failed(Some(JoinFailure::from_number(reason)))
            }
            _ => Err(unexpected("the state of the connection")),
        }
    }
}

/// The network that a device joined, as the device reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedNetwork {
    /// `None` if the device's text is not an address.
    pub ip: Option<Ipv4Addr>,
    /// `None` if the device omits it.
    pub ssid: Option<Ssid>,
    /// In all known firmware, the bytes after a zero byte are garbage.
    pub bssid: Bssid,
    /// The Wi-Fi channel.
    pub channel: i32,
    /// The authentication mode of the access point.
    pub auth: AuthMode,
}

/// Why a device gave up joining. Firmware with a limit of attempts reports "authentication" for any
/// reason without a number.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq)]
pub enum JoinFailure {
    /// Probably a wrong passphrase.
    #[display("authentication failed")]
    Authentication,
    /// The device did not find the network.
    #[display("network not found")]
    NetworkNotFound,
    /// A number that no known firmware sends.
    #[display("reason {_0}")]
    Other(i32),
}

impl JoinFailure {
    const fn from_number(number: i32) -> Self {
        match number {
            0 => Self::Authentication,
            1 => Self::NetworkNotFound,
            other => Self::Other(other),
        }
    }
}

fn encode(msg: Msg, payload: Payload) -> Zeroizing<Vec<u8>> {
    let mut message = NetworkConfigPayload {
        msg: msg.into(),
        payload: Some(payload),
    };
    let encoded = Zeroizing::new(message.encode_to_vec());
    if let Some(Payload::CmdSetWifiConfig(command)) = &mut message.payload {
        command.passphrase.zeroize();
    }
    encoded
}

fn decode(response: &[u8], expected: Msg) -> Result<Option<Payload>, ReplyError> {
    let message: NetworkConfigPayload = decode_message("prov-config", response)?;
    if message.msg != i32::from(expected) {
        return Err(unexpected("an answer about the configuration"));
    }
    Ok(message.payload)
}
