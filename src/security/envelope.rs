//! The message that carries the handshakes of all schemes, and the checks that all schemes share.

use prost::Message as _;

use super::error::{Misbehaviour, SecurityError};
use super::scheme::SecurityScheme;
use crate::proto::protocomm::session_data::Proto;
use crate::proto::protocomm::{SecSchemeVersion, SessionData};

/// Encodes a handshake message.
pub(super) fn envelope(proto: Proto) -> Vec<u8> {
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
pub(super) fn open_envelope(
    scheme: SecurityScheme,
    message: &[u8],
) -> Result<Proto, SecurityError> {
    let misbehaved = |how| SecurityError::PeerMisbehaved { scheme, how };
    let data = SessionData::decode(message).map_err(|_| misbehaved(Misbehaviour::Undecodable))?;
    if data.sec_ver != i32::from(scheme.number()) {
        return Err(SecurityError::PeerIncompatible { scheme });
    }
    data.proto
        .ok_or_else(|| misbehaved(Misbehaviour::UnexpectedMessage))
}

/// Checks that a field has exactly `N` bytes.
pub(super) fn field<const N: usize>(
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

pub(super) fn check_status(scheme: SecurityScheme, status: i32) -> Result<(), SecurityError> {
    match status {
        0 => Ok(()),
        other => Err(SecurityError::PeerMisbehaved {
            scheme,
            how: Misbehaviour::BadStatus(other),
        }),
    }
}
