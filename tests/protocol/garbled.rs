//! Handshake messages that were damaged on their way. Whatever arrives, nobody panics, and two
//! sides that both believe in a session can talk to each other or notice that they cannot.

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

/// A handshake takes too long to try them all: the framing, which is at the front, and samples of
/// what follows; the last message, which is cheap to check and holds the nonce, whole.
#[test]
fn sec2_bits_flipped() {
    let chosen = |message, index| message == Message::Sr1 || index < 20 || index % 41 == 0;
    flip(SecurityScheme::Sec2, chosen, &[0x01, 0xff]);
}

/// No message is complete before its last byte.
#[test]
fn cut_short() {
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

/// Fields that nobody knows are skipped, as protobuf has it; anything else after the end is not.
#[test]
fn with_something_after_the_end() {
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

/// Noise in place of each message, and noise of the kind that another service might answer.
#[test]
fn replaced_by_noise() {
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
                    // Otherwise almost nothing gets past the first tag.
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

/// What became of a handshake in which one message was damaged.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// One side noticed.
    Refused,
    /// Both have the keys, but the first message is found not to be authentic.
    Unusable,
    /// As if nothing had happened.
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
    // Panics when something else is read than was written.
    match ends.exchange(b"request", b"response") {
        Ok(_) => Outcome::Agreed,
        Err(error) => {
            let how = Misbehaviour::NotAuthentic;
            assert_eq!(error, SecurityError::PeerMisbehaved { scheme, how });
            Outcome::Unusable
        }
    }
}

/// Nothing is accepted but a nonce, which no proof covers: that shows in the first message.
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

/// The messages of a handshake, and how long they are.
fn lengths(scheme: SecurityScheme) -> Vec<(Message, usize)> {
    let ends = Pair::of(scheme, "damaged").run().unwrap();
    let lengths = ends.sent.iter().map(Vec::len);
    Message::ALL.into_iter().zip(lengths).collect()
}

/// Bytes of the counted nonce, which is the last field of `sr1`.
const NONCE: usize = 12;
const SCHEMES: [SecurityScheme; 3] = [
    SecurityScheme::Sec0,
    SecurityScheme::Sec1,
    SecurityScheme::Sec2,
];
const EACH_BIT_AND_ALL: [u8; 9] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff];
