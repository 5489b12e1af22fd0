//! Handshake messages that are valid but not expected: repeated, early, sent back, from another
//! session, of another scheme. `garbled` tests damaged messages.

use espctl::proto::protocomm::SessionData;
use espctl::proto::protocomm::session_data::Proto;
use espctl::security::{
    Answer, Handshake, Misbehaviour, Responder, SecurityError, SecurityScheme, Step,
};

use crate::support::altered;
use crate::support::pair::{Message, Pair, Side};

#[test]
fn device_accepts_only_expected_message() {
    for scheme in SCHEMES {
        let sent = Pair::of(scheme, "order").run().unwrap().sent;
        for early in &sent[1..] {
            let device = Pair::of(scheme, "order").device;
            assert_eq!(device.answer(early).unwrap_err(), unexpected(scheme));
        }
        if scheme == SecurityScheme::Sec0 {
            continue;
        }
        // A repeated sc0 starts another handshake, which this responder does not handle.
        for wrong in [&sent[0], &sent[1], &sent[3]] {
            let device = after_first(Pair::of(scheme, "order").device, &sent[0]);
            assert_eq!(device.answer(wrong).unwrap_err(), unexpected(scheme));
        }
    }
}

#[test]
fn client_accepts_only_expected_message() {
    for scheme in SCHEMES {
        let sent = Pair::of(scheme, "order").run().unwrap().sent;
        // This includes its own request, sent back.
        for wrong in sent.iter().filter(|message| **message != sent[1]) {
            let (_, waiting) = sending(Pair::of(scheme, "order").client);
            assert_eq!(waiting.receive(wrong).unwrap_err(), unexpected(scheme));
        }
        if scheme == SecurityScheme::Sec0 {
            continue;
        }
        for wrong in &sent[..3] {
            let (_, waiting) = sending(Pair::of(scheme, "order").client);
            let (request, waiting) = sending(waiting.receive(&sent[1]).unwrap());
            assert_eq!(request, sent[2]);
            assert_eq!(waiting.receive(wrong).unwrap_err(), unexpected(scheme));
        }
    }
}

/// Messages recorded in one session open no other session.
#[test]
fn rejects_replayed_session() {
    for scheme in [SecurityScheme::Sec1, SecurityScheme::Sec2] {
        let recorded = Pair::of(scheme, "recorded").run().unwrap().sent;
        let replayed = |which: &[Message]| {
            let refused = Pair::of(scheme, "another")
                .run_altering(|message, bytes| {
                    let index = Message::ALL.iter().position(|each| *each == message);
                    if which.contains(&message) {
                        recorded[index.unwrap()].clone()
                    } else {
                        bytes
                    }
                })
                .unwrap_err();
            (refused.by, refused.error)
        };
        let mismatch = SecurityError::CredentialsMismatch { scheme };
        assert_eq!(
            replayed(&[Message::Sc0, Message::Sc1]),
            (Side::Device, mismatch.clone())
        );
        assert_eq!(replayed(&[Message::Sr0]), (Side::Device, mismatch));
        assert_eq!(
            replayed(&[Message::Sr1]),
            (
                Side::Client,
                misbehaved(scheme, Misbehaviour::NoProofOfItsOwn)
            )
        );
        // Only the recording answers.
        let (_, waiting) = sending(Pair::of(scheme, "another").client);
        let (_, waiting) = sending(waiting.receive(&recorded[1]).unwrap());
        assert_eq!(
            waiting.receive(&recorded[3]).unwrap_err(),
            misbehaved(scheme, Misbehaviour::NoProofOfItsOwn)
        );
    }
}

#[test]
fn rejects_message_of_other_scheme() {
    for ours in SCHEMES {
        for theirs in SCHEMES.into_iter().filter(|theirs| *theirs != ours) {
            let incompatible = SecurityError::PeerIncompatible { scheme: ours };
            let sent = Pair::of(theirs, "scheme").run().unwrap().sent;
            for message in &sent {
                let pair = Pair::of(ours, "scheme");
                assert_eq!(pair.device.answer(message).unwrap_err(), incompatible);
                let (_, waiting) = sending(pair.client);
                assert_eq!(waiting.receive(message).unwrap_err(), incompatible);
            }
        }
    }
}

/// A missing answer means something else before the proof than after it.
#[test]
fn missing_answer_is_interpreted_by_state() {
    for scheme in SCHEMES {
        let (_, waiting) = sending(Pair::of(scheme, "silence").client);
        let incompatible = SecurityError::PeerIncompatible { scheme };
        assert_eq!(waiting.refused(), incompatible);
    }
    for scheme in [SecurityScheme::Sec1, SecurityScheme::Sec2] {
        let sent = Pair::of(scheme, "silence").run().unwrap().sent;
        let (_, waiting) = sending(Pair::of(scheme, "silence").client);
        let (_, waiting) = sending(waiting.receive(&sent[1]).unwrap());
        let mismatch = SecurityError::CredentialsMismatch { scheme };
        assert_eq!(waiting.refused(), mismatch);
    }
}

/// The scheme number, the envelope's payload, the message type and the inner payload are redundant.
/// A message in which they disagree is rejected.
#[test]
fn rejects_inconsistent_message_types() {
    for scheme in SCHEMES {
        for message in [Message::Sc0, Message::Sr0] {
            let refused = |alter: &dyn Fn(&mut SessionData)| {
                Pair::of(scheme, "envelope")
                    .run_altering(altered::envelope(message, alter))
                    .unwrap_err()
                    .error
            };
            let other_messages = Pair::of(other_scheme(scheme), "envelope")
                .run()
                .unwrap()
                .sent;
            let other_payload = decoded(&other_messages[0]).proto;
            let incompatible = SecurityError::PeerIncompatible { scheme };

            assert_eq!(
                refused(&|data| data.sec_ver = other_scheme(scheme).number().into()),
                incompatible
            );
            assert_eq!(refused(&|data| data.sec_ver = 3), incompatible);
            assert_eq!(
                refused(&|data| data.proto.clone_from(&other_payload)),
                unexpected(scheme)
            );
            assert_eq!(refused(&|data| data.proto = None), unexpected(scheme));
            assert_eq!(refused(&|data| set_type(data, 2)), unexpected(scheme));
            assert_eq!(refused(&|data| set_type(data, 99)), unexpected(scheme));
            assert_eq!(refused(&without_payload), unexpected(scheme));
        }
    }
}

/// prost reads an unknown number as the first of the enum, which must not pass where that one is
/// expected.
#[test]
fn rejects_unknown_message_type() {
    for (scheme, unknown) in [
        (SecurityScheme::Sec0, 7),
        (SecurityScheme::Sec1, -1),
        (SecurityScheme::Sec2, 4),
    ] {
        let refused = Pair::of(scheme, "unknown")
            .run_altering(altered::envelope(Message::Sc0, |data| {
                set_type(data, unknown);
            }))
            .unwrap_err();
        assert_eq!(refused.error, unexpected(scheme));
    }
}

fn set_type(data: &mut SessionData, msg: i32) {
    match data.proto.as_mut().unwrap() {
        Proto::Sec0(payload) => payload.msg = msg,
        Proto::Sec1(payload) => payload.msg = msg,
        Proto::Sec2(payload) => payload.msg = msg,
    }
}

fn without_payload(data: &mut SessionData) {
    match data.proto.as_mut().unwrap() {
        Proto::Sec0(payload) => payload.payload = None,
        Proto::Sec1(payload) => payload.payload = None,
        Proto::Sec2(payload) => payload.payload = None,
    }
}

fn decoded(message: &[u8]) -> SessionData {
    prost::Message::decode(message).unwrap()
}

fn other_scheme(scheme: SecurityScheme) -> SecurityScheme {
    match scheme {
        SecurityScheme::Sec0 => SecurityScheme::Sec1,
        SecurityScheme::Sec1 => SecurityScheme::Sec2,
        SecurityScheme::Sec2 => SecurityScheme::Sec0,
    }
}

fn sending(step: Step) -> (Vec<u8>, Box<dyn Handshake>) {
    match step {
        Step::Send { request, next } => (request, next),
        Step::Established(cipher) => panic!("too early: {cipher:?}"),
    }
}

fn after_first(device: Box<dyn Responder>, request: &[u8]) -> Box<dyn Responder> {
    match device.answer(request) {
        Ok(Answer::Reply { next, .. }) => next,
        other => panic!("no reply: {other:?}"),
    }
}

fn unexpected(scheme: SecurityScheme) -> SecurityError {
    misbehaved(scheme, Misbehaviour::UnexpectedMessage)
}

fn misbehaved(scheme: SecurityScheme, how: Misbehaviour) -> SecurityError {
    SecurityError::PeerMisbehaved { scheme, how }
}

const SCHEMES: [SecurityScheme; 3] = [
    SecurityScheme::Sec0,
    SecurityScheme::Sec1,
    SecurityScheme::Sec2,
];
