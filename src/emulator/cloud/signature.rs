//! Verifies the signature of a node: ECDSA on P-256 in ASN.1 DER, or RSASSA-PSS with any length of salt,
//! both over SHA-256. It shares no code with the signing of the emulated device.

use p256::ecdsa::signature::Verifier as _;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey as _;
use rsa::sha2::{Digest as _, Sha256};
use rsa::traits::PublicKeyParts as _;
use rsa::{Pss, RsaPublicKey};
use thiserror::Error;

/// The public key of a node.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase", const_into_str)]
pub(super) enum PublicKey {
    Ec(VerifyingKey),
    Rsa(RsaPublicKey),
}

/// A text that is not the public key of a node.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "not the public key of a node: expected PEM with an EC P-256 or RSA key of 2048 to 4096 bits"
)]
pub(super) struct ParsePublicKeyError;

impl PublicKey {
    /// Reads PEM, `BEGIN PUBLIC KEY`.
    pub(super) fn from_pem(text: &str) -> Result<Self, ParsePublicKeyError> {
        if let Ok(key) = VerifyingKey::from_public_key_pem(text) {
            return Ok(Self::Ec(key));
        }
        RsaPublicKey::from_public_key_pem(text)
            .ok()
            .filter(|key| (256..=512).contains(&key.size()))
            .map(Self::Rsa)
            .ok_or(ParsePublicKeyError)
    }

    /// Whether this key verifies the signature of these bytes.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ec(key) => Signature::from_der(signature)
                .is_ok_and(|signature| key.verify(message, &signature).is_ok()),
            Self::Rsa(key) => {
                let hash = Sha256::digest(message);
                // The verifier requires the length of the salt, which the signature does not contain:
                // try the firmware's length, then every possible one.
                let longest = key.size().saturating_sub(FIRMWARE_SALT + 2);
                let mut lengths = std::iter::once(FIRMWARE_SALT).chain(0..=longest);
                lengths.any(|salt| {
                    let scheme = Pss::new_with_salt::<Sha256>(salt);
                    key.verify(scheme, &hash, signature).is_ok()
                })
            }
        }
    }
}

/// The length of the firmware's salt, that of the hash.
const FIRMWARE_SALT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Made with OpenSSL; the README in the folder of the file has the commands.
    fn vectors() -> Value {
        serde_json::from_str(include_str!("../../../tests/vectors/node_signatures.json")).unwrap()
    }

    fn key(name: &str) -> PublicKey {
        PublicKey::from_pem(vectors()["public_keys"][name].as_str().unwrap()).unwrap()
    }

    #[test]
    fn verifies_signatures_of_other_program() {
        let vectors = vectors();
        let challenge = vectors["challenge"].as_str().unwrap().as_bytes();
        let mut good = 0;
        for entry in vectors["signatures"].as_array().unwrap() {
            let key = key(entry["key"].as_str().unwrap());
            let signature = hex::decode(entry["signature"].as_str().unwrap()).unwrap();
            let judged = key.verifies(challenge, &signature);
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
    fn rejects_arbitrary_bytes() {
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
                assert!(!key.verifies(b"challenge", bytes), "{name} {}", bytes.len());
            }
        }
    }

    #[test]
    fn rejects_texts_that_are_not_keys() {
        for text in [
            "",
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        ] {
            assert_eq!(
                PublicKey::from_pem(text),
                Err(ParsePublicKeyError),
                "{text}"
            );
        }
    }
}
