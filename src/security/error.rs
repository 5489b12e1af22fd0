//! Why there is no session, told by whose fault: a secret that is not shared, a peer that speaks
//! another scheme, a peer that breaks the rules. What to do about it is `report`'s.

use thiserror::Error;

use super::scheme::SecurityScheme;

/// Why there is no session, or no longer one.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SecurityError {
    /// The two sides do not share the same secret.
    #[error("the device did not accept {}", secret_of(*scheme))]
    CredentialsMismatch {
        /// Decides which secret that is.
        scheme: SecurityScheme,
    },
    /// Too many messages for one session.
    #[error("the message counter of the session is used up")]
    CounterExhausted,
    /// The device does not speak this scheme, or takes no handshake now.
    #[error("the device did not answer the {scheme} handshake")]
    PeerIncompatible {
        /// The one that was tried.
        scheme: SecurityScheme,
    },
    /// The other side broke the protocol.
    #[error("the other side broke the rules of {scheme}: {how}")]
    PeerMisbehaved {
        /// Whose rules.
        scheme: SecurityScheme,
        /// Which rule.
        how: Misbehaviour,
    },
    /// The caller chose credentials that do not fit the scheme.
    #[error("these are not the credentials that {scheme} takes")]
    WrongKindOfCredentials {
        /// The one that was asked for.
        scheme: SecurityScheme,
    },
}

/// The rule that a peer broke.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Misbehaviour {
    /// A status other than success, which no firmware sends.
    #[error("it reported status {0}")]
    BadStatus(i32),
    /// A user name is required.
    #[error("an empty user name")]
    EmptyUsername,
    /// A public key outside the group, or one that makes the shared secret predictable.
    #[error("a public key that no honest device sends")]
    KeyOutOfRange,
    /// The message was changed on its way, or the two ends are out of step.
    #[error("a message that is not authentic")]
    NotAuthentic,
    /// The device could not prove that it holds the secret itself.
    #[error("it could not prove that it holds the secret")]
    NoProofOfItsOwn,
    /// Not a `SessionData` message.
    #[error("a message that cannot be decoded")]
    Undecodable,
    /// Another message than the one that is due.
    #[error("another message than the one that was due")]
    UnexpectedMessage,
    /// A field of a size that the scheme does not have.
    #[error("{field} of {length} bytes")]
    WrongLength {
        /// As the `.proto` file calls it.
        field: &'static str,
        /// In bytes.
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
