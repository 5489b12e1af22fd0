//! The secrets with which the host authenticates.

use crate::secret::Secret;

/// The secrets with which the host authenticates.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// No secret: Security 0, or Security 1 on a device without a PoP.
    None,
    /// For Security 1. An empty PoP means no PoP, as on the device.
    Pop(Secret<String>),
    /// For Security 2.
    UserPassword {
        /// UTF-8, 1 to 65,535 bytes. The device does not compare it; it is only part of hashes.
        username: String,
        /// UTF-8. RainMaker firmware uses the PoP.
        password: Secret<String>,
        /// How the device's verifier was computed.
        verifier: VerifierForm,
    },
}

/// How a device's SRP6a verifier was computed. The host cannot see it. The two broken forms are
/// tried only on request, because every wrong attempt counts for the device's lock-out.
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
