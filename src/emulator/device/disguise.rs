//! An answer to a question that nobody asked: well-formed, of the endpoint's own messages, and of
//! another kind than the one that is due. For faults only; firmware does nothing like it.

use prost::Message;

use super::Endpoint;
use crate::proto::network_provisioning::network_config_payload::Payload as Config;
use crate::proto::network_provisioning::network_ctrl_payload::Payload as Control;
use crate::proto::network_provisioning::network_scan_payload::Payload as Scan;
use crate::proto::network_provisioning::{
    NetworkConfigMsgType, NetworkConfigPayload, NetworkCtrlMsgType, NetworkCtrlPayload,
    NetworkScanMsgType, NetworkScanPayload, RespCtrlWifiReprov, RespCtrlWifiReset,
    RespGetWifiStatus, RespScanWifiResult, RespScanWifiStart, RespSetWifiConfig, WifiStationState,
};
use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{
    S2SessionResp0, S2SessionResp1, Sec0Payload, Sec1MsgType, Sec1Payload, Sec2MsgType,
    Sec2Payload, SessionData, SessionResp0, SessionResp1, sec1_payload, sec2_payload,
};
use crate::proto::rainmaker::r_maker_config_payload::Payload as UserMapping;
use crate::proto::rainmaker::{CmdSetUserMapping, RMakerConfigMsgType, RMakerConfigPayload};
use crate::proto::rmaker_ch_resp::{RMakerChRespMsgType as ChRespMsgType, RMakerChRespPayload};

/// What is said instead of `answer`.
pub(super) fn another(endpoint: Endpoint, answer: &[u8]) -> Vec<u8> {
    match endpoint {
        Endpoint::Version => b"[]".to_vec(),
        Endpoint::Session => SessionData::decode(answer)
            .map_or_else(|_| answer.to_vec(), |data| handshake(&data).encode_to_vec()),
        Endpoint::Config => {
            let status = NetworkConfigMsgType::TypeRespGetWifiStatus;
            let set = NetworkConfigMsgType::TypeRespSetWifiConfig;
            let is_status = NetworkConfigPayload::decode(answer)
                .is_ok_and(|message| message.msg == i32::from(status));
            let (msg, payload) = if is_status {
                (set, Config::RespSetWifiConfig(RespSetWifiConfig::default()))
            } else {
                let reply = RespGetWifiStatus {
                    wifi_sta_state: WifiStationState::Connecting.into(),
                    ..RespGetWifiStatus::default()
                };
                (status, Config::RespGetWifiStatus(reply))
            };
            NetworkConfigPayload {
                msg: msg.into(),
                payload: Some(payload),
            }
            .encode_to_vec()
        }
        Endpoint::ChallengeResponse => {
            let disable = ChRespMsgType::TypeRespDisableChalResp;
            let is_disable =
                RMakerChRespPayload::decode(answer).is_ok_and(|message| message.msg() == disable);
            RMakerChRespPayload {
                msg: if is_disable {
                    ChRespMsgType::TypeRespGetNodeId
                } else {
                    disable
                }
                .into(),
                ..RMakerChRespPayload::default()
            }
            .encode_to_vec()
        }
        // It has one kind of answer, so this is a request.
        Endpoint::UserMapping => RMakerConfigPayload {
            msg: RMakerConfigMsgType::TypeCmdSetUserMapping.into(),
            payload: Some(UserMapping::CmdSetUserMapping(CmdSetUserMapping::default())),
        }
        .encode_to_vec(),
        Endpoint::Control => {
            let reset = NetworkCtrlMsgType::TypeRespCtrlWifiReset;
            let is_reset = NetworkCtrlPayload::decode(answer)
                .is_ok_and(|message| message.msg == i32::from(reset));
            let (msg, payload) = if is_reset {
                let reprov = NetworkCtrlMsgType::TypeRespCtrlWifiReprov;
                (reprov, Control::RespCtrlWifiReprov(RespCtrlWifiReprov {}))
            } else {
                (reset, Control::RespCtrlWifiReset(RespCtrlWifiReset {}))
            };
            NetworkCtrlPayload {
                msg: msg.into(),
                status: 0,
                payload: Some(payload),
            }
            .encode_to_vec()
        }
        Endpoint::Scan => {
            let start = NetworkScanMsgType::TypeRespScanWifiStart;
            let is_start = NetworkScanPayload::decode(answer)
                .is_ok_and(|message| message.msg == i32::from(start));
            let (msg, payload) = if is_start {
                let result = NetworkScanMsgType::TypeRespScanWifiResult;
                let reply = RespScanWifiResult::default();
                (result, Scan::RespScanWifiResult(reply))
            } else {
                (start, Scan::RespScanWifiStart(RespScanWifiStart {}))
            };
            NetworkScanPayload {
                msg: msg.into(),
                status: 0,
                payload: Some(payload),
            }
            .encode_to_vec()
        }
    }
}

/// The other of a scheme's two answers; Security 0 has one, and gets its request back.
fn handshake(due: &SessionData) -> SessionData {
    use sec1_payload::Payload as Sec1;
    use sec2_payload::Payload as Sec2;
    let proto = due.proto.as_ref().map(|proto| match proto {
        Proto::Sec0(_) => Proto::Sec0(Sec0Payload::default()),
        Proto::Sec1(payload) => {
            let (msg, payload) = if let Some(Sec1::Sr0(_)) = payload.payload {
                let reply = SessionResp1 {
                    device_verify_data: vec![0; 32],
                    ..SessionResp1::default()
                };
                (Sec1MsgType::Sec1Response1, Sec1::Sr1(reply))
            } else {
                let reply = SessionResp0 {
                    device_pubkey: vec![0; 32],
                    device_random: vec![0; 16],
                    ..SessionResp0::default()
                };
                (Sec1MsgType::Sec1Response0, Sec1::Sr0(reply))
            };
            Proto::Sec1(Sec1Payload {
                msg: msg.into(),
                payload: Some(payload),
            })
        }
        Proto::Sec2(payload) => {
            let (msg, payload) = if let Some(Sec2::Sr0(_)) = payload.payload {
                let reply = S2SessionResp1 {
                    device_proof: vec![0; 64],
                    device_nonce: vec![0; 12],
                    ..S2SessionResp1::default()
                };
                (Sec2MsgType::S2SessionResponse1, Sec2::Sr1(reply))
            } else {
                let reply = S2SessionResp0 {
                    device_pubkey: vec![1; 384],
                    device_salt: vec![1; 16],
                    ..S2SessionResp0::default()
                };
                (Sec2MsgType::S2SessionResponse0, Sec2::Sr0(reply))
            };
            Proto::Sec2(Sec2Payload {
                msg: msg.into(),
                payload: Some(payload),
            })
        }
    });
    SessionData {
        sec_ver: due.sec_ver,
        proto,
    }
}
