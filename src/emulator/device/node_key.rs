//! The private key of a node, and the two kinds of signature that firmware makes with it
//! (`esp_rmaker_node_auth.c`). Not what is signed or when: that is `ch_resp`'s.

use derive_more::Debug;
use p256::ecdsa::SigningKey;
use p256::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::rand_core::OsRng;
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{RsaPrivateKey, pkcs1v15, pss};
use strum::{Display, EnumString};
use thiserror::Error;

/// Which kind of key a node has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, EnumString)]
#[strum(serialize_all = "lowercase", parse_err_ty = NoNodeKey, parse_err_fn = no_kind)]
pub enum KeyKind {
    /// On the curve P-256, what new nodes get.
    #[default]
    Ec,
    /// RSA of 2048 bits, what older nodes have.
    Rsa,
}

/// The private key of a node. It does not print.
#[derive(Clone, Debug)]
#[debug("NodeKey({}, <redacted>)", self.kind())]
pub struct NodeKey(Private);

#[derive(Clone)]
enum Private {
    Ec(SigningKey),
    Rsa(Box<RsaPrivateKey>),
}

/// In which way a signature is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Signing {
    /// As firmware: ECDSA in DER, RSA with PSS and a salt of 32 bytes.
    #[default]
    Proper,
    /// Over something else.
    OtherBytes,
    /// RSA by PKCS #1 v1.5.
    Pkcs1,
    /// ECDSA as r and s.
    Raw,
}

impl NodeKey {
    /// Draws one.
    pub fn generate(kind: KeyKind) -> Result<Self, NoNodeKey> {
        Ok(Self(match kind {
            KeyKind::Ec => Private::Ec(SigningKey::random(&mut OsRng)),
            KeyKind::Rsa => {
                let key = RsaPrivateKey::new(&mut OsRng, RSA_BITS)
                    .map_err(|error| NoNodeKey::NotDrawn(error.to_string()))?;
                Private::Rsa(Box::new(key))
            }
        }))
    }

    /// Reads one from PEM with PKCS #8 in it.
    pub fn from_pem(text: &str) -> Result<Self, NoNodeKey> {
        if let Ok(key) = SigningKey::from_pkcs8_pem(text) {
            return Ok(Self(Private::Ec(key)));
        }
        let key = RsaPrivateKey::from_pkcs8_pem(text).map_err(|_| NoNodeKey::Unreadable)?;
        match key.n().bits() {
            RSA_BITS => Ok(Self(Private::Rsa(Box::new(key)))),
            bits => Err(NoNodeKey::OtherLength(bits)),
        }
    }

    /// Which kind it is.
    pub fn kind(&self) -> KeyKind {
        match &self.0 {
            Private::Ec(_) => KeyKind::Ec,
            Private::Rsa(_) => KeyKind::Rsa,
        }
    }

    /// The public half as PEM.
    pub fn public_pem(&self) -> Result<String, NoNodeKey> {
        match &self.0 {
            Private::Ec(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
            Private::Rsa(key) => key.to_public_key().to_public_key_pem(LineEnding::LF),
        }
        .map_err(|_| NoNodeKey::Unreadable)
    }

    /// Signs the SHA-256 of these bytes; `None` if that fails, or is asked in the other kind's way.
    pub(super) fn sign(&self, challenge: &[u8], how: Signing) -> Option<Vec<u8>> {
        match (&self.0, how) {
            (_, Signing::OtherBytes) => {
                let other: Vec<u8> = challenge.iter().map(|byte| !byte).collect();
                self.sign(&other, Signing::Proper)
            }
            (Private::Ec(key), Signing::Proper | Signing::Raw) => {
                let signature: p256::ecdsa::Signature = key.try_sign(challenge).ok()?;
                Some(match how {
                    Signing::Raw => signature.to_vec(),
                    _ => signature.to_der().as_bytes().to_vec(),
                })
            }
            (Private::Rsa(key), Signing::Proper) => {
                let key = pss::SigningKey::<Sha256>::new(RsaPrivateKey::clone(key));
                let signature = key.try_sign_with_rng(&mut OsRng, challenge).ok()?;
                Some(signature.to_vec())
            }
            (Private::Rsa(key), Signing::Pkcs1) => {
                let key = pkcs1v15::SigningKey::<Sha256>::new(RsaPrivateKey::clone(key));
                Some(key.try_sign(challenge).ok()?.to_vec())
            }
            (Private::Ec(_), Signing::Pkcs1) | (Private::Rsa(_), Signing::Raw) => None,
        }
    }
}

/// Why there is no key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoNodeKey {
    /// Not a kind.
    #[error("expected ec or rsa")]
    NoKind,
    /// It could not be drawn.
    #[error("no RSA key could be made: {0}")]
    NotDrawn(String),
    /// Nodes have RSA keys of 2048 bits.
    #[error("an RSA key of {0} bits; nodes have 2048")]
    OtherLength(usize),
    /// Not a key of these kinds.
    #[error("expected PEM with a PKCS #8 private key, P-256 or RSA")]
    Unreadable,
}

fn no_kind(_: &str) -> NoNodeKey {
    NoNodeKey::NoKind
}

const RSA_BITS: usize = 2048;

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::LazyLock;

    use p256::pkcs8::{DecodePublicKey as _, EncodePrivateKey as _};
    use ring::signature::{
        ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
        UnparsedPublicKey, VerificationAlgorithm,
    };
    use rsa::pkcs1::EncodeRsaPublicKey as _;

    use super::*;

    /// Drawn once: it takes a while.
    pub(crate) static RSA: LazyLock<NodeKey> =
        LazyLock::new(|| NodeKey::generate(KeyKind::Rsa).unwrap());

    /// Whether an independent implementation accepts it, going by the public half alone.
    pub(crate) fn verifies(
        public_pem: &str,
        algorithm: &'static dyn VerificationAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let key = match p256::PublicKey::from_public_key_pem(public_pem) {
            Ok(key) => key.to_sec1_bytes().to_vec(),
            Err(_) => rsa::RsaPublicKey::from_public_key_pem(public_pem)
                .unwrap()
                .to_pkcs1_der()
                .unwrap()
                .as_bytes()
                .to_vec(),
        };
        UnparsedPublicKey::new(algorithm, key)
            .verify(message, signature)
            .is_ok()
    }

    #[test]
    fn an_independent_implementation_accepts_signatures_of_both_kinds() {
        let challenge = b"a challenge from the cloud";
        let ec = NodeKey::generate(KeyKind::Ec).unwrap();
        let cases: [(&NodeKey, &'static dyn VerificationAlgorithm); 2] = [
            (&ec, &ECDSA_P256_SHA256_ASN1),
            (&RSA, &RSA_PSS_2048_8192_SHA256),
        ];
        for (key, algorithm) in cases {
            let public = key.public_pem().unwrap();
            assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n"));
            let signature = key.sign(challenge, Signing::Proper).unwrap();
            assert!(verifies(&public, algorithm, challenge, &signature));
            assert!(!verifies(&public, algorithm, b"another", &signature));
            let other = key.sign(challenge, Signing::OtherBytes).unwrap();
            assert!(!verifies(&public, algorithm, challenge, &other));
        }
    }

    #[test]
    fn the_improper_forms_are_what_they_say() {
        let challenge = b"abc";
        let ec = NodeKey::generate(KeyKind::Ec).unwrap();
        let public = ec.public_pem().unwrap();
        let raw = ec.sign(challenge, Signing::Raw).unwrap();
        assert_eq!(raw.len(), 64);
        assert!(verifies(
            &public,
            &ring::signature::ECDSA_P256_SHA256_FIXED,
            challenge,
            &raw
        ));
        assert!(!verifies(&public, &ECDSA_P256_SHA256_ASN1, challenge, &raw));

        let public = RSA.public_pem().unwrap();
        let pkcs1 = RSA.sign(challenge, Signing::Pkcs1).unwrap();
        for (algorithm, accepted) in [
            (&RSA_PKCS1_2048_8192_SHA256, true),
            (&RSA_PSS_2048_8192_SHA256, false),
        ] {
            assert_eq!(verifies(&public, algorithm, challenge, &pkcs1), accepted);
        }
        assert_eq!(ec.sign(challenge, Signing::Pkcs1), None);
        assert_eq!(RSA.sign(challenge, Signing::Raw), None);
    }

    #[test]
    fn a_key_is_read_from_a_file_and_does_not_print() {
        let secret = p256::SecretKey::random(&mut OsRng);
        let pem = secret.to_pkcs8_pem(LineEnding::LF).unwrap();
        let key = NodeKey::from_pem(&pem).unwrap();
        assert_eq!(key.kind(), KeyKind::Ec);
        assert_eq!(format!("{key:?}"), "NodeKey(ec, <redacted>)");

        let Private::Rsa(secret) = &RSA.0 else {
            panic!("an RSA key");
        };
        let pem = secret.to_pkcs8_pem(LineEnding::LF).unwrap();
        assert_eq!(NodeKey::from_pem(&pem).unwrap().kind(), KeyKind::Rsa);

        let short = RsaPrivateKey::new(&mut OsRng, 1024).unwrap();
        let pem = short.to_pkcs8_pem(LineEnding::LF).unwrap();
        let refused = NodeKey::from_pem(&pem).map(|key| key.kind());
        assert_eq!(refused, Err(NoNodeKey::OtherLength(1024)));
        let refused = NodeKey::from_pem("no key").map(|key| key.kind());
        assert_eq!(refused, Err(NoNodeKey::Unreadable));
    }
}
