//! `ch_resp`: makes a device sign a challenge with its node key, and disables this endpoint
//! afterwards.
//!
//! Firmware checks whether the endpoint is disabled before it reads the message, so it answers
//! every request with the status "disabled". If it does not sign, it closes the connection without
//! a reason. Its messages include a request for the node id alone, but its code does not. Source:
//! esp-rainmaker `esp_rmaker_chal_resp.c`.

use prost::Message as _;
use zeroize::Zeroizing;

use super::command::{Command, ReplyError, check_named_status, decode_message, unexpected};
use super::node_id::parse_node_id;
use crate::proto::EndpointName;
use crate::proto::rmaker_ch_resp::r_maker_ch_resp_payload::Payload;
use crate::proto::rmaker_ch_resp::{
    CmdCrPayload, CmdDisableChalRespPayload, RMakerChRespMsgType as Msg, RMakerChRespPayload,
    RMakerChRespStatus as Status,
};

/// The capability with which firmware lists this endpoint.
pub const CHALLENGE_RESPONSE: &str = "ch_resp";

/// Requests a signature of these bytes.
#[derive(Clone, Debug)]
pub struct SignChallenge {
    /// The challenge from the cloud.
    pub challenge: String,
}

/// The signer and the signature: ECDSA P-256 as DER, or RSA-PSS (SHA-256 in both).
#[derive(Clone, derive_more::Debug, PartialEq, Eq)]
pub struct Signed {
    /// The id of the node that signed.
    pub node_id: String,
    /// The signature as the device sent it.
    #[debug("{:?}", hex::encode(signature))]
    pub signature: Vec<u8>,
}

/// A device's answer to a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenged {
    /// The device signed.
    Signed(Signed),
    /// The endpoint is disabled until the device restarts.
    Disabled,
}

impl Command for SignChallenge {
    const ENDPOINT: EndpointName = EndpointName::CH_RESP;
    type Reply = Challenged;

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let payload = self.challenge.clone().into_bytes();
        let payload = Payload::CmdChallengeResponsePayload(CmdCrPayload { payload });
        encode(Msg::TypeCmdChallengeResponse, payload)
    }

    fn decode(response: &[u8]) -> Result<Challenged, ReplyError> {
        const EXPECTED: ReplyError = unexpected("a signed challenge");
        let message = decode(response)?;
        if message.msg != i32::from(Msg::TypeRespChallengeResponse) {
            return Err(EXPECTED);
        }
        if message.status == i32::from(Status::Disabled) {
            return Ok(Challenged::Disabled);
        }
        check(message.status)?;
        let Some(Payload::RespChallengeResponsePayload(reply)) = message.payload else {
            return Err(EXPECTED);
        };
        let node_id = parse_node_id(&reply.node_id).ok_or(EXPECTED)?;
        if reply.payload.is_empty() {
            return Err(EXPECTED);
        }
        Ok(Challenged::Signed(Signed {
            node_id,
            signature: reply.payload,
        }))
    }
}

/// Disables the endpoint until the device restarts.
#[derive(Clone, Copy, Debug)]
pub struct DisableChallengeResponse;

/// A device's answer to [`DisableChallengeResponse`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disabled {
    /// The endpoint was enabled before.
    Now,
    /// The endpoint was already disabled.
    Already,
}

impl Command for DisableChallengeResponse {
    const ENDPOINT: EndpointName = EndpointName::CH_RESP;
    type Reply = Disabled;

    fn encode(&self) -> Zeroizing<Vec<u8>> {
        let payload = Payload::CmdDisableChalRespPayload(CmdDisableChalRespPayload {});
        encode(Msg::TypeCmdDisableChalResp, payload)
    }

    fn decode(response: &[u8]) -> Result<Disabled, ReplyError> {
        let message = decode(response)?;
        match Msg::try_from(message.msg) {
            Ok(Msg::TypeRespChallengeResponse) if message.status == i32::from(Status::Disabled) => {
                Ok(Disabled::Already)
            }
            // The body is empty, so firmware omits it.
            Ok(Msg::TypeRespDisableChalResp) => check(message.status).map(|()| Disabled::Now),
            _ => Err(unexpected("an answer to switching challenge-response off")),
        }
    }
}

fn encode(msg: Msg, payload: Payload) -> Zeroizing<Vec<u8>> {
    let message = RMakerChRespPayload {
        msg: msg.into(),
        status: 0,
        payload: Some(payload),
    };
    Zeroizing::new(message.encode_to_vec())
}

fn decode(response: &[u8]) -> Result<RMakerChRespPayload, ReplyError> {
    decode_message("ch_resp", response)
}

fn check(status: i32) -> Result<(), ReplyError> {
    let name = Status::try_from(status).ok();
    check_named_status(status, name.map(|name| name.as_str_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn challenged(hex: &str) -> Result<Challenged, ReplyError> {
        SignChallenge::decode(&hex::decode(hex).unwrap())
    }

    #[test]
    fn encodes_bytes_of_firmware() {
        let command = SignChallenge {
            challenge: "abc".to_owned(),
        };
        assert_eq!(hex::encode(command.encode()), "52050a03616263");
        assert_eq!(hex::encode(DisableChallengeResponse.encode()), "08047200");
        assert_eq!(
            DisableChallengeResponse::decode(&[0x08, 0x05]),
            Ok(Disabled::Now)
        );
    }

    #[test]
    fn signature_requires_node_id() {
        let signed = Challenged::Signed(Signed {
            node_id: "node1".to_owned(),
            signature: vec![0x30, 0x01],
        });
        assert_eq!(challenged("08015a0b0a02300112056e6f646531"), Ok(signed));
        // Empty, wrong type, no payload, no node id, no signature.
        for hex in [
            "",
            "08035a0b0a02300112056e6f646531",
            "0801",
            "08015a040a023001",
            "08015a0712056e6f646531",
        ] {
            assert!(
                matches!(challenged(hex), Err(ReplyError::Unexpected { .. })),
                "{hex}"
            );
        }
        assert!(matches!(
            challenged("08"),
            Err(ReplyError::Malformed { .. })
        ));
        assert_eq!(
            challenged("08011001").unwrap_err().to_string(),
            "the device refused: Fail"
        );
    }

    #[test]
    fn disabled_endpoint_answers_every_command() {
        assert_eq!(challenged("08011003"), Ok(Challenged::Disabled));
        let bytes = hex::decode("08011003").unwrap();
        assert_eq!(
            DisableChallengeResponse::decode(&bytes),
            Ok(Disabled::Already)
        );
        assert!(DisableChallengeResponse::decode(&[]).is_err());
        assert!(DisableChallengeResponse::decode(&[0x08, 0x05, 0x10, 0x01]).is_err());
    }
}
