//! The device's part of the secret that it shares with its owner.

use std::fmt;

use rand_core::CryptoRng;

use super::scheme::SecurityScheme;
use super::sec2::NonceRule;
use super::srp6a;
use crate::secret::Secret;

/// The secret stored in a device.
#[derive(Clone)]
pub enum DeviceSecret {
    /// Security 0: no secret.
    Sec0,
    /// Security 1, with or without a PoP.
    Sec1 {
        /// An empty PoP means no PoP.
        pop: Option<Secret<String>>,
    },
    /// Security 2.
    Sec2 {
        /// The salt, as sent to the client.
        salt: Vec<u8>,
        /// g^x mod N, big-endian, any length.
        verifier: Vec<u8>,
        /// The nonce rule that the device follows.
        nonce: NonceRule,
    },
}

impl DeviceSecret {
    /// Computes salt and verifier, like a device that has its own password.
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

    /// The security scheme of this secret.
    pub const fn scheme(&self) -> SecurityScheme {
        match self {
            Self::Sec0 => SecurityScheme::Sec0,
            Self::Sec1 { .. } => SecurityScheme::Sec1,
            Self::Sec2 { .. } => SecurityScheme::Sec2,
        }
    }
}

/// Shows only the scheme: the verifier allows attempts at the password without the device.
impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceSecret({})", self.scheme())
    }
}
