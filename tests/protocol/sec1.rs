//! Security 1, client against device: random keys, keys that must be rejected, and the consequences
//! of missing message authentication. `vectors` has known answers.

use crate::support::altered;
use crate::support::pair::{Message, Pair, Side};
use crate::support::scripted_rng::SeededRng;
use espctl::proto::protocomm::Status;
use espctl::proto::protocomm::sec1_payload::Payload;
use espctl::secret::Secret;
use espctl::security::{Credentials, DeviceSecret, Misbehaviour, SecurityError, SecurityScheme};

#[test]
fn random_handshakes_agree() {
    for index in 0..500 {
        let mut rng = SeededRng::new(format!("sec1 {index}"));
        let pop = (index % 2 == 0).then(|| {
            let length = rng.below(65);
            Secret::new(rng.text(length))
        });
        let credentials = pop.clone().map_or(Credentials::None, Credentials::Pop);
        let pair = Pair::seeded(
            &format!("sec1 {index}"),
            &credentials,
            &DeviceSecret::Sec1 { pop },
        );
        let mut ends = pair.run().unwrap();
        for _ in 0..3 {
            let (request, response) = (rng.below(300), rng.below(300));
            let (request, response) = (rng.bytes(request), rng.bytes(response));
            ends.exchange(&request, &response).unwrap();
        }
    }
}

/// Regardless of which side has a wrong or missing PoP, the device refuses.
#[test]
fn different_pops_do_not_agree() {
    let spellings = [
        None,
        Some("abcd1234"),
        Some("abcd1235"),
        Some("ABCD1234"),
        Some("abcd1234\0"),
    ];
    for (index, device) in spellings.into_iter().enumerate() {
        for client in spellings {
            let pair = pair(&format!("different {index}"), client, device);
            match pair.run() {
                Ok(_) => assert_eq!(client, device),
                Err(refused) => {
                    assert_ne!(client, device);
                    assert_eq!(refused.by, Side::Device);
                    assert_eq!(refused.error, mismatch());
                    assert_eq!(refused.reading, mismatch());
                }
            }
        }
    }
}

/// Otherwise an attacker in between could choose the shared secret (RFC 7748, section 6.1).
#[test]
fn both_sides_reject_low_order_points() {
    for point in low_order_points() {
        for (message, side) in [(Message::Sc0, Side::Device), (Message::Sr0, Side::Client)] {
            for pop in [None, Some("abcd1234")] {
                let refused = pair("low order", pop, pop)
                    .run_altering(altered::sec1(message, |payload| {
                        *public_key(payload) = point.to_vec();
                    }))
                    .unwrap_err();
                assert_eq!(refused.by, side, "{point:02x?}");
                assert_eq!(refused.error, misbehaved(Misbehaviour::KeyOutOfRange));
            }
        }
    }
}

#[test]
fn rejects_fields_of_wrong_length() {
    for length in [0, 1, 15, 17, 31, 33, 64] {
        for (message, side, name, expected) in [
            (Message::Sc0, Side::Device, "client_pubkey", 32),
            (Message::Sr0, Side::Client, "device_pubkey", 32),
            (Message::Sc1, Side::Device, "client_verify_data", 32),
            (Message::Sr1, Side::Client, "device_verify_data", 32),
            (Message::Sr0, Side::Client, "device_random", 16),
        ] {
            assert_ne!(length, expected);
            let refused = pair("lengths", None, None)
                .run_altering(altered::sec1(message, |payload| {
                    field(payload, name).resize(length, 0x55);
                }))
                .unwrap_err();
            assert_eq!(refused.by, side);
            let how = Misbehaviour::WrongLength {
                field: name,
                length,
            };
            assert_eq!(refused.error, misbehaved(how));
        }
    }
}

/// No firmware sends such a status, so code that only checks the keys could read it as success.
#[test]
fn rejects_status_other_than_success() {
    for message in [Message::Sr0, Message::Sr1] {
        let refused = pair("status", None, None)
            .run_altering(altered::sec1(message, |payload| match payload {
                Payload::Sr0(reply) => reply.status = Status::InternalError.into(),
                Payload::Sr1(reply) => reply.status = Status::InternalError.into(),
                other => panic!("not a reply: {other:?}"),
            }))
            .unwrap_err();
        assert_eq!(refused.by, Side::Client);
        assert_eq!(refused.error, misbehaved(Misbehaviour::BadStatus(5)));
    }
}

/// A device without the PoP cannot prove that it has it: the client must detect this as well.
#[test]
fn device_must_prove_pop() {
    for proof in [vec![0; 32], SeededRng::new("proof").bytes(32)] {
        let refused = pair("proof", Some("abcd1234"), Some("abcd1234"))
            .run_altering(altered::sec1(Message::Sr1, |payload| {
                *field(payload, "device_verify_data") = proof.clone();
            }))
            .unwrap_err();
        assert_eq!(refused.by, Side::Client);
        assert_eq!(refused.error, misbehaved(Misbehaviour::NoProofOfItsOwn));
    }
}

/// Without authentication, every message after a lost request is unreadable.
#[test]
fn lost_message_makes_session_unreadable() {
    let mut ends = pair("lost", None, None).run().unwrap();
    ends.client.seal(b"never arrives").unwrap();
    let second = ends.client.seal(b"arrives").unwrap();
    assert_ne!(*ends.device.open(&second).unwrap(), b"arrives");
}

#[test]
fn rejects_credentials_of_other_scheme() {
    let credentials = Credentials::UserPassword {
        username: "wifiprov".into(),
        password: Secret::new("abcd1234".into()),
        verifier: espctl::security::VerifierForm::Standard,
    };
    let error = espctl::security::start(
        SecurityScheme::Sec1,
        &credentials,
        &mut SeededRng::new("unused"),
    )
    .unwrap_err();
    assert_eq!(
        error,
        SecurityError::WrongKindOfCredentials {
            scheme: SecurityScheme::Sec1
        }
    );
}

fn pair(seed: &str, client: Option<&str>, device: Option<&str>) -> Pair {
    let secret = |pop: &str| Secret::new(pop.to_owned());
    let credentials = client.map_or(Credentials::None, |pop| Credentials::Pop(secret(pop)));
    let pop = device.map(secret);
    Pair::seeded(seed, &credentials, &DeviceSecret::Sec1 { pop })
}

fn public_key(payload: &mut Payload) -> &mut Vec<u8> {
    let name = match payload {
        Payload::Sc0(_) => "client_pubkey",
        _ => "device_pubkey",
    };
    field(payload, name)
}

fn field<'a>(payload: &'a mut Payload, name: &str) -> &'a mut Vec<u8> {
    match (payload, name) {
        (Payload::Sc0(message), "client_pubkey") => &mut message.client_pubkey,
        (Payload::Sr0(message), "device_pubkey") => &mut message.device_pubkey,
        (Payload::Sr0(message), "device_random") => &mut message.device_random,
        (Payload::Sc1(message), "client_verify_data") => &mut message.client_verify_data,
        (Payload::Sr1(message), "device_verify_data") => &mut message.device_verify_data,
        (payload, name) => panic!("no {name} in {payload:?}"),
    }
}

/// u = 0, 1, the two points of order 8, p - 1, p and p + 1, each also with the top bit set, which
/// X25519 ignores.
fn low_order_points() -> Vec<[u8; 32]> {
    let near_p = |lowest| {
        let mut point = [0xff; 32];
        point[0] = lowest;
        point[31] = 0x7f;
        point
    };
    let mut one = [0; 32];
    one[0] = 1;
    let mut points = vec![
        [0; 32],
        one,
        *b"\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a\
           \xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00",
        *b"\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b\
           \x04\x44\x5c\xc4\x58\x1c\x8e\x86\xd8\x22\x4e\xdd\xd0\x9f\x11\x57",
        near_p(0xec),
        near_p(0xed),
        near_p(0xee),
    ];
    let with_top_bit: Vec<_> = points
        .iter()
        .map(|point| {
            let mut point = *point;
            point[31] |= 0x80;
            point
        })
        .collect();
    points.extend(with_top_bit);
    points
}

fn mismatch() -> SecurityError {
    SecurityError::CredentialsMismatch {
        scheme: SecurityScheme::Sec1,
    }
}

fn misbehaved(how: Misbehaviour) -> SecurityError {
    SecurityError::PeerMisbehaved {
        scheme: SecurityScheme::Sec1,
        how,
    }
}
