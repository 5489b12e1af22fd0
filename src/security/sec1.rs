//! Security 1: X25519 agrees on a key, SHA-256 of the PoP is mixed in, AES-256-CTR encrypts.
//! Messages are not authenticated. A lost or repeated message puts the two sides out of step for
//! good, so requests must never be repeated; `session` ensures that.
//!
//! ```text
//! sc0 client_pubkey ─▶                    ◀─ sr0 device_pubkey, device_random
//! sc1 CTR(device_pubkey) ─▶               ◀─ sr1 CTR(client_pubkey)
//! key = X25519 xor SHA256(PoP), or X25519 alone;  first counter block = device_random
//! ```
//!
//! Source: ESP-IDF `protocomm/src/security/security1.c`.

use aes::Aes256;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit as _, StreamCipher as _};
use rand_core::CryptoRng;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use super::envelope::{check_status, envelope, field, open_envelope};
use super::error::{Misbehaviour, SecurityError};
use super::handshake::{Answer, Cipher, Handshake, Responder, Step};
use super::scheme::SecurityScheme;
use crate::proto::protocomm::sec1_payload::Payload;
use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{
    Sec1MsgType as Msg, Sec1Payload, SessionCmd0, SessionCmd1, SessionResp0, SessionResp1,
};
use crate::secret::Secret;

pub(super) fn start(pop: Option<&Secret<String>>, rng: &mut dyn CryptoRng) -> Step {
    let secret = draw_key(rng);
    let public = PublicKey::from(&secret);
    let command = SessionCmd0 {
        client_pubkey: public.as_bytes().to_vec(),
    };
    Step::Send {
        request: message(Msg::Sec1Command0, Payload::Sc0(command)),
        next: Box::new(AwaitDeviceKey {
            secret,
            public,
            pop: pop.cloned(),
        }),
    }
}

pub(super) fn accept(pop: Option<&Secret<String>>, rng: &mut dyn CryptoRng) -> Box<dyn Responder> {
    let secret = draw_key(rng);
    let mut random = [0; RANDOM];
    rng.fill_bytes(&mut random);
    Box::new(AwaitClientKey {
        secret,
        random,
        pop: pop.cloned(),
    })
}

/// The client has sent its public key.
#[derive(derive_more::Debug)]
#[debug("AwaitDeviceKey")]
struct AwaitDeviceKey {
    secret: StaticSecret,
    public: PublicKey,
    pop: Option<Secret<String>>,
}

impl Handshake for AwaitDeviceKey {
    fn receive(self: Box<Self>, response: &[u8]) -> Result<Step, SecurityError> {
        let (Msg::Sec1Response0, Payload::Sr0(reply)) = payload(response)? else {
            return Err(UNEXPECTED);
        };
        check_status(SCHEME, reply.status)?;
        let device_key: [u8; KEY] = field(SCHEME, "device_pubkey", &reply.device_pubkey)?;
        let random: [u8; RANDOM] = field(SCHEME, "device_random", &reply.device_random)?;

        let mut keystream = Keystream::agree(&self.secret, device_key, self.pop.as_ref(), &random)?;
        let command = SessionCmd1 {
            client_verify_data: keystream.apply(&device_key).to_vec(),
        };
        Ok(Step::Send {
            request: message(Msg::Sec1Command1, Payload::Sc1(command)),
            next: Box::new(AwaitDeviceProof {
                public: self.public,
                keystream,
            }),
        })
    }

    fn refused(self: Box<Self>) -> SecurityError {
        SecurityError::PeerIncompatible { scheme: SCHEME }
    }
}

/// The client has proved that it has the PoP.
#[derive(Debug)]
struct AwaitDeviceProof {
    public: PublicKey,
    keystream: Keystream,
}

impl Handshake for AwaitDeviceProof {
    fn receive(mut self: Box<Self>, response: &[u8]) -> Result<Step, SecurityError> {
        let (Msg::Sec1Response1, Payload::Sr1(reply)) = payload(response)? else {
            return Err(UNEXPECTED);
        };
        check_status(SCHEME, reply.status)?;
        let proof: [u8; KEY] = field(SCHEME, "device_verify_data", &reply.device_verify_data)?;
        if !bool::from(self.keystream.apply(&proof).ct_eq(self.public.as_bytes())) {
            return Err(misbehaved(Misbehaviour::NoProofOfItsOwn));
        }
        Ok(Step::Established(Box::new(self.keystream)))
    }

    fn refused(self: Box<Self>) -> SecurityError {
        SecurityError::CredentialsMismatch { scheme: SCHEME }
    }
}

/// The device waits for the client's public key.
#[derive(derive_more::Debug)]
#[debug("AwaitClientKey")]
struct AwaitClientKey {
    secret: StaticSecret,
    random: [u8; RANDOM],
    pop: Option<Secret<String>>,
}

impl Responder for AwaitClientKey {
    fn answer(self: Box<Self>, request: &[u8]) -> Result<Answer, SecurityError> {
        let (Msg::Sec1Command0, Payload::Sc0(command)) = payload(request)? else {
            return Err(UNEXPECTED);
        };
        let client_key: [u8; KEY] = field(SCHEME, "client_pubkey", &command.client_pubkey)?;
        let public = PublicKey::from(&self.secret);
        let keystream =
            Keystream::agree(&self.secret, client_key, self.pop.as_ref(), &self.random)?;
        let reply = SessionResp0 {
            status: 0,
            device_pubkey: public.as_bytes().to_vec(),
            device_random: self.random.to_vec(),
        };
        Ok(Answer::Reply {
            response: message(Msg::Sec1Response0, Payload::Sr0(reply)),
            next: Box::new(AwaitClientProof {
                public,
                client_key,
                keystream,
            }),
        })
    }
}

/// The device waits for the client's proof that it has the PoP.
#[derive(Debug)]
struct AwaitClientProof {
    public: PublicKey,
    client_key: [u8; KEY],
    keystream: Keystream,
}

impl Responder for AwaitClientProof {
    fn answer(mut self: Box<Self>, request: &[u8]) -> Result<Answer, SecurityError> {
        let (Msg::Sec1Command1, Payload::Sc1(command)) = payload(request)? else {
            return Err(UNEXPECTED);
        };
        let proof: [u8; KEY] = field(SCHEME, "client_verify_data", &command.client_verify_data)?;
        if !bool::from(self.keystream.apply(&proof).ct_eq(self.public.as_bytes())) {
            return Err(SecurityError::CredentialsMismatch { scheme: SCHEME });
        }
        let reply = SessionResp1 {
            status: 0,
            device_verify_data: self.keystream.apply(&self.client_key).to_vec(),
        };
        Ok(Answer::Established {
            response: message(Msg::Sec1Response1, Payload::Sr1(reply)),
            cipher: Box::new(self.keystream),
        })
    }
}

/// One AES-256-CTR keystream, which both directions consume in order: bytes 0 to 31 for the
/// client's proof, 32 to 63 for the device's, then the length of each message.
#[derive(derive_more::Debug)]
#[debug("Keystream")]
struct Keystream(Ctr128BE<Aes256>);

impl Keystream {
    fn agree(
        ours: &StaticSecret,
        theirs: [u8; KEY],
        pop: Option<&Secret<String>>,
        random: &[u8; RANDOM],
    ) -> Result<Self, SecurityError> {
        let shared = ours.diffie_hellman(&PublicKey::from(theirs));
        // A low-order key makes the secret a known constant (RFC 7748, section 6.1).
        if !shared.was_contributory() {
            return Err(misbehaved(Misbehaviour::KeyOutOfRange));
        }
        let mut key = Zeroizing::new(shared.to_bytes());
        if let Some(pop) = pop.filter(|pop| !pop.expose().is_empty()) {
            let mut digest = Zeroizing::new([0; KEY]);
            digest.copy_from_slice(&Sha256::digest(pop.expose()));
            for (byte, mask) in key.iter_mut().zip(digest.iter()) {
                *byte ^= mask;
            }
        }
        Ok(Self(Ctr128BE::new((&*key).into(), random.into())))
    }

    fn apply<const N: usize>(&mut self, bytes: &[u8; N]) -> [u8; N] {
        let mut out = *bytes;
        self.0.apply_keystream(&mut out);
        out
    }
}

impl Cipher for Keystream {
    fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, SecurityError> {
        let mut bytes = plaintext.to_vec();
        self.0.apply_keystream(&mut bytes);
        Ok(bytes)
    }

    fn open(&mut self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecurityError> {
        self.seal(ciphertext).map(Zeroizing::new)
    }
}

fn draw_key(rng: &mut dyn CryptoRng) -> StaticSecret {
    let mut bytes = Zeroizing::new([0; KEY]);
    rng.fill_bytes(&mut *bytes);
    StaticSecret::from(*bytes)
}

fn message(msg: Msg, payload: Payload) -> Vec<u8> {
    envelope(Proto::Sec1(Sec1Payload {
        msg: msg.into(),
        payload: Some(payload),
    }))
}

fn payload(message: &[u8]) -> Result<(Msg, Payload), SecurityError> {
    // Not `payload.msg()`, which maps an unknown number to the first message type.
    if let Proto::Sec1(Sec1Payload { msg, payload }) = open_envelope(SCHEME, message)?
        && let (Ok(msg), Some(payload)) = (Msg::try_from(msg), payload)
    {
        return Ok((msg, payload));
    }
    Err(UNEXPECTED)
}

const fn misbehaved(how: Misbehaviour) -> SecurityError {
    let scheme = SCHEME;
    SecurityError::PeerMisbehaved { scheme, how }
}

const SCHEME: SecurityScheme = SecurityScheme::Sec1;
const UNEXPECTED: SecurityError = misbehaved(Misbehaviour::UnexpectedMessage);
/// The length of an X25519 key, and of an encrypted one.
const KEY: usize = 32;
/// The length of `device_random`, the first counter block.
const RANDOM: usize = 16;
