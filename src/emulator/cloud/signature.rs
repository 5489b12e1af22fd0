//! Whether a node signed a challenge, as the cloud checks it: ECDSA on P-256 in ASN.1 DER, or
//! RSASSA-PSS with any length of salt, both over SHA-256. Public keys alone: what a node does to
//! sign is elsewhere, with other code.

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey as _;
use rsa::sha2::{Digest as _, Sha256};
use rsa::traits::PublicKeyParts as _;
use rsa::{Pss, RsaPublicKey};
use thiserror::Error;

/// A key that a node signs with, as far as the cloud knows it.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub(super) enum PublicKey {
    Ec(VerifyingKey),
    Rsa(RsaPublicKey),
}

/// That a text is no key of a node.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "not the public key of a node: expected PEM with an EC P-256 or RSA key of 2048 to 4096 bits"
)]
pub(super) struct NoKey;

impl PublicKey {
    /// From PEM, `BEGIN PUBLIC KEY`.
    pub(super) fn from_pem(text: &str) -> Result<Self, NoKey> {
        if let Ok(key) = VerifyingKey::from_public_key_pem(text) {
            return Ok(Self::Ec(key));
        }
        RsaPublicKey::from_public_key_pem(text)
            .ok()
            .filter(|key| (256..=512).contains(&key.size()))
            .map(Self::Rsa)
            .ok_or(NoKey)
    }

    /// Whether the holder of this key signed these bytes.
    pub(super) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ec(key) => Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Rsa(key) => {
                let hash = Sha256::digest(message);
                // The verifier wants to know the length of the salt; the signature does not say.
                // The firmware's own, then every one that fits.
                let longest = key.size().saturating_sub(FIRMWARES_SALT + 2);
                let mut lengths = std::iter::once(FIRMWARES_SALT).chain(0..=longest);
                lengths.any(|salt| {
                    let scheme = Pss::new_with_salt::<Sha256>(salt);
                    key.verify(scheme, &hash, signature).is_ok()
                })
            }
        }
    }
}

/// As long as the hash.
const FIRMWARES_SALT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Made with OpenSSL; the commands are in the README beside the file.
    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../tests/vectors/node_signatures.json")).unwrap()
    }

    fn key(name: &str) -> PublicKey {
        PublicKey::from_pem(vectors()["public_keys"][name].as_str().unwrap()).unwrap()
    }

    #[test]
    fn signatures_made_by_another_program_are_judged_as_they_should_be() {
        let vectors = vectors();
        let challenge = vectors["challenge"].as_str().unwrap().as_bytes();
        let mut good = 0;
        for entry in vectors["signatures"].as_array().unwrap() {
            let key = key(entry["key"].as_str().unwrap());
            let signature = hex::decode(entry["signature"].as_str().unwrap()).unwrap();
            let judged = key.has_signed(challenge, &signature);
            assert_eq!(
                judged,
                entry["good"].as_bool().unwrap(),
                "{}",
                entry["name"]
            );
            good += usize::from(judged);
        }
        assert_eq!(good, 5);
    }

    #[test]
    fn no_bytes_are_a_signature_by_chance() {
        for name in ["ec", "rsa"] {
            let key = key(name);
            assert_eq!(key.into_str(), name);
            for bytes in [
                &[][..],
                &[0x30],
                &[0; 64],
                &[0; 256],
                &[0xff; 256],
                &[0; 4096],
            ] {
                assert!(
                    !key.has_signed(b"challenge", bytes),
                    "{name} {}",
                    bytes.len()
                );
            }
        }
    }

    #[test]
    fn other_texts_are_no_keys() {
        for text in [
            "",
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        ] {
            assert_eq!(PublicKey::from_pem(text), Err(NoKey), "{text}");
        }
    }
}
