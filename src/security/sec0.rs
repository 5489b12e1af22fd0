//! Security 0: one empty exchange, then plaintext. It protects nothing; `flows::connect` decides
//! whether that is acceptable.

use zeroize::Zeroizing;

use super::envelope::{check_status, envelope, open_envelope};
use super::error::{Misbehaviour, SecurityError};
use super::handshake::{Answer, Cipher, Handshake, Responder, Step};
use super::scheme::SecurityScheme;
use crate::proto::protocomm::sec0_payload::Payload;
use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{S0SessionCmd, S0SessionResp, Sec0MsgType as Msg, Sec0Payload};

pub(super) fn start() -> Step {
    let request = message(Msg::S0SessionCommand, Payload::Sc(S0SessionCmd {}));
    Step::Send {
        request,
        next: Box::new(AwaitResponse),
    }
}

pub(super) fn accept() -> Box<dyn Responder> {
    Box::new(AwaitCommand)
}

#[derive(Debug)]
struct AwaitResponse;

impl Handshake for AwaitResponse {
    fn receive(self: Box<Self>, response: &[u8]) -> Result<Step, SecurityError> {
        let (Msg::S0SessionResponse, Payload::Sr(reply)) = payload(response)? else {
            return Err(UNEXPECTED);
        };
        check_status(SCHEME, reply.status)?;
        Ok(Step::Established(Box::new(Plaintext)))
    }

    fn refused(self: Box<Self>) -> SecurityError {
        SecurityError::PeerIncompatible { scheme: SCHEME }
    }
}

#[derive(Debug)]
struct AwaitCommand;

impl Responder for AwaitCommand {
    fn answer(self: Box<Self>, request: &[u8]) -> Result<Answer, SecurityError> {
        let (Msg::S0SessionCommand, Payload::Sc(_)) = payload(request)? else {
            return Err(UNEXPECTED);
        };
        let reply = Payload::Sr(S0SessionResp { status: 0 });
        Ok(Answer::Established {
            response: message(Msg::S0SessionResponse, reply),
            cipher: Box::new(Plaintext),
        })
    }
}

/// Passes messages through in plaintext.
#[derive(Debug)]
struct Plaintext;

impl Cipher for Plaintext {
    fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, SecurityError> {
        Ok(plaintext.to_vec())
    }

    fn open(&mut self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecurityError> {
        Ok(Zeroizing::new(ciphertext.to_vec()))
    }
}

fn message(msg: Msg, payload: Payload) -> Vec<u8> {
    envelope(Proto::Sec0(Sec0Payload {
        msg: msg.into(),
        payload: Some(payload),
    }))
}

fn payload(message: &[u8]) -> Result<(Msg, Payload), SecurityError> {
    // Not `payload.msg()`, which maps an unknown number to the first message type.
    if let Proto::Sec0(Sec0Payload { msg, payload }) = open_envelope(SCHEME, message)?
        && let (Ok(msg), Some(payload)) = (Msg::try_from(msg), payload)
    {
        return Ok((msg, payload));
    }
    Err(UNEXPECTED)
}

const SCHEME: SecurityScheme = SecurityScheme::Sec0;
const UNEXPECTED: SecurityError = SecurityError::PeerMisbehaved {
    scheme: SCHEME,
    how: Misbehaviour::UnexpectedMessage,
};
