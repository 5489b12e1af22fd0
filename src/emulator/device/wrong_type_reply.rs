//! A well-formed answer of another type than the request requires. Only a fault sends it, no firmware.

use prost::Message;

use super::endpoint::Endpoint;
use super::reply::encode;
use crate::proto::network_provisioning::{
    NetworkConfigMsgType as Config, NetworkCtrlMsgType as Control, NetworkScanMsgType as Scan,
    RespGetWifiStatus, WifiStationState,
};
use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{
    S2SessionResp0, S2SessionResp1, Sec0Payload, Sec1MsgType, Sec1Payload, Sec2MsgType,
    Sec2Payload, SessionData, SessionResp0, SessionResp1, Status, sec1_payload::Payload as Sec1,
    sec2_payload::Payload as Sec2,
};
use crate::proto::rmaker_ch_resp::RMakerChRespMsgType as ChResp;

/// Creates the reply that replaces `answer`.
pub(super) fn wrong_type_reply(endpoint: Endpoint, answer: &[u8]) -> Vec<u8> {
    let [usual, other] = match endpoint {
        Endpoint::Version => return b"[]".to_vec(),
        Endpoint::Session => {
            let mut reply = SessionData::decode(answer).unwrap_or_default();
            reply.proto = reply.proto.map(replace_handshake);
            return reply.encode_to_vec();
        }
        Endpoint::Config => {
            let mut status = RespGetWifiStatus::default();
            status.set_wifi_sta_state(WifiStationState::Connecting);
            [
                encode(Config::TypeRespGetWifiStatus.into(), 0, &status),
                encode(Config::TypeRespSetWifiConfig.into(), 0, &()),
            ]
        }
        Endpoint::Control => [
            Control::TypeRespCtrlWifiReset,
            Control::TypeRespCtrlWifiReprov,
        ]
        .map(|kind| encode(kind.into(), 0, &())),
        Endpoint::Scan => [Scan::TypeRespScanWifiStart, Scan::TypeRespScanWifiResult]
            .map(|kind| encode(kind.into(), 0, &())),
        Endpoint::ChallengeResponse => [ChResp::TypeRespDisableChalResp, ChResp::TypeRespGetNodeId]
            .map(|kind| encode(kind.into(), 0, &())),
        // This endpoint has one type of answer, so a request replaces it.
        Endpoint::UserMapping => return encode(0, 0, &()),
    };
    // An answer begins with its type.
    if usual.get(..2) == answer.get(..2) {
        other
    } else {
        usual
    }
}

/// The other of a scheme's two handshake answers; Security 0 has one, which its request replaces.
fn replace_handshake(due: Proto) -> Proto {
    let status = Status::Success.into();
    let sec1 = |kind: Sec1MsgType, body| {
        let (msg, payload) = (kind.into(), Some(body));
        Proto::Sec1(Sec1Payload { msg, payload })
    };
    let sec2 = |kind: Sec2MsgType, body| {
        let (msg, payload) = (kind.into(), Some(body));
        Proto::Sec2(Sec2Payload { msg, payload })
    };
    match due {
        Proto::Sec0(_) => Proto::Sec0(Sec0Payload::default()),
        Proto::Sec1(due) if matches!(due.payload, Some(Sec1::Sr0(_))) => {
            let device_verify_data = vec![0; 32];
            let body = SessionResp1 {
                status,
                device_verify_data,
            };
            sec1(Sec1MsgType::Sec1Response1, Sec1::Sr1(body))
        }
        Proto::Sec1(_) => {
            let (device_pubkey, device_random) = (vec![0; 32], vec![0; 16]);
            let body = SessionResp0 {
                status,
                device_pubkey,
                device_random,
            };
            sec1(Sec1MsgType::Sec1Response0, Sec1::Sr0(body))
        }
        Proto::Sec2(due) if matches!(due.payload, Some(Sec2::Sr0(_))) => {
            let (device_proof, device_nonce) = (vec![0; 64], vec![0; 12]);
            let body = S2SessionResp1 {
                status,
                device_proof,
                device_nonce,
            };
            sec2(Sec2MsgType::S2SessionResponse1, Sec2::Sr1(body))
        }
        Proto::Sec2(_) => {
            let (device_pubkey, device_salt) = (vec![1; 384], vec![1; 16]);
            let body = S2SessionResp0 {
                status,
                device_pubkey,
                device_salt,
            };
            sec2(Sec2MsgType::S2SessionResponse0, Sec2::Sr0(body))
        }
    }
}
