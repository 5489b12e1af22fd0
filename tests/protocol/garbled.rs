//! Handshake messages that were damaged in transit. No input may cause a panic, and two sides that
//! both accept a session can either exchange messages or detect that they cannot.

use espctl::security::{Misbehaviour, SecurityError, SecurityScheme};

use crate::support::pair::{Message, Pair};
use crate::support::scripted_rng::SeededRng;

#[test]
fn sec0_bits_flipped() {
    flip(SecurityScheme::Sec0, |_, _| true, &EACH_BIT_AND_ALL);
}

#[test]
fn sec1_bits_flipped() {
    flip(SecurityScheme::Sec1, |_, _| true, &EACH_BIT_AND_ALL);
}

/// Trying every byte would take too long. The test changes the framing at the front and samples of
/// the rest, and all of the last message, which is cheap to check and contains the nonce.
#[test]
fn sec2_bits_flipped() {
    let chosen = |message, index| message == Message::Sr1 || index < 20 || index % 41 == 0;
    flip(SecurityScheme::Sec2, chosen, &[0x01, 0xff]);
}

/// No message is complete before its last byte.
#[test]
fn rejects_truncated_messages() {
    for (scheme, step) in [
        (SecurityScheme::Sec0, 1),
        (SecurityScheme::Sec1, 1),
        (SecurityScheme::Sec2, 3),
    ] {
        for (message, length) in lengths(scheme) {
            for kept in (0..length).step_by(step).chain([length - 1]) {
                let outcome = outcome(scheme, message, |bytes| bytes.truncate(kept));
                assert_eq!(
                    outcome,
                    Outcome::Refused,
                    "{scheme}, {message:?}, {kept} bytes"
                );
            }
        }
    }
}

/// Unknown fields are skipped, as protobuf requires. Any other bytes after the end are rejected.
#[test]
fn only_unknown_fields_may_follow_message() {
    for scheme in SCHEMES {
        for (message, _) in lengths(scheme) {
            let unknown = outcome(scheme, message, |bytes| bytes.extend(b"\xf8\x01\x07"));
            assert_eq!(unknown, Outcome::Agreed, "{scheme}, {message:?}");
            for rubbish in [&b"\0"[..], b"\xff", b"\xff\xff\xff\xff\xff", b"\x52\x7f"] {
                let outcome = outcome(scheme, message, |bytes| bytes.extend(rubbish));
                assert_eq!(
                    outcome,
                    Outcome::Refused,
                    "{scheme}, {message:?}, {rubbish:?}"
                );
            }
        }
    }
}

/// Replaces each message with noise, and with answers that another service might send.
#[test]
fn rejects_noise() {
    let mut rng = SeededRng::new("noise");
    for scheme in SCHEMES {
        let rounds = if scheme == SecurityScheme::Sec2 {
            25
        } else {
            250
        };
        for (message, length) in lengths(scheme) {
            for round in 0..rounds {
                let length = rng.below(length * 2);
                let mut noise = rng.bytes(length);
                if round % 2 == 0 {
                    // Otherwise almost no noise would pass the first tag.
                    noise.splice(0..0, [0x10, scheme.number(), 0x52 + 8 * scheme.number()]);
                }
                let outcome = outcome(scheme, message, |bytes| bytes.clone_from(&noise));
                assert_eq!(
                    outcome,
                    Outcome::Refused,
                    "{scheme}, {message:?}, {noise:02x?}"
                );
            }
            for answer in ["", "---", "<html></html>", r#"{"prov":{"ver":"v1.1"}}"#] {
                let outcome = outcome(scheme, message, |bytes| *bytes = answer.into());
                assert_eq!(outcome, Outcome::Refused, "{scheme}, {message:?}, {answer}");
            }
        }
    }
}

/// The outcome of a handshake with one damaged message.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// One side detected the damage.
    Refused,
    /// Both sides have keys, but the first message is not authentic.
    Unusable,
    /// The handshake succeeded.
    Agreed,
}

fn outcome(scheme: SecurityScheme, which: Message, damage: impl Fn(&mut Vec<u8>)) -> Outcome {
    let result = Pair::of(scheme, "damaged").run_altering(|message, mut bytes| {
        if message == which {
            damage(&mut bytes);
        }
        bytes
    });
    let Ok(mut ends) = result else {
        return Outcome::Refused;
    };
    // Panics if a side reads something other than what was written.
    match ends.exchange(b"request", b"response") {
        Ok(_) => Outcome::Agreed,
        Err(error) => {
            let how = Misbehaviour::NotAuthentic;
            assert_eq!(error, SecurityError::PeerMisbehaved { scheme, how });
            Outcome::Unusable
        }
    }
}

/// Only a damaged nonce is accepted, which no proof covers: the first message detects it.
fn flip(scheme: SecurityScheme, chosen: impl Fn(Message, usize) -> bool, masks: &[u8]) {
    for (message, length) in lengths(scheme) {
        for index in (0..length).filter(|index| chosen(message, *index)) {
            let is_nonce = scheme == SecurityScheme::Sec2
                && message == Message::Sr1
                && index >= length - NONCE;
            let expected = if is_nonce {
                Outcome::Unusable
            } else {
                Outcome::Refused
            };
            for mask in masks {
                let outcome = outcome(scheme, message, |bytes| bytes[index] ^= mask);
                assert_eq!(
                    outcome, expected,
                    "{scheme}, {message:?}, {index}, {mask:02x}"
                );
            }
        }
    }
}

/// The messages of a handshake, with their lengths.
fn lengths(scheme: SecurityScheme) -> Vec<(Message, usize)> {
    let ends = Pair::of(scheme, "damaged").run().unwrap();
    let lengths = ends.sent.iter().map(Vec::len);
    Message::ALL.into_iter().zip(lengths).collect()
}

/// The length of the counted nonce, which is the last field of `sr1`.
const NONCE: usize = 12;
const SCHEMES: [SecurityScheme; 3] = [
    SecurityScheme::Sec0,
    SecurityScheme::Sec1,
    SecurityScheme::Sec2,
];
const EACH_BIT_AND_ALL: [u8; 9] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff];
