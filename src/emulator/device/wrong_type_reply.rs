//! A well-formed answer of another type than the request requires. Only a fault sends it, no firmware.

use prost::{Message as _, encoding};

use super::endpoint::Endpoint;
use super::reply::encode;
use crate::proto::network_provisioning::{
    NetworkConfigMsgType as Config, NetworkCtrlMsgType as Control, NetworkScanMsgType as Scan,
};
use crate::proto::protocomm::SessionData;
use crate::proto::protocomm::session_data::Proto;
use crate::proto::rainmaker::RMakerConfigMsgType as UserMapping;
use crate::proto::rmaker_ch_resp::RMakerChRespMsgType as ChResp;

/// Creates the reply that replaces `answer`. Its body has default values, as after a success.
pub(super) fn wrong_type_reply(endpoint: Endpoint, answer: &[u8]) -> Vec<u8> {
    let [usual, other]: [i32; 2] = match endpoint {
        Endpoint::Version => return b"[]".to_vec(),
        Endpoint::Session => return wrong_handshake_reply(answer),
        Endpoint::Config => [
            Config::TypeRespApplyWifiConfig,
            Config::TypeRespSetWifiConfig,
        ]
        .map(Into::into),
        Endpoint::Control => [
            Control::TypeRespCtrlWifiReset,
            Control::TypeRespCtrlWifiReprov,
        ]
        .map(Into::into),
        Endpoint::Scan => {
            [Scan::TypeRespScanWifiStart, Scan::TypeRespScanWifiResult].map(Into::into)
        }
        Endpoint::ChallengeResponse => {
            [ChResp::TypeRespDisableChalResp, ChResp::TypeRespGetNodeId].map(Into::into)
        }
        // This endpoint has one type of answer, so a request replaces it.
        Endpoint::UserMapping => [UserMapping::TypeCmdSetUserMapping.into(); 2],
    };
    // The type follows the number of its field.
    let due = answer.get(1).copied().map(i32::from);
    let mut reply = encode(if due == Some(usual) { other } else { usual }, 0, &());
    if matches!(endpoint, Endpoint::ChallengeResponse) {
        // Firmware leaves the empty body out.
        reply.truncate(2);
    }
    reply
}

/// The other of a scheme's two handshake answers, with fields of proper lengths; Security 0 has one answer,
/// which its request replaces.
fn wrong_handshake_reply(answer: &[u8]) -> Vec<u8> {
    const FIRST: i32 = 1;
    const SECOND: i32 = 3;
    let due = SessionData::decode(answer).unwrap_or_default();
    let (kind, lengths): (_, &[(u32, usize)]) = match &due.proto {
        Some(Proto::Sec1(due)) if due.msg == FIRST => (SECOND, &[(3, 32)]),
        Some(Proto::Sec1(_)) => (FIRST, &[(2, 32), (3, 16)]),
        Some(Proto::Sec2(due)) if due.msg == FIRST => (SECOND, &[(2, 64), (3, 12)]),
        Some(Proto::Sec2(_)) => (FIRST, &[(2, 384), (3, 16)]),
        Some(Proto::Sec0(_)) | None => (0, &[]),
    };
    let (mut body, mut payload, mut reply) = (Vec::new(), Vec::new(), Vec::new());
    for (field, length) in lengths {
        encoding::bytes::encode(*field, &vec![1; *length], &mut body);
    }
    if kind > 0 {
        encoding::int32::encode(1, &kind, &mut payload);
        encoding::bytes::encode(kind.saturating_add(20).cast_unsigned(), &body, &mut payload);
    }
    let scheme = due.sec_ver;
    encoding::int32::encode(2, &scheme, &mut reply);
    encoding::bytes::encode(
        scheme.saturating_add(10).cast_unsigned(),
        &payload,
        &mut reply,
    );
    reply
}
