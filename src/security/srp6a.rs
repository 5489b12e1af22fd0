//! The arithmetic of Security 2: SRP6a over the 3072-bit group of RFC 5054 with SHA-512. The `srp`
//! crate has the group and its operations. This file defines which values are padded, because the
//! firmware and half of its clients differ there.
//!
//! | value | form |
//! |---|---|
//! | A | 384 bytes on the wire, in u, in the proofs |
//! | B | padded in u; in the proofs as received |
//! | S | without leading zeros when hashed to K |
//! | K, M1, M2, H(user:password) | hashes: always 64 bytes |
//! | salt | opaque bytes |
//!
//! Source: ESP-IDF `protocomm/src/crypto/srp6a/esp_srp.c`.

use rand_core::CryptoRng;
use sha2::{Digest as _, Sha512};
use srp::bigint::BoxedUint;
use srp::groups::G3072;
use srp::{Client, Group as _, Server};
use zeroize::{Zeroize as _, Zeroizing};

use super::credentials::VerifierForm;
use crate::secret::Secret;

/// The length of the modulus, and so of a padded public key.
pub(super) const PUBLIC: usize = 384;
/// The length of a SHA-512 hash: K, M1 and M2.
pub(super) const HASH: usize = 64;

/// The values that both sides compute.
pub(super) struct Agreement {
    /// K; its first 32 bytes are the AES key.
    pub(super) key: Zeroizing<[u8; HASH]>,
    /// M1.
    pub(super) client_proof: [u8; HASH],
    /// M2, which the firmware calls `H_AMK`.
    pub(super) device_proof: [u8; HASH],
}

/// A public key that is a multiple of N, is too long, or leads to u = 0.
#[derive(Debug)]
pub(super) struct OutOfRange;

/// The client's ephemeral key pair.
pub(super) struct ClientKey {
    secret: Zeroizing<[u8; EPHEMERAL]>,
    public: [u8; PUBLIC],
}

impl ClientKey {
    pub(super) fn draw(rng: &mut dyn CryptoRng) -> Self {
        let secret = draw(rng);
        let power = Client::<G3072, Sha512>::new().compute_g_x(&number(&*secret));
        Self {
            secret,
            public: pad(&power.to_be_bytes_trimmed_vartime()),
        }
    }

    /// A.
    pub(super) fn public(&self) -> &[u8; PUBLIC] {
        &self.public
    }

    pub(super) fn agree(
        &self,
        username: &str,
        password: &Secret<String>,
        form: VerifierForm,
        salt: &[u8],
        device_public: &[u8],
    ) -> Result<Agreement, OutOfRange> {
        let padded = checked(device_public)?;
        let u = scrambler(&self.public, &padded)?;
        let mut x = private_value(username, password, form, salt);
        let mut a = number(&*self.secret);
        let mut s = Client::<G3072, Sha512>::new().compute_premaster_secret(
            &number(device_public),
            &multiplier(),
            &x,
            &a,
            &u,
        );
        let agreement = agreement(username.as_bytes(), salt, &self.public, device_public, &s);
        x.zeroize();
        a.zeroize();
        s.zeroize();
        Ok(agreement)
    }
}

/// The device's ephemeral key pair, made for one verifier.
pub(super) struct DeviceKey {
    secret: Zeroizing<[u8; EPHEMERAL]>,
    verifier: BoxedUint,
    public: Vec<u8>,
}

impl DeviceKey {
    pub(super) fn draw(verifier: &[u8], rng: &mut dyn CryptoRng) -> Self {
        let secret = draw(rng);
        // A stored verifier may be longer than N, which the group's operations do not support.
        let verifier = number(verifier).rem(G3072::generator().params().modulus().as_nz_ref());
        let public = Server::<G3072, Sha512>::new().compute_b_pub(
            &number(&*secret),
            &multiplier(),
            &verifier,
        );
        Self {
            secret,
            verifier,
            public: public.to_be_bytes_trimmed_vartime().into(),
        }
    }

    /// B, without leading zeros, as devices send it.
    pub(super) fn public(&self) -> &[u8] {
        &self.public
    }

    pub(super) fn agree(
        &self,
        username: &[u8],
        salt: &[u8],
        client_public: &[u8; PUBLIC],
    ) -> Result<Agreement, OutOfRange> {
        checked(client_public)?;
        let u = scrambler(client_public, &checked(&self.public)?)?;
        let mut b = number(&*self.secret);
        let mut s = Server::<G3072, Sha512>::new().compute_premaster_secret(
            &number(client_public),
            &self.verifier,
            &u,
            &b,
        );
        let agreement = agreement(username, salt, client_public, &self.public, &s);
        b.zeroize();
        s.zeroize();
        Ok(agreement)
    }
}

/// v = g^x, for a device that has its own password.
pub(super) fn verifier(username: &str, password: &Secret<String>, salt: &[u8]) -> Vec<u8> {
    let mut x = private_value(username, password, VerifierForm::Standard, salt);
    let v = Client::<G3072, Sha512>::new().compute_g_x(&x);
    x.zeroize();
    v.to_be_bytes_trimmed_vartime().into()
}

/// Whether H(user:password) begins with a zero byte: only then can the verifier of
/// [`VerifierForm::StrippedInnerHash`] differ from the standard one.
pub fn inner_hash_is_ambiguous(username: &str, password: &Secret<String>) -> bool {
    inner_hash(username, password).first() == Some(&0)
}

/// H(user ":" password).
fn inner_hash(username: &str, password: &Secret<String>) -> Zeroizing<[u8; HASH]> {
    Zeroizing::new(hash([
        username.as_bytes(),
        b":",
        password.expose().as_bytes(),
    ]))
}

/// x = H(salt | H(user ":" password)), or one of the two broken forms.
fn private_value(
    username: &str,
    password: &Secret<String>,
    form: VerifierForm,
    salt: &[u8],
) -> BoxedUint {
    let inner = inner_hash(username, password);
    match form {
        VerifierForm::Standard => Client::<G3072, Sha512>::compute_x(&*inner, salt),
        VerifierForm::ShortSalt => {
            let short = salt.split_last().map_or(salt, |(_, rest)| rest);
            Client::<G3072, Sha512>::compute_x(&*inner, short)
        }
        VerifierForm::StrippedInnerHash => {
            Client::<G3072, Sha512>::compute_x(without_leading_zeros(&*inner), salt)
        }
    }
}

/// K, M1 and M2, from the public keys as they were sent.
fn agreement(
    username: &[u8],
    salt: &[u8],
    client_public: &[u8; PUBLIC],
    device_public: &[u8],
    shared: &BoxedUint,
) -> Agreement {
    let mut shared = shared.to_be_bytes_trimmed_vartime();
    let key = Zeroizing::new(hash([&shared]));
    shared.zeroize();

    let (modulus, generator) = group();
    let mut group_hash = hash([&modulus]);
    for (byte, mask) in group_hash.iter_mut().zip(hash([&generator])) {
        *byte ^= mask;
    }
    let client_proof = hash([
        &group_hash,
        &hash([username]),
        salt,
        client_public,
        device_public,
        &*key,
    ]);
    let device_proof = hash([client_public.as_slice(), &client_proof, &*key]);
    Agreement {
        key,
        client_proof,
        device_proof,
    }
}

/// k = H(N | PAD(g)).
fn multiplier() -> BoxedUint {
    let (modulus, generator) = group();
    number(&hash([&modulus, &generator]))
}

/// u = H(PAD(A) | PAD(B)); zero is an error.
fn scrambler(a: &[u8; PUBLIC], b: &[u8; PUBLIC]) -> Result<BoxedUint, OutOfRange> {
    let u = hash([a, b]);
    if u == [0; HASH] {
        Err(OutOfRange)
    } else {
        Ok(number(&u))
    }
}

/// N and PAD(g).
fn group() -> ([u8; PUBLIC], [u8; PUBLIC]) {
    let generator = G3072::generator();
    let modulus = pad(&generator.params().modulus().to_be_bytes());
    (modulus, pad(&generator.retrieve().to_be_bytes()))
}

/// Pads a public key that is between 0 and N, both excluded. Big-endian arrays of equal length
/// compare like numbers.
fn checked(public: &[u8]) -> Result<[u8; PUBLIC], OutOfRange> {
    if public.len() > PUBLIC {
        return Err(OutOfRange);
    }
    let padded = pad(public);
    if padded == [0; PUBLIC] || padded >= group().0 {
        return Err(OutOfRange);
    }
    Ok(padded)
}

/// Pads on the left, big-endian. Longer input would lose its highest bytes, but no caller has
/// longer input.
fn pad(bytes: &[u8]) -> [u8; PUBLIC] {
    let mut padded = [0; PUBLIC];
    for (to, from) in padded.iter_mut().rev().zip(bytes.iter().rev()) {
        *to = *from;
    }
    padded
}

fn without_leading_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

fn hash<const N: usize>(parts: [&[u8]; N]) -> [u8; HASH] {
    let mut digest = Sha512::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().into()
}

/// The timing depends only on the length of `bytes`, which is public for every value used here.
fn number(bytes: &[u8]) -> BoxedUint {
    BoxedUint::from_be_slice_vartime(bytes)
}

fn draw(rng: &mut dyn CryptoRng) -> Zeroizing<[u8; EPHEMERAL]> {
    let mut secret = Zeroizing::new([0; EPHEMERAL]);
    rng.fill_bytes(&mut *secret);
    secret
}

/// The length of a and b: 256 bits, as in the firmware.
const EPHEMERAL: usize = 32;
