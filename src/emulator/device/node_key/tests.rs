//! Signatures as an independent implementation verifies them, and keys from files.

use std::sync::LazyLock;

use p256::pkcs8::{DecodePublicKey as _, EncodePrivateKey as _};
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};
use rsa::pkcs1::EncodeRsaPublicKey as _;

use super::*;

/// Generated once: it takes a while.
pub(crate) static RSA: LazyLock<NodeKey> =
    LazyLock::new(|| NodeKey::generate(KeyKind::Rsa).unwrap());

/// Whether an independent implementation accepts a signature by the public key.
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
fn independent_implementation_accepts_both_kinds() {
    let challenge = b"a challenge from the cloud";
    let ec = NodeKey::generate(KeyKind::Ec).unwrap();
    let cases: [(&NodeKey, &'static dyn VerificationAlgorithm); 2] = [
        (&ec, &ECDSA_P256_SHA256_ASN1),
        (&RSA, &RSA_PSS_2048_8192_SHA256),
    ];
    for (key, algorithm) in cases {
        let public = key.public_pem().unwrap();
        assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n"));
        let signature = key.sign(challenge, SignatureForm::Proper).unwrap();
        assert!(verifies(&public, algorithm, challenge, &signature));
        assert!(!verifies(&public, algorithm, b"another", &signature));
        let other = key.sign(challenge, SignatureForm::OtherBytes).unwrap();
        assert!(!verifies(&public, algorithm, challenge, &other));
    }
}

#[test]
fn improper_signatures_have_their_forms() {
    let challenge = b"abc";
    let ec = NodeKey::generate(KeyKind::Ec).unwrap();
    let public = ec.public_pem().unwrap();
    let raw = ec.sign(challenge, SignatureForm::Raw).unwrap();
    assert_eq!(raw.len(), 64);
    assert!(verifies(
        &public,
        &ring::signature::ECDSA_P256_SHA256_FIXED,
        challenge,
        &raw
    ));
    assert!(!verifies(&public, &ECDSA_P256_SHA256_ASN1, challenge, &raw));

    let public = RSA.public_pem().unwrap();
    let pkcs1 = RSA.sign(challenge, SignatureForm::Pkcs1).unwrap();
    for (algorithm, accepted) in [
        (&RSA_PKCS1_2048_8192_SHA256, true),
        (&RSA_PSS_2048_8192_SHA256, false),
    ] {
        assert_eq!(verifies(&public, algorithm, challenge, &pkcs1), accepted);
    }
    assert_eq!(ec.sign(challenge, SignatureForm::Pkcs1), None);
    assert_eq!(RSA.sign(challenge, SignatureForm::Raw), None);
}

#[test]
fn reads_key_and_does_not_print_it() {
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
    assert_eq!(refused, Err(NodeKeyError::WrongLength(1024)));
    let refused = NodeKey::from_pem("no key").map(|key| key.kind());
    assert_eq!(refused, Err(NodeKeyError::Unreadable));
}
