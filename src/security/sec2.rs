//! Security 2: SRP6a agrees on a key from user name and password, AES-256-GCM encrypts.
//!
//! ```text
//! sc0 user name, A ─▶                     ◀─ sr0 B, salt
//! sc1 M1 ─▶                               ◀─ sr1 M2, nonce
//! ```
//!
//! The nonce determines the rule for the rest of the session, regardless of the version document:
//! 16 bytes are one IV for every message of both directions; 12 bytes are 8 random bytes and a
//! counter that both directions share.
//!
//! Source: ESP-IDF `protocomm/src/security/security2.c`. `srp6a` does the arithmetic.

use aes::Aes256;
use aes_gcm::aead::Aead as _;
use aes_gcm::aead::consts::U16;
use aes_gcm::{Aes256Gcm, AesGcm, KeyInit as _};
use rand_core::CryptoRng;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::credentials::VerifierForm;
use super::envelope::{check_status, envelope, field, open_envelope};
use super::error::{Misbehaviour, SecurityError};
use super::handshake::{Answer, Cipher, Handshake, Responder, Step};
use super::scheme::SecurityScheme;
use super::srp6a::{Agreement, ClientKey, DeviceKey, HASH, OutOfRange, PUBLIC};
use crate::proto::protocomm::sec2_payload::Payload;
use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{
    S2SessionCmd0, S2SessionCmd1, S2SessionResp0, S2SessionResp1, Sec2MsgType as Msg, Sec2Payload,
};
use crate::secret::Secret;

pub(super) fn start(
    username: &str,
    password: &Secret<String>,
    verifier: VerifierForm,
    rng: &mut dyn CryptoRng,
) -> Result<Step, SecurityError> {
    if username.is_empty() {
        return Err(SecurityError::WrongKindOfCredentials { scheme: SCHEME });
    }
    let key = ClientKey::draw(rng);
    let command = S2SessionCmd0 {
        client_username: username.as_bytes().to_vec(),
        client_pubkey: key.public().to_vec(),
    };
    Ok(Step::Send {
        request: message(Msg::S2SessionCommand0, Payload::Sc0(command)),
        next: Box::new(AwaitDeviceKey {
            key,
            username: username.to_owned(),
            password: password.clone(),
            verifier,
        }),
    })
}

pub(super) fn accept(
    salt: &[u8],
    verifier: &[u8],
    nonce: NonceRule,
    rng: &mut dyn CryptoRng,
) -> Box<dyn Responder> {
    let key = DeviceKey::draw(verifier, rng);
    Box::new(AwaitClientKey {
        key,
        salt: salt.to_vec(),
        nonce: Nonce::draw(nonce, rng),
    })
}

/// How a device uses its nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceRule {
    /// `sec_patch_ver` 0: 16 bytes, the same for every message.
    Fixed,
    /// `sec_patch_ver` 1: 8 random bytes and a big-endian counter that starts at 1.
    Counter,
}

/// The client has sent its user name and A.
#[derive(derive_more::Debug)]
#[debug("AwaitDeviceKey")]
struct AwaitDeviceKey {
    key: ClientKey,
    username: String,
    password: Secret<String>,
    verifier: VerifierForm,
}

impl Handshake for AwaitDeviceKey {
    fn receive(self: Box<Self>, response: &[u8]) -> Result<Step, SecurityError> {
        let (Msg::S2SessionResponse0, Payload::Sr0(reply)) = payload(response)? else {
            return Err(UNEXPECTED);
        };
        check_status(SCHEME, reply.status)?;
        let agreement = self
            .key
            .agree(
                &self.username,
                &self.password,
                self.verifier,
                &reply.device_salt,
                &reply.device_pubkey,
            )
            .map_err(|OutOfRange| misbehaved(Misbehaviour::KeyOutOfRange))?;
        let command = S2SessionCmd1 {
            client_proof: agreement.client_proof.to_vec(),
        };
        Ok(Step::Send {
            request: message(Msg::S2SessionCommand1, Payload::Sc1(command)),
            next: Box::new(AwaitDeviceProof { agreement }),
        })
    }

    fn refused(self: Box<Self>) -> SecurityError {
        SecurityError::PeerIncompatible { scheme: SCHEME }
    }
}

/// The client has sent M1.
#[derive(derive_more::Debug)]
#[debug("AwaitDeviceProof")]
struct AwaitDeviceProof {
    agreement: Agreement,
}

impl Handshake for AwaitDeviceProof {
    fn receive(self: Box<Self>, response: &[u8]) -> Result<Step, SecurityError> {
        let (Msg::S2SessionResponse1, Payload::Sr1(reply)) = payload(response)? else {
            return Err(UNEXPECTED);
        };
        check_status(SCHEME, reply.status)?;
        let proof: [u8; HASH] = field(SCHEME, "device_proof", &reply.device_proof)?;
        if !bool::from(proof.ct_eq(&self.agreement.device_proof)) {
            return Err(misbehaved(Misbehaviour::NoProofOfItsOwn));
        }
        let nonce = Nonce::from_bytes(&reply.device_nonce)?;
        Ok(Step::Established(Box::new(Gcm::new(
            &self.agreement,
            nonce,
        ))))
    }

    fn refused(self: Box<Self>) -> SecurityError {
        SecurityError::CredentialsMismatch { scheme: SCHEME }
    }
}

/// The device waits for user name and A.
#[derive(derive_more::Debug)]
#[debug("AwaitClientKey")]
struct AwaitClientKey {
    key: DeviceKey,
    salt: Vec<u8>,
    nonce: Nonce,
}

impl Responder for AwaitClientKey {
    fn answer(self: Box<Self>, request: &[u8]) -> Result<Answer, SecurityError> {
        let (Msg::S2SessionCommand0, Payload::Sc0(command)) = payload(request)? else {
            return Err(UNEXPECTED);
        };
        let client_public: [u8; PUBLIC] = field(SCHEME, "client_pubkey", &command.client_pubkey)?;
        if command.client_username.is_empty() {
            return Err(misbehaved(Misbehaviour::EmptyUsername));
        }
        let agreement = self
            .key
            .agree(&command.client_username, &self.salt, &client_public)
            .map_err(|OutOfRange| misbehaved(Misbehaviour::KeyOutOfRange))?;
        let reply = S2SessionResp0 {
            status: 0,
            device_pubkey: self.key.public().to_vec(),
            device_salt: self.salt,
        };
        Ok(Answer::Reply {
            response: message(Msg::S2SessionResponse0, Payload::Sr0(reply)),
            next: Box::new(AwaitClientProof {
                agreement,
                nonce: self.nonce,
            }),
        })
    }
}

/// The device waits for M1.
#[derive(derive_more::Debug)]
#[debug("AwaitClientProof")]
struct AwaitClientProof {
    agreement: Agreement,
    nonce: Nonce,
}

impl Responder for AwaitClientProof {
    fn answer(self: Box<Self>, request: &[u8]) -> Result<Answer, SecurityError> {
        let (Msg::S2SessionCommand1, Payload::Sc1(command)) = payload(request)? else {
            return Err(UNEXPECTED);
        };
        let proof: [u8; HASH] = field(SCHEME, "client_proof", &command.client_proof)?;
        if !bool::from(proof.ct_eq(&self.agreement.client_proof)) {
            return Err(SecurityError::CredentialsMismatch { scheme: SCHEME });
        }
        let reply = S2SessionResp1 {
            status: 0,
            device_proof: self.agreement.device_proof.to_vec(),
            device_nonce: self.nonce.to_bytes(),
        };
        Ok(Answer::Established {
            response: message(Msg::S2SessionResponse1, Payload::Sr1(reply)),
            cipher: Box::new(Gcm::new(&self.agreement, self.nonce)),
        })
    }
}

/// The nonce of the next message, in either direction.
#[derive(Clone, Debug)]
enum Nonce {
    Fixed([u8; 16]),
    /// `None` after an overflow of the counter, which is also an error on the device.
    Counter {
        prefix: [u8; 8],
        counter: Option<u32>,
    },
}

impl Nonce {
    fn draw(rule: NonceRule, rng: &mut dyn CryptoRng) -> Self {
        match rule {
            NonceRule::Fixed => {
                let mut iv = [0; 16];
                rng.fill_bytes(&mut iv);
                Self::Fixed(iv)
            }
            NonceRule::Counter => {
                let mut prefix = [0; 8];
                rng.fill_bytes(&mut prefix);
                Self::Counter {
                    prefix,
                    counter: Some(1),
                }
            }
        }
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, SecurityError> {
        if let Ok(iv) = bytes.try_into() {
            return Ok(Self::Fixed(iv));
        }
        let whole: [u8; 12] = field(SCHEME, "device_nonce", bytes)?;
        let [prefix @ .., a, b, c, d] = whole;
        Ok(Self::Counter {
            prefix,
            counter: Some(u32::from_be_bytes([a, b, c, d])),
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Fixed(iv) => iv.to_vec(),
            Self::Counter { prefix, counter } => [
                prefix.as_slice(),
                &counter.unwrap_or_default().to_be_bytes(),
            ]
            .concat(),
        }
    }

    /// Called after every message that was sealed, or opened and authenticated.
    fn advance(&mut self) {
        if let Self::Counter { counter, .. } = self {
            *counter = counter.and_then(|counter| counter.checked_add(1));
        }
    }
}

/// The session's key and its next nonce.
#[derive(derive_more::Debug)]
#[debug("Gcm")]
struct Gcm {
    key: Zeroizing<[u8; 32]>,
    nonce: Nonce,
}

impl Gcm {
    fn new(agreement: &Agreement, nonce: Nonce) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        for (to, from) in key.iter_mut().zip(agreement.key.iter()) {
            *to = *from;
        }
        Self { key, nonce }
    }
}

impl Cipher for Gcm {
    fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, SecurityError> {
        let key = (&*self.key).into();
        let sealed = match &self.nonce {
            Nonce::Fixed(iv) => AesGcm::<Aes256, U16>::new(key).encrypt(iv.into(), plaintext),
            Nonce::Counter { .. } => {
                Aes256Gcm::new(key).encrypt(&self.counted()?.into(), plaintext)
            }
        };
        self.nonce.advance();
        sealed.map_err(|_| misbehaved(Misbehaviour::NotAuthentic))
    }

    fn open(&mut self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecurityError> {
        let key = (&*self.key).into();
        let opened = match &self.nonce {
            Nonce::Fixed(iv) => AesGcm::<Aes256, U16>::new(key).decrypt(iv.into(), ciphertext),
            Nonce::Counter { .. } => {
                Aes256Gcm::new(key).decrypt(&self.counted()?.into(), ciphertext)
            }
        };
        let plaintext = opened.map_err(|_| misbehaved(Misbehaviour::NotAuthentic))?;
        self.nonce.advance();
        Ok(Zeroizing::new(plaintext))
    }
}

impl Gcm {
    fn counted(&self) -> Result<[u8; 12], SecurityError> {
        match &self.nonce {
            Nonce::Counter { counter: None, .. } => Err(SecurityError::CounterExhausted),
            nonce => field(SCHEME, "device_nonce", &nonce.to_bytes()),
        }
    }
}

fn message(msg: Msg, payload: Payload) -> Vec<u8> {
    envelope(Proto::Sec2(Sec2Payload {
        msg: msg.into(),
        payload: Some(payload),
    }))
}

fn payload(message: &[u8]) -> Result<(Msg, Payload), SecurityError> {
    // Not `payload.msg()`, which maps an unknown number to the first message type.
    if let Proto::Sec2(Sec2Payload { msg, payload }) = open_envelope(SCHEME, message)?
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

const SCHEME: SecurityScheme = SecurityScheme::Sec2;
const UNEXPECTED: SecurityError = misbehaved(Misbehaviour::UnexpectedMessage);
