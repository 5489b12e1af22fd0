//! Who may read what: the three protocomm security schemes, each with its client and its device
//! side. Pure: no socket, no clock, and the caller's `rng` is the only source of chance. How the
//! bytes get there is `transport`'s, and what they say once opened, `endpoint`'s.
//!
//! A handshake is a chain of values. Each is named for the message it waits for and is consumed
//! by it, so no state can be used twice, and only its end yields a [`Cipher`]:
//!
//! ```text
//! start() ─▶ Step::Send ──request──▶ device ──response──▶ Handshake::receive() ─▶ Step::…
//!                                                         Step::Established(Cipher)
//! ```
//!
//! Rules from ESP-IDF `components/protocomm/src/security/security{0,1,2}.c`.

mod error;
mod sec0;
mod sec1;
mod sec2;
mod srp6a;

use std::fmt;
use std::str::FromStr;

use prost::Message as _;
use rand_core::CryptoRng;
use serde::Serialize;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{SecSchemeVersion, SessionData};
use crate::secret::Secret;

pub use error::{Misbehaviour, SecurityError};
pub use sec2::NonceRule;

/// Starts the client side of `scheme`.
pub fn start(
    scheme: SecurityScheme,
    credentials: &Credentials,
    rng: &mut dyn CryptoRng,
) -> Result<Step, SecurityError> {
    match (scheme, credentials) {
        (SecurityScheme::Sec0, _) => Ok(sec0::start()),
        (SecurityScheme::Sec1, Credentials::None) => Ok(sec1::start(None, rng)),
        (SecurityScheme::Sec1, Credentials::Pop(pop)) => Ok(sec1::start(Some(pop), rng)),
        (
            SecurityScheme::Sec2,
            Credentials::UserPassword {
                username,
                password,
                verifier,
            },
        ) => sec2::start(username, password, *verifier, rng),
        (SecurityScheme::Sec1 | SecurityScheme::Sec2, _) => {
            Err(SecurityError::WrongKindOfCredentials { scheme })
        }
    }
}

/// Starts the device side of `secret`'s scheme. Only the emulator does.
pub fn accept(secret: &DeviceSecret, rng: &mut dyn CryptoRng) -> Box<dyn Responder> {
    match secret {
        DeviceSecret::Sec0 => sec0::accept(),
        DeviceSecret::Sec1 { pop } => sec1::accept(pop.as_ref(), rng),
        DeviceSecret::Sec2 {
            salt,
            verifier,
            nonce,
        } => sec2::accept(salt, verifier, *nonce, rng),
    }
}

/// Whether `request` is the first message of a handshake, which a device takes in any state.
pub fn opens_handshake(request: &[u8]) -> bool {
    use crate::proto::protocomm::{sec1_payload, sec2_payload};
    match SessionData::decode(request)
        .ok()
        .and_then(|data| data.proto)
    {
        Some(Proto::Sec0(_)) => true,
        Some(Proto::Sec1(payload)) => {
            matches!(payload.payload, Some(sec1_payload::Payload::Sc0(_)))
        }
        Some(Proto::Sec2(payload)) => {
            matches!(payload.payload, Some(sec2_payload::Payload::Sc0(_)))
        }
        None => false,
    }
}

/// The security schemes, numbered as protocomm numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecurityScheme {
    /// Plaintext.
    Sec0,
    /// X25519, AES-256-CTR, proof of possession.
    Sec1,
    /// SRP6a, AES-256-GCM.
    Sec2,
}

impl SecurityScheme {
    /// The scheme of a number that a device or a person gave.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Sec0),
            1 => Some(Self::Sec1),
            2 => Some(Self::Sec2),
            _ => None,
        }
    }

    /// 0, 1 or 2.
    pub const fn number(self) -> u8 {
        match self {
            Self::Sec0 => 0,
            Self::Sec1 => 1,
            Self::Sec2 => 2,
        }
    }

    /// How many bytes the longest message of its handshake has at least: a public key is 32 bytes
    /// of X25519, or 384 of SRP.
    pub const fn longest_message(self) -> usize {
        match self {
            Self::Sec0 => 6,
            Self::Sec1 => 41,
            Self::Sec2 => 390,
        }
    }
}

impl fmt::Display for SecurityScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Security {}", self.number())
    }
}

impl FromStr for SecurityScheme {
    type Err = UnknownScheme;

    fn from_str(text: &str) -> Result<Self, UnknownScheme> {
        text.parse()
            .ok()
            .and_then(Self::from_number)
            .ok_or(UnknownScheme)
    }
}

impl Serialize for SecurityScheme {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

/// A text that names no security scheme.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expected 0, 1 or 2")]
pub struct UnknownScheme;

/// What the host proves itself with.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// Nothing: Security 0, or Security 1 on a device without a PoP.
    None,
    /// Security 1. An empty PoP counts as none, as it does on the device.
    Pop(Secret<String>),
    /// Security 2.
    UserPassword {
        /// UTF-8, 1 to 65,535 bytes. The device compares it with nothing; it only enters hashes.
        username: String,
        /// UTF-8. RainMaker firmware uses the PoP.
        password: Secret<String>,
        /// How the device's verifier was made.
        verifier: VerifierForm,
    },
}

/// How a device's SRP6a verifier was computed. A host cannot see it; the two broken forms are
/// tried only when asked for, because every wrong guess counts towards the device's lock-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifierForm {
    /// By RFC 5054.
    Standard,
    /// By a device whose random salt began with a zero byte: it hashed one byte less than it
    /// recorded (`esp_srp.c`, `_esp_srp_gen_salt_verifier`).
    ShortSalt,
    /// By `esp_prov.py --sec2_gen_cred`, which strips leading zeros of H(user:password).
    StrippedInnerHash,
}

/// What a device was made with.
#[derive(Clone)]
pub enum DeviceSecret {
    /// Security 0.
    Sec0,
    /// Security 1, with a PoP or without.
    Sec1 {
        /// Empty counts as none.
        pop: Option<Secret<String>>,
    },
    /// Security 2.
    Sec2 {
        /// As sent to the client.
        salt: Vec<u8>,
        /// g^x mod N, big-endian, any length.
        verifier: Vec<u8>,
        /// Which of the two nonce rules the device follows.
        nonce: NonceRule,
    },
}

impl DeviceSecret {
    /// Makes salt and verifier as a device does that knows its own password.
    pub fn sec2(
        username: &str,
        password: &Secret<String>,
        nonce: NonceRule,
        rng: &mut dyn CryptoRng,
    ) -> Self {
        let mut salt = vec![0; 16];
        rng.fill_bytes(&mut salt);
        let verifier = srp6a::verifier(username, password, &salt);
        Self::Sec2 {
            salt,
            verifier,
            nonce,
        }
    }

    /// The scheme that this secret is for.
    pub const fn scheme(&self) -> SecurityScheme {
        match self {
            Self::Sec0 => SecurityScheme::Sec0,
            Self::Sec1 { .. } => SecurityScheme::Sec1,
            Self::Sec2 { .. } => SecurityScheme::Sec2,
        }
    }
}

/// Shows the scheme only: whoever has a verifier can guess at the password without the device.
impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceSecret({})", self.scheme())
    }
}

/// Whether H(user:password) begins with a zero byte: only then can the verifier of
/// [`VerifierForm::StrippedInnerHash`] differ from the standard one.
pub fn inner_hash_is_ambiguous(username: &str, password: &Secret<String>) -> bool {
    srp6a::inner_hash(username, password).first() == Some(&0)
}

/// What the client side wants next.
#[derive(Debug)]
#[must_use]
pub enum Step {
    /// Deliver `request` to the session endpoint and hand the answer to `next`.
    Send {
        /// Encoded `SessionData`.
        request: Vec<u8>,
        /// Waits for the answer.
        next: Box<dyn Handshake>,
    },
    /// The keys are agreed.
    Established(Box<dyn Cipher>),
}

/// The client side, waiting for one answer and consumed by it.
pub trait Handshake: fmt::Debug + Send {
    /// Reads the device's answer.
    fn receive(self: Box<Self>, response: &[u8]) -> Result<Step, SecurityError>;

    /// Says what it means that the device did not answer *here*. There is no in-band error in
    /// protocomm: a wrong PoP and a wrong scheme both look like a broken link.
    fn refused(self: Box<Self>) -> SecurityError;
}

/// The device side, waiting for one request and consumed by it.
pub trait Responder: fmt::Debug + Send {
    /// Reads the client's request. An error means that nothing is answered.
    fn answer(self: Box<Self>, request: &[u8]) -> Result<Answer, SecurityError>;
}

/// What the device side does with a request.
#[derive(Debug)]
#[must_use]
pub enum Answer {
    /// Answers, and waits for another request.
    Reply {
        /// Encoded `SessionData`.
        response: Vec<u8>,
        /// Waits for the next request.
        next: Box<dyn Responder>,
    },
    /// Answers, and has the keys.
    Established {
        /// Encoded `SessionData`.
        response: Vec<u8>,
        /// The device's end of the session.
        cipher: Box<dyn Cipher>,
    },
}

/// The keys of an established session, at either end. Messages must be sealed and opened in the
/// order in which they travel: both directions share one keystream or counter.
pub trait Cipher: fmt::Debug + Send {
    /// Encrypts one message.
    fn seal(&mut self, plaintext: &[u8]) -> Result<Vec<u8>, SecurityError>;

    /// Decrypts one message.
    fn open(&mut self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SecurityError>;
}

/// Encodes a handshake message.
fn envelope(proto: Proto) -> Vec<u8> {
    let scheme = match proto {
        Proto::Sec0(_) => SecSchemeVersion::SecScheme0,
        Proto::Sec1(_) => SecSchemeVersion::SecScheme1,
        Proto::Sec2(_) => SecSchemeVersion::SecScheme2,
    };
    SessionData {
        sec_ver: scheme.into(),
        proto: Some(proto),
    }
    .encode_to_vec()
}

/// Decodes a handshake message of `scheme`. The number and the arm must agree.
fn open_envelope(scheme: SecurityScheme, message: &[u8]) -> Result<Proto, SecurityError> {
    let misbehaved = |how| SecurityError::PeerMisbehaved { scheme, how };
    let data = SessionData::decode(message).map_err(|_| misbehaved(Misbehaviour::Undecodable))?;
    if data.sec_ver != i32::from(scheme.number()) {
        return Err(SecurityError::PeerIncompatible { scheme });
    }
    data.proto
        .ok_or_else(|| misbehaved(Misbehaviour::UnexpectedMessage))
}

/// Takes a field of exactly `N` bytes.
fn field<const N: usize>(
    scheme: SecurityScheme,
    name: &'static str,
    bytes: &[u8],
) -> Result<[u8; N], SecurityError> {
    bytes.try_into().map_err(|_| SecurityError::PeerMisbehaved {
        scheme,
        how: Misbehaviour::WrongLength {
            field: name,
            length: bytes.len(),
        },
    })
}

fn check_status(scheme: SecurityScheme, status: i32) -> Result<(), SecurityError> {
    match status {
        0 => Ok(()),
        other => Err(SecurityError::PeerMisbehaved {
            scheme,
            how: Misbehaviour::BadStatus(other),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_written_and_read_as_numbers() {
        use SecurityScheme::{Sec0, Sec1, Sec2};
        for (number, scheme) in [(0, Sec0), (1, Sec1), (2, Sec2)] {
            assert_eq!(serde_json::to_value(scheme).unwrap(), number);
            assert_eq!(scheme.number(), number);
            assert_eq!(SecurityScheme::from_number(number.into()), Some(scheme));
        }
        assert_eq!(SecurityScheme::from_number(3), None);
    }
}
