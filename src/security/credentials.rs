//! What a host proves itself with.

use crate::secret::Secret;

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
