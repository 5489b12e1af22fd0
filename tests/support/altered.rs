//! Alters one message of a handshake by its fields, for `Pair::run_altering`.

use espctl::proto::protocomm::session_data::Proto;
use espctl::proto::protocomm::{SessionData, sec1_payload, sec2_payload};
use prost::Message as _;

use super::pair::Message;

/// Alters `which`, and leaves the other messages unchanged.
pub(crate) fn envelope(
    which: Message,
    alter: impl Fn(&mut SessionData),
) -> impl Fn(Message, Vec<u8>) -> Vec<u8> {
    move |message, bytes| {
        if message != which {
            return bytes;
        }
        let mut data = SessionData::decode(&bytes[..]).unwrap();
        alter(&mut data);
        data.encode_to_vec()
    }
}

/// Alters a message of a Security 1 handshake.
pub(crate) fn sec1(
    which: Message,
    alter: impl Fn(&mut sec1_payload::Payload),
) -> impl Fn(Message, Vec<u8>) -> Vec<u8> {
    envelope(which, move |data| match &mut data.proto {
        Some(Proto::Sec1(payload)) => alter(payload.payload.as_mut().unwrap()),
        other => panic!("not a message of Security 1: {other:?}"),
    })
}

/// Alters a message of a Security 2 handshake.
pub(crate) fn sec2(
    which: Message,
    alter: impl Fn(&mut sec2_payload::Payload),
) -> impl Fn(Message, Vec<u8>) -> Vec<u8> {
    envelope(which, move |data| match &mut data.proto {
        Some(Proto::Sec2(payload)) => alter(payload.payload.as_mut().unwrap()),
        other => panic!("not a message of Security 2: {other:?}"),
    })
}
