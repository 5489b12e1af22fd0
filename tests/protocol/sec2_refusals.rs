//! Security 2: public keys, proofs and nonces that a side must reject, and unusual ones that it
//! must handle. `sec2` tests successful handshakes.

use espctl::proto::protocomm::Status;
use espctl::proto::protocomm::sec2_payload::Payload;
use espctl::secret::Secret;
use espctl::security::{
    Credentials, DeviceSecret, Misbehaviour, NonceRule, SecurityError, SecurityScheme,
    VerifierForm, start,
};

use crate::support::altered;
use crate::support::pair::{Message, Pair, Refused, Side};
use crate::support::scripted_rng::{ScriptedRng, SeededRng};
use crate::support::vector_file::{bytes, entry, load, text};

/// With any of these keys, an attacker in between would know the shared secret.
#[test]
fn rejects_device_key_outside_group() {
    let with_leading_zero = [vec![0], below_modulus()].concat();
    for key in [
        vec![],
        vec![0],
        vec![0; 384],
        modulus(),
        above_modulus(),
        vec![0xff; 384],
        vec![0xff; 385],
        twice_modulus(),
        // In range, but devices never send 385 bytes.
        with_leading_zero,
    ] {
        let refused = with_field(Message::Sr0, "device_pubkey", &key);
        assert_eq!(refused.by, Side::Client, "{}", hex::encode(&key));
        assert_eq!(refused.error, misbehaved(Misbehaviour::KeyOutOfRange));
    }
}

#[test]
fn rejects_client_key_outside_group() {
    for key in [vec![0; 384], modulus(), above_modulus(), vec![0xff; 384]] {
        let refused = with_field(Message::Sc0, "client_pubkey", &key);
        assert_eq!(refused.by, Side::Device, "{}", hex::encode(&key));
        assert_eq!(refused.error, misbehaved(Misbehaviour::KeyOutOfRange));
    }
}

/// The limit is N itself, and short keys are valid: the arithmetic must handle them, and then the
/// proofs do not match.
#[test]
fn unusual_key_inside_group_is_mismatch() {
    let mut padded_one = vec![0; 384];
    padded_one[383] = 1;
    for key in [
        vec![1],
        vec![0, 1],
        vec![5; 8],
        padded_one.clone(),
        below_modulus(),
    ] {
        let refused = with_field(Message::Sr0, "device_pubkey", &key);
        assert_eq!(refused.by, Side::Device, "{}", hex::encode(&key));
        assert_eq!(refused.error, mismatch());
    }
    for key in [padded_one, below_modulus()] {
        let refused = with_field(Message::Sc0, "client_pubkey", &key);
        assert_eq!(refused.by, Side::Device);
        assert_eq!(refused.error, mismatch());
    }
}

/// The proofs cover the bytes as they were sent: a B that was padded in transit is the same number,
/// but another message.
#[test]
fn proofs_cover_device_key_as_received() {
    let entry = entry("sec2", "B_leading_zero");
    let login = Credentials::UserPassword {
        username: text(&entry, "username"),
        password: Secret::new(text(&entry, "password")),
        verifier: VerifierForm::Standard,
    };
    let secret = DeviceSecret::Sec2 {
        salt: bytes(&entry, "salt_on_wire"),
        verifier: bytes(&entry, "verifier"),
        nonce: NonceRule::Counter,
    };
    let pair = Pair::draw(
        (&login, &mut ScriptedRng::new([&bytes(&entry, "a")])),
        (
            &secret,
            &mut ScriptedRng::new([&bytes(&entry, "b"), &[0; 8]]),
        ),
    );
    let refused = pair
        .run_altering(altered::sec2(Message::Sr0, |payload| {
            let key = field(payload, "device_pubkey");
            assert_eq!(key.len(), 383);
            key.insert(0, 0);
        }))
        .unwrap_err();
    assert_eq!((refused.by, refused.error), (Side::Device, mismatch()));
}

#[test]
fn rejects_fields_of_wrong_length() {
    for (message, side, name, lengths) in [
        // Firmware counts a short A for its lock-out.
        (
            Message::Sc0,
            Side::Device,
            "client_pubkey",
            &[0, 1, 383, 385, 768][..],
        ),
        (Message::Sc1, Side::Device, "client_proof", &[0, 1, 63, 65]),
        (Message::Sr1, Side::Client, "device_proof", &[0, 1, 63, 65]),
        (
            Message::Sr1,
            Side::Client,
            "device_nonce",
            &[0, 1, 8, 11, 13, 15, 17, 32],
        ),
    ] {
        for length in lengths {
            let refused = with_field(message, name, &vec![0x55; *length]);
            assert_eq!(refused.by, side, "{name} of {length}");
            let how = Misbehaviour::WrongLength {
                field: name,
                length: *length,
            };
            assert_eq!(refused.error, misbehaved(how));
        }
    }
}

#[test]
fn requires_user_name() {
    let refused = with_field(Message::Sc0, "client_username", &[]);
    assert_eq!(refused.by, Side::Device);
    assert_eq!(refused.error, misbehaved(Misbehaviour::EmptyUsername));
    // A missing answer does not indicate a wrong password before the client has proved anything.
    assert_eq!(
        refused.reading,
        SecurityError::PeerIncompatible {
            scheme: SecurityScheme::Sec2
        }
    );
    // For the device, the name is bytes in a hash; another name leads to another proof.
    let not_text = with_field(Message::Sc0, "client_username", b"\xff\xfe");
    assert_eq!(
        not_text.error,
        SecurityError::CredentialsMismatch {
            scheme: SecurityScheme::Sec2
        }
    );

    for credentials in [
        Credentials::None,
        Credentials::Pop(Secret::new("abcd1234".into())),
        Credentials::UserPassword {
            username: String::new(),
            password: Secret::new("abcd1234".into()),
            verifier: VerifierForm::Standard,
        },
    ] {
        // Rejected before any random bytes are drawn.
        let rng = &mut ScriptedRng::new([]);
        assert_eq!(
            start(SecurityScheme::Sec2, &credentials, rng).unwrap_err(),
            SecurityError::WrongKindOfCredentials {
                scheme: SecurityScheme::Sec2
            }
        );
    }
}

/// Without this, the client would send a passphrase to any device that answers.
#[test]
fn device_must_prove_password() {
    for proof in [
        vec![0; 64],
        vec![0xff; 64],
        SeededRng::new("proof").bytes(64),
    ] {
        let refused = with_field(Message::Sr1, "device_proof", &proof);
        assert_eq!(refused.by, Side::Client);
        assert_eq!(refused.error, misbehaved(Misbehaviour::NoProofOfItsOwn));
    }
}

#[test]
fn proof_covers_salt() {
    for salt in [
        vec![],
        vec![0],
        vec![0; 16],
        vec![7; 15],
        vec![7; 17],
        vec![7; 1000],
    ] {
        let refused = with_field(Message::Sr0, "device_salt", &salt);
        assert_eq!((refused.by, refused.error), (Side::Device, mismatch()));
    }
}

#[test]
fn rejects_status_other_than_success() {
    for message in [Message::Sr0, Message::Sr1] {
        let refused = Pair::of(SecurityScheme::Sec2, "status")
            .run_altering(altered::sec2(message, |payload| match payload {
                Payload::Sr0(reply) => reply.status = Status::CryptoError.into(),
                Payload::Sr1(reply) => reply.status = Status::CryptoError.into(),
                other => panic!("not a reply: {other:?}"),
            }))
            .unwrap_err();
        assert_eq!(refused.by, Side::Client);
        assert_eq!(refused.error, misbehaved(Misbehaviour::BadStatus(6)));
    }
}

/// A stored verifier may have any length. Leading zeros change nothing, and an invalid one is a
/// mismatch.
#[test]
fn accepts_verifier_of_any_length() {
    let (username, password) = ("wifiprov", Secret::new(String::from("abcd1234")));
    let rng = &mut SeededRng::new("lengths");
    let made = DeviceSecret::sec2(username, &password, NonceRule::Counter, rng);
    let DeviceSecret::Sec2 { salt, verifier, .. } = made else {
        panic!("Security 2 was asked for");
    };
    let login = Credentials::UserPassword {
        username: username.into(),
        password,
        verifier: VerifierForm::Standard,
    };
    let run = |verifier: Vec<u8>| {
        let secret = DeviceSecret::Sec2 {
            salt: salt.clone(),
            verifier,
            nonce: NonceRule::Counter,
        };
        Pair::seeded("lengths", &login, &secret).run()
    };
    let mut ends = run([vec![0; 20], verifier].concat()).unwrap();
    ends.exchange(b"request", b"response").unwrap();
    for nonsense in [vec![], vec![0; 384], vec![1], modulus(), vec![0xff; 400]] {
        let refused = run(nonsense).unwrap_err();
        assert_eq!((refused.by, refused.error), (Side::Device, mismatch()));
    }
}

/// A handshake in which one field was replaced in transit.
fn with_field(message: Message, name: &str, value: &[u8]) -> Refused {
    Pair::of(SecurityScheme::Sec2, "field")
        .run_altering(altered::sec2(message, |payload| {
            *field(payload, name) = value.to_vec();
        }))
        .unwrap_err()
}

fn field<'a>(payload: &'a mut Payload, name: &str) -> &'a mut Vec<u8> {
    match (payload, name) {
        (Payload::Sc0(message), "client_username") => &mut message.client_username,
        (Payload::Sc0(message), "client_pubkey") => &mut message.client_pubkey,
        (Payload::Sr0(message), "device_pubkey") => &mut message.device_pubkey,
        (Payload::Sr0(message), "device_salt") => &mut message.device_salt,
        (Payload::Sc1(message), "client_proof") => &mut message.client_proof,
        (Payload::Sr1(message), "device_proof") => &mut message.device_proof,
        (Payload::Sr1(message), "device_nonce") => &mut message.device_nonce,
        (payload, name) => panic!("no {name} in {payload:?}"),
    }
}

/// N, from outside this crate. Its last byte is ff.
fn modulus() -> Vec<u8> {
    bytes(&load()["sec2_group"], "N")
}

fn below_modulus() -> Vec<u8> {
    let mut number = modulus();
    *number.last_mut().unwrap() -= 1;
    number
}

fn above_modulus() -> Vec<u8> {
    let mut number = modulus();
    for byte in number.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    number
}

/// 2N, which has one bit more than 384 bytes.
fn twice_modulus() -> Vec<u8> {
    let modulus = modulus();
    let mut number = vec![1];
    for pair in modulus.windows(2) {
        number.push(pair[0] << 1 | pair[1] >> 7);
    }
    number.push(modulus[modulus.len() - 1] << 1);
    number
}

fn mismatch() -> SecurityError {
    SecurityError::CredentialsMismatch {
        scheme: SecurityScheme::Sec2,
    }
}

fn misbehaved(how: Misbehaviour) -> SecurityError {
    SecurityError::PeerMisbehaved {
        scheme: SecurityScheme::Sec2,
        how,
    }
}
