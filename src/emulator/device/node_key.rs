//! The private key of a node, and the two kinds of signature that firmware makes with it
//! (`esp_rmaker_node_auth.c`).

use clap::ValueEnum;
use derive_more::Debug;
use p256::ecdsa::SigningKey;
use p256::pkcs8::{DecodePrivateKey as _, EncodePublicKey as _, LineEnding};
use rsa::rand_core::OsRng;
use rsa::sha2::Sha256;
use rsa::signature::{RandomizedSigner as _, SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use rsa::{RsaPrivateKey, pkcs1v15, pss};
use strum::Display;
use thiserror::Error;

/// The kind of a node's key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Display, ValueEnum)]
#[strum(serialize_all = "lowercase")]
pub enum KeyKind {
    /// A key on the curve P-256, as new nodes get.
    #[default]
    Ec,
    /// An RSA key of 2048 bits, as older nodes have.
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

/// The form of a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum SignatureForm {
    /// As firmware's: ECDSA in DER, RSA with PSS and a salt of 32 bytes.
    #[default]
    Proper,
    /// Of other bytes than the challenge.
    OtherBytes,
    /// RSA by PKCS #1 v1.5.
    Pkcs1,
    /// ECDSA as r and s.
    Raw,
}

impl NodeKey {
    /// Generates a key.
    pub fn generate(kind: KeyKind) -> Result<Self, NodeKeyError> {
        Ok(Self(match kind {
            KeyKind::Ec => Private::Ec(SigningKey::random(&mut OsRng)),
            KeyKind::Rsa => {
                let key = RsaPrivateKey::new(&mut OsRng, RSA_BITS)
                    .map_err(|error| NodeKeyError::Generate(error.to_string()))?;
                Private::Rsa(Box::new(key))
            }
        }))
    }

    /// Reads a PKCS #8 key from PEM.
    pub fn from_pem(text: &str) -> Result<Self, NodeKeyError> {
        if let Ok(key) = SigningKey::from_pkcs8_pem(text) {
            return Ok(Self(Private::Ec(key)));
        }
        let key = RsaPrivateKey::from_pkcs8_pem(text).map_err(|_| NodeKeyError::Unreadable)?;
        match key.n().bits() {
            RSA_BITS => Ok(Self(Private::Rsa(Box::new(key)))),
            bits => Err(NodeKeyError::WrongLength(bits)),
        }
    }

    /// The kind of the key.
    pub fn kind(&self) -> KeyKind {
        match &self.0 {
            Private::Ec(_) => KeyKind::Ec,
            Private::Rsa(_) => KeyKind::Rsa,
        }
    }

    /// The public key as PEM.
    pub fn public_pem(&self) -> Result<String, NodeKeyError> {
        match &self.0 {
            Private::Ec(key) => key.verifying_key().to_public_key_pem(LineEnding::LF),
            Private::Rsa(key) => key.to_public_key().to_public_key_pem(LineEnding::LF),
        }
        .map_err(|_| NodeKeyError::Unreadable)
    }

    /// Signs the SHA-256 of these bytes; `None` if that fails, or the form is one of the other kind.
    pub(super) fn sign(&self, challenge: &[u8], form: SignatureForm) -> Option<Vec<u8>> {
        match (&self.0, form) {
            (_, SignatureForm::OtherBytes) => {
                let other: Vec<u8> = challenge.iter().map(|byte| !byte).collect();
                self.sign(&other, SignatureForm::Proper)
            }
            (Private::Ec(key), SignatureForm::Proper | SignatureForm::Raw) => {
                let signature: p256::ecdsa::Signature = key.try_sign(challenge).ok()?;
                Some(match form {
                    SignatureForm::Raw => signature.to_vec(),
                    _ => signature.to_der().as_bytes().to_vec(),
                })
            }
            (Private::Rsa(key), SignatureForm::Proper) => {
                let key = pss::SigningKey::<Sha256>::new(RsaPrivateKey::clone(key));
                let signature = key.try_sign_with_rng(&mut OsRng, challenge).ok()?;
                Some(signature.to_vec())
            }
            (Private::Rsa(key), SignatureForm::Pkcs1) => {
                let key = pkcs1v15::SigningKey::<Sha256>::new(RsaPrivateKey::clone(key));
                Some(key.try_sign(challenge).ok()?.to_vec())
            }
            (Private::Ec(_), SignatureForm::Pkcs1) | (Private::Rsa(_), SignatureForm::Raw) => None,
        }
    }
}

/// Why there is no key.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NodeKeyError {
    /// Generating failed.
    #[error("no RSA key could be made: {0}")]
    Generate(String),
    /// Nodes have RSA keys of 2048 bits.
    #[error("an RSA key of {0} bits; nodes have 2048")]
    WrongLength(usize),
    /// The text is not a key of these kinds.
    #[error("expected PEM with a PKCS #8 private key, P-256 or RSA")]
    Unreadable,
}

const RSA_BITS: usize = 2048;

#[cfg(test)]
pub(crate) mod tests;
