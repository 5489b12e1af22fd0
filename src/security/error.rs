//! Why there is no session: a wrong secret, a peer with another scheme, or a peer that violates the
//! protocol. Hints are in `report`.

use thiserror::Error;

use super::scheme::SecurityScheme;

/// Why there is no session, or no longer one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SecurityError {
    /// The two sides do not share the same secret.
    #[error("the device did not accept {}", secret_of(*scheme))]
    CredentialsMismatch {
        /// The scheme, which determines the kind of secret.
        scheme: SecurityScheme,
    },
    /// The session has used up its message counter.
    #[error("the message counter of the session is used up")]
    CounterExhausted,
    /// The device does not support this scheme, or accepts no handshake now.
    #[error("the device did not answer the {scheme} handshake")]
    PeerIncompatible {
        /// The scheme of the handshake.
        scheme: SecurityScheme,
    },
    /// The other side violated the protocol.
    #[error("the other side violated the rules of {scheme}: {how}")]
    PeerMisbehaved {
        /// The scheme whose rules were violated.
        scheme: SecurityScheme,
        /// The violated rule.
        how: Misbehaviour,
    },
    /// The caller's credentials are not for this scheme.
    #[error("these credentials are not for {scheme}")]
    WrongKindOfCredentials {
        /// The requested scheme.
        scheme: SecurityScheme,
    },
}

/// The rule that a peer violated.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Misbehaviour {
    /// A status other than success, which no firmware sends.
    #[error("it reported status {0}")]
    BadStatus(i32),
    /// The user name is empty.
    #[error("an empty user name")]
    EmptyUsername,
    /// A public key outside the group, or one that makes the shared secret predictable.
    #[error("a public key that no honest device sends")]
    KeyOutOfRange,
    /// The message was modified in transit, or the two sides are out of step.
    #[error("a message that is not authentic")]
    NotAuthentic,
    /// The device could not prove that it has the secret.
    #[error("it could not prove that it has the secret")]
    NoProofOfItsOwn,
    /// The message is not a `SessionData` message.
    #[error("a message that cannot be decoded")]
    Undecodable,
    /// The message is not the expected one.
    #[error("an unexpected message")]
    UnexpectedMessage,
    /// A field with a wrong length.
    #[error("{field} of {length} bytes")]
    WrongLength {
        /// The name in the `.proto` file.
        field: &'static str,
        /// The length in bytes.
        length: usize,
    },
}

const fn secret_of(scheme: SecurityScheme) -> &'static str {
    match scheme {
        SecurityScheme::Sec0 => "the handshake",
        SecurityScheme::Sec1 => "this proof of possession",
        SecurityScheme::Sec2 => "this user name and password",
    }
}
