//! What a device knows of the secret that it shares with its owner.

use std::fmt;

use rand_core::CryptoRng;

use super::scheme::SecurityScheme;
use super::sec2::NonceRule;
use super::srp6a;
use crate::secret::Secret;

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
