//! A well-formed answer of another type than the request asks for. For faults only: no firmware does
//! this.

use prost::Message;

use super::endpoint::Endpoint;
use crate::proto::network_provisioning::network_config_payload::Payload as Config;
use crate::proto::network_provisioning::network_ctrl_payload::Payload as Control;
use crate::proto::network_provisioning::network_scan_payload::Payload as Scan;
use crate::proto::network_provisioning::{
    NetworkConfigMsgType as ConfigMsg, NetworkConfigPayload, NetworkCtrlMsgType as ControlMsg,
    NetworkCtrlPayload, NetworkScanMsgType as ScanMsg, NetworkScanPayload, RespCtrlWifiReprov,
    RespCtrlWifiReset, RespGetWifiStatus, RespScanWifiResult, RespScanWifiStart, RespSetWifiConfig,
    WifiStationState,
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

/// What is sent instead of `answer`.
pub(super) fn wrong_type_reply(endpoint: Endpoint, answer: &[u8]) -> Vec<u8> {
    match endpoint {
        Endpoint::Version => b"[]".to_vec(),
        Endpoint::Session => other_type(answer, |due: SessionData, other| {
            other.sec_ver = due.sec_ver;
            other.proto = due.proto.map(handshake);
        }),
        Endpoint::Config => other_type(answer, |due: NetworkConfigPayload, other| {
            if due.msg() == ConfigMsg::TypeRespGetWifiStatus {
                let reply = RespSetWifiConfig::default();
                other.set_msg(ConfigMsg::TypeRespSetWifiConfig);
                other.payload = Some(Config::RespSetWifiConfig(reply));
            } else {
                let mut reply = RespGetWifiStatus::default();
                reply.set_wifi_sta_state(WifiStationState::Connecting);
                other.set_msg(ConfigMsg::TypeRespGetWifiStatus);
                other.payload = Some(Config::RespGetWifiStatus(reply));
            }
        }),
        Endpoint::Control => other_type(answer, |due: NetworkCtrlPayload, other| {
            if due.msg() == ControlMsg::TypeRespCtrlWifiReset {
                other.set_msg(ControlMsg::TypeRespCtrlWifiReprov);
                other.payload = Some(Control::RespCtrlWifiReprov(RespCtrlWifiReprov {}));
            } else {
                other.set_msg(ControlMsg::TypeRespCtrlWifiReset);
                other.payload = Some(Control::RespCtrlWifiReset(RespCtrlWifiReset {}));
            }
        }),
        Endpoint::Scan => other_type(answer, |due: NetworkScanPayload, other| {
            if due.msg() == ScanMsg::TypeRespScanWifiStart {
                let reply = RespScanWifiResult::default();
                other.set_msg(ScanMsg::TypeRespScanWifiResult);
                other.payload = Some(Scan::RespScanWifiResult(reply));
            } else {
                other.set_msg(ScanMsg::TypeRespScanWifiStart);
                other.payload = Some(Scan::RespScanWifiStart(RespScanWifiStart {}));
            }
        }),
        Endpoint::ChallengeResponse => other_type(answer, |due: RMakerChRespPayload, other| {
            other.set_msg(match due.msg() {
                ChRespMsg::TypeRespDisableChalResp => ChRespMsg::TypeRespGetNodeId,
                _ => ChRespMsg::TypeRespDisableChalResp,
            });
        }),
        // It has one type of answer, so this is a request.
        Endpoint::UserMapping => other_type(answer, |_: RMakerConfigPayload, other| {
            let command = CmdSetUserMapping::default();
            other.payload = Some(UserMapping::CmdSetUserMapping(command));
        }),
    }
}

/// Encodes the message that is made from the one that is due. An answer that cannot be read counts as
/// an empty message.
fn other_type<M: Message + Default>(answer: &[u8], change: impl Fn(M, &mut M)) -> Vec<u8> {
    let mut other = M::default();
    change(M::decode(answer).unwrap_or_default(), &mut other);
    other.encode_to_vec()
}

/// The other of a scheme's two answers; Security 0 has one, and gets its request back.
fn handshake(due: Proto) -> Proto {
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
