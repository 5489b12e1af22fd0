//! The first state of a handshake on either side, from the scheme and the secret.

use prost::Message as _;
use rand_core::CryptoRng;

use super::credentials::Credentials;
use super::device_secret::DeviceSecret;
use super::error::SecurityError;
use super::handshake::{Responder, Step};
use super::scheme::SecurityScheme;
use super::{sec0, sec1, sec2};
use crate::proto::protocomm::SessionData;
use crate::proto::protocomm::session_data::Proto;

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

/// Starts the device side of `secret`'s scheme. Only the emulator uses it.
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

/// Whether `request` is the first message of a handshake, which a device accepts in any state.
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
