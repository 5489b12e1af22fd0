//! `prov-config`: give the device a network, have it joined, ask how that went. In which order,
//! how often and how long is `flows::network`'s.
//!
//! Source: `NP/src/network_config.c`.

use std::fmt;
use std::net::Ipv4Addr;

use prost::Message as _;
use zeroize::{Zeroize as _, Zeroizing};

use super::command::{Command, ReplyError, check_status};
use super::wifi_scan::AuthMode;
use crate::ident::{Bssid, Passphrase, Ssid};
use crate::proto::EndpointName;
use crate::proto::network_provisioning::network_config_payload::Payload;
use crate::proto::network_provisioning::resp_get_wifi_status::State;
use crate::proto::network_provisioning::{
    CmdApplyWifiConfig, CmdGetWifiStatus, CmdSetWifiConfig, NetworkConfigMsgType,
    NetworkConfigPayload, RespGetWifiStatus, WifiStationState,
};

/// Hands over a network. The device stores it and does nothing yet.
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
            NetworkConfigMsgType::TypeCmdSetWifiConfig,
            Payload::CmdSetWifiConfig(command),
        )
    }

    fn decode(response: &[u8]) -> Result<(), ReplyError> {
        match decode(response, NetworkConfigMsgType::TypeRespSetWifiConfig)? {
            Some(Payload::RespSetWifiConfig(reply)) => check_status(reply.status),
            _ => Err(ReplyError::Unexpected {
                expected: "an answer to the credentials",
            }),
        }
    }
}

/// Has the stored network joined. The answer comes at once, the attempt a second later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplyWifi;

impl Command for ApplyWifi {
    const ENDPOINT: EndpointName = EndpointName::PROV_CONFIG;
    type Reply = ();

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        encode(
            NetworkConfigMsgType::TypeCmdApplyWifiConfig,
            Payload::CmdApplyWifiConfig(CmdApplyWifiConfig {}),
        )
    }

    fn decode(response: &[u8]) -> Result<(), ReplyError> {
        match decode(response, NetworkConfigMsgType::TypeRespApplyWifiConfig)? {
            Some(Payload::RespApplyWifiConfig(reply)) => check_status(reply.status),
            _ => Err(ReplyError::Unexpected {
                expected: "an answer to apply",
            }),
        }
    }
}

/// Asks how joining goes. The first answer that says connected ends the service a second later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WifiStatus;

impl Command for WifiStatus {
    const ENDPOINT: EndpointName = EndpointName::PROV_CONFIG;
    type Reply = WifiState;

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        encode(
            NetworkConfigMsgType::TypeCmdGetWifiStatus,
            Payload::CmdGetWifiStatus(CmdGetWifiStatus {}),
        )
    }

    fn decode(response: &[u8]) -> Result<WifiState, ReplyError> {
        match decode(response, NetworkConfigMsgType::TypeRespGetWifiStatus)? {
            Some(Payload::RespGetWifiStatus(reply)) => WifiState::from_reply(reply),
            _ => Err(ReplyError::Unexpected {
                expected: "the state of the connection",
            }),
        }
    }
}

/// How joining goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WifiState {
    /// Joined, with an address.
    Connected(Box<ConnectedNetwork>),
    /// Under way. Also what a device says before anything was applied.
    Connecting {
        /// Set after a failed attempt, by firmware that counts them.
        attempts_remaining: Option<u32>,
    },
    /// Given up.
    Failed {
        /// Why; `None` when the device did not say.
        reason: Option<JoinFailure>,
    },
}

impl WifiState {
    fn from_reply(reply: RespGetWifiStatus) -> Result<Self, ReplyError> {
        check_status(reply.status)?;
        match (
            WifiStationState::try_from(reply.wifi_sta_state),
            reply.state,
        ) {
            // The state is zero on the wire and so is its absence: only the details prove it.
            (Ok(WifiStationState::Connected), Some(State::WifiConnected(details))) => {
                Ok(Self::Connected(Box::new(ConnectedNetwork {
                    ip: details.ip4_addr.parse().ok(),
                    ssid: Ssid::from_bytes(details.ssid).ok(),
                    bssid: Bssid::from_bytes(&details.bssid),
                    channel: details.channel,
                    auth: AuthMode(details.auth_mode),
                })))
            }
            (Ok(WifiStationState::Connecting | WifiStationState::Disconnected), None) => {
                Ok(Self::Connecting {
                    attempts_remaining: None,
                })
            }
            (Ok(WifiStationState::Connecting), Some(State::AttemptFailed(attempt))) => {
                Ok(Self::Connecting {
                    attempts_remaining: Some(attempt.attempts_remaining),
                })
            }
            (Ok(WifiStationState::ConnectionFailed), None) => Ok(Self::Failed { reason: None }),
            (Ok(WifiStationState::ConnectionFailed), Some(State::WifiFailReason(reason))) => {
                Ok(Self::Failed {
                    reason: Some(JoinFailure::from_number(reason)),
                })
            }
            _ => Err(ReplyError::Unexpected {
                expected: "the state of the connection",
            }),
        }
    }
}

/// The network that a device joined, as it reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectedNetwork {
    /// `None` when the device's text is no address.
    pub ip: Option<Ipv4Addr>,
    /// `None` when the device left it out.
    pub ssid: Option<Ssid>,
    /// What follows a zero byte in it is garbage in every firmware read.
    pub bssid: Bssid,
    /// The radio channel.
    pub channel: i32,
    /// How it authenticated.
    pub auth: AuthMode,
}

/// Why a device gave up joining. Firmware with a limit of attempts says "authentication" for any
/// reason it has no number for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinFailure {
    /// Probably a wrong passphrase.
    Authentication,
    /// No such network in the device's reach.
    NetworkNotFound,
    /// A number that no firmware read sends.
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

impl fmt::Display for JoinFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authentication => f.write_str("authentication failed"),
            Self::NetworkNotFound => f.write_str("network not found"),
            Self::Other(number) => write!(f, "reason {number}"),
        }
    }
}

fn encode(msg: NetworkConfigMsgType, payload: Payload) -> Zeroizing<Vec<u8>> {
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

fn decode(response: &[u8], due: NetworkConfigMsgType) -> Result<Option<Payload>, ReplyError> {
    let message = NetworkConfigPayload::decode(response).map_err(|_| ReplyError::Malformed {
        endpoint: "prov-config",
    })?;
    if message.msg != i32::from(due) {
        return Err(ReplyError::Unexpected {
            expected: "an answer about the configuration",
        });
    }
    Ok(message.payload)
}
