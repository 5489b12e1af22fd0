//! A well-formed answer of another type than the request requires. Only a fault sends it, no firmware.

use prost::Message;

use super::endpoint::Endpoint;
use crate::proto::network_provisioning::{
    self as np, NetworkConfigMsgType as ConfigMsg, NetworkCtrlMsgType as ControlMsg,
    NetworkScanMsgType as ScanMsg, network_config_payload::Payload as Config,
    network_ctrl_payload::Payload as Control, network_scan_payload::Payload as Scan,
};
use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{
    S2SessionResp0, S2SessionResp1, Sec0Payload, Sec1MsgType, Sec1Payload, Sec2MsgType,
    Sec2Payload, SessionData, SessionResp0, SessionResp1, sec1_payload::Payload as Sec1,
    sec2_payload::Payload as Sec2,
};
use crate::proto::rainmaker::r_maker_config_payload::Payload as UserMapping;
use crate::proto::rainmaker::{CmdSetUserMapping, RMakerConfigPayload};
use crate::proto::rmaker_ch_resp::{RMakerChRespMsgType as ChRespMsg, RMakerChRespPayload};

/// Creates the reply that replaces `answer`.
pub(super) fn wrong_type_reply(endpoint: Endpoint, answer: &[u8]) -> Vec<u8> {
    match endpoint {
        Endpoint::Version => b"[]".to_vec(),
        Endpoint::Session => replace_message(answer, |due: SessionData, other| {
            other.sec_ver = due.sec_ver;
            other.proto = due.proto.map(replace_handshake);
        }),
        Endpoint::Config => replace_message(answer, |due: np::NetworkConfigPayload, other| {
            if due.msg() == ConfigMsg::TypeRespGetWifiStatus {
                let reply = np::RespSetWifiConfig::default();
                other.set_msg(ConfigMsg::TypeRespSetWifiConfig);
                other.payload = Some(Config::RespSetWifiConfig(reply));
            } else {
                let mut reply = np::RespGetWifiStatus::default();
                reply.set_wifi_sta_state(np::WifiStationState::Connecting);
                other.set_msg(ConfigMsg::TypeRespGetWifiStatus);
                other.payload = Some(Config::RespGetWifiStatus(reply));
            }
        }),
        Endpoint::Control => replace_message(answer, |due: np::NetworkCtrlPayload, other| {
            if due.msg() == ControlMsg::TypeRespCtrlWifiReset {
                other.set_msg(ControlMsg::TypeRespCtrlWifiReprov);
                other.payload = Some(Control::RespCtrlWifiReprov(np::RespCtrlWifiReprov {}));
            } else {
                other.set_msg(ControlMsg::TypeRespCtrlWifiReset);
                other.payload = Some(Control::RespCtrlWifiReset(np::RespCtrlWifiReset {}));
            }
        }),
        Endpoint::Scan => replace_message(answer, |due: np::NetworkScanPayload, other| {
            if due.msg() == ScanMsg::TypeRespScanWifiStart {
                let reply = np::RespScanWifiResult::default();
                other.set_msg(ScanMsg::TypeRespScanWifiResult);
                other.payload = Some(Scan::RespScanWifiResult(reply));
            } else {
                other.set_msg(ScanMsg::TypeRespScanWifiStart);
                other.payload = Some(Scan::RespScanWifiStart(np::RespScanWifiStart {}));
            }
        }),
        Endpoint::ChallengeResponse => {
            replace_message(answer, |due: RMakerChRespPayload, other| {
                other.set_msg(match due.msg() {
                    ChRespMsg::TypeRespDisableChalResp => ChRespMsg::TypeRespGetNodeId,
                    _ => ChRespMsg::TypeRespDisableChalResp,
                });
            })
        }
        // This endpoint has one type of answer, so a request replaces it.
        Endpoint::UserMapping => replace_message(answer, |_: RMakerConfigPayload, other| {
            let command = CmdSetUserMapping::default();
            other.payload = Some(UserMapping::CmdSetUserMapping(command));
        }),
    }
}

/// Encodes the message that `change` makes of the due message. An unreadable answer counts as an empty
/// message.
fn replace_message<M: Message + Default>(answer: &[u8], change: impl Fn(M, &mut M)) -> Vec<u8> {
    let mut other = M::default();
    change(M::decode(answer).unwrap_or_default(), &mut other);
    other.encode_to_vec()
}

/// The other of a scheme's two handshake answers; Security 0 has one, which its request replaces.
fn replace_handshake(due: Proto) -> Proto {
    match due {
        Proto::Sec0(_) => Proto::Sec0(Sec0Payload::default()),
        Proto::Sec1(due) => {
            let mut other = Sec1Payload::default();
            if let Some(Sec1::Sr0(_)) = due.payload {
                other.set_msg(Sec1MsgType::Sec1Response1);
                other.payload = Some(Sec1::Sr1(SessionResp1 {
                    device_verify_data: vec![0; 32],
                    ..SessionResp1::default()
                }));
            } else {
                other.set_msg(Sec1MsgType::Sec1Response0);
                other.payload = Some(Sec1::Sr0(SessionResp0 {
                    device_pubkey: vec![0; 32],
                    device_random: vec![0; 16],
                    ..SessionResp0::default()
                }));
            }
            Proto::Sec1(other)
        }
        Proto::Sec2(due) => {
            let mut other = Sec2Payload::default();
            if let Some(Sec2::Sr0(_)) = due.payload {
                other.set_msg(Sec2MsgType::S2SessionResponse1);
                other.payload = Some(Sec2::Sr1(S2SessionResp1 {
                    device_proof: vec![0; 64],
                    device_nonce: vec![0; 12],
                    ..S2SessionResp1::default()
                }));
            } else {
                other.set_msg(Sec2MsgType::S2SessionResponse0);
                other.payload = Some(Sec2::Sr0(S2SessionResp0 {
                    device_pubkey: vec![1; 384],
                    device_salt: vec![1; 16],
                    ..S2SessionResp0::default()
                }));
            }
            Proto::Sec2(other)
        }
    }
}
