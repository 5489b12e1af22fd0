//! Security 2, client against device: random handshakes, and the message counter of a session.
//! `sec2_refusals` tests refusals, `vectors` has known answers.

use std::ops::AddAssign;
use std::thread;

use espctl::proto::protocomm::sec2_payload::Payload;
use espctl::proto::protocomm::session_data::Proto;
use espctl::proto::protocomm::{Sec2Payload, SessionData};
use espctl::secret::Secret;
use espctl::security::{
    Credentials, DeviceSecret, Misbehaviour, NonceRule, SecurityError, SecurityScheme, VerifierForm,
};
use prost::Message as _;

use crate::support::altered;
use crate::support::pair::{Message, Pair, Side};
use crate::support::scripted_rng::SeededRng;

#[test]
fn random_handshakes_agree() {
    handshakes_agree(1000);
}

#[test]
#[ignore = "half a minute of a core; .ci/run runs it"]
fn two_thousand_random_handshakes_agree() {
    handshakes_agree(2000);
}

/// There are enough handshakes that every value that can begin with a zero byte does so in one of
/// them. The test checks this for the visible values; the seeds make it repeatable.
fn handshakes_agree(number: usize) {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let shares: Vec<_> = (0..threads)
            .map(|first| {
                scope.spawn(move || {
                    let mut tally = Tally::default();
                    for index in (first..number).step_by(threads) {
                        tally += random_handshake(index);
                    }
                    tally
                })
            })
            .collect();
        for share in shares {
            tally += share.join().unwrap();
        }
    });
    assert!(tally.client_key > 0, "{tally:?}");
    assert!(tally.device_key > 0, "{tally:?}");
    assert!(tally.salt > 0, "{tally:?}");
    assert!(tally.inner_hash > 0, "{tally:?}");
    assert!(tally.client_proof > 0, "{tally:?}");
    assert!(tally.device_proof > 0, "{tally:?}");
}

fn random_handshake(index: usize) -> Tally {
    let seed = format!("sec2 {index}");
    let mut rng = SeededRng::new(&*seed);
    let (username, password) = (1 + rng.below(40), rng.below(65));
    let username = rng.text(username);
    let password = Secret::new(rng.text(password));
    let nonce = match index % 4 {
        0 | 1 => NonceRule::Counter,
        _ => NonceRule::Fixed,
    };
    let secret = DeviceSecret::sec2(&username, &password, nonce, &mut rng);
    let inner_hash = espctl::security::inner_hash_is_ambiguous(&username, &password);
    let credentials = Credentials::UserPassword {
        username,
        password,
        verifier: VerifierForm::Standard,
    };
    let mut ends = Pair::seeded(&seed, &credentials, &secret)
        .run()
        .unwrap_or_else(|refused| panic!("{seed}, {credentials:?}, {secret:?}: {refused:?}"));
    let (request, response) = (rng.below(300), rng.below(300));
    let (request, response) = (rng.bytes(request), rng.bytes(response));
    ends.exchange(&request, &response).unwrap();
    Tally::of(&ends.sent, inner_hash)
}

/// How many handshakes had a value that begins with a zero byte.
#[derive(Debug, Default)]
struct Tally {
    client_key: usize,
    device_key: usize,
    salt: usize,
    inner_hash: usize,
    client_proof: usize,
    device_proof: usize,
}

impl Tally {
    fn of(sent: &[Vec<u8>], inner_hash: bool) -> Self {
        let mut tally = Self {
            inner_hash: inner_hash.into(),
            ..Self::default()
        };
        for message in sent {
            let data = SessionData::decode(&message[..]).unwrap();
            match data.proto {
                Some(Proto::Sec2(Sec2Payload {
                    payload: Some(payload),
                    ..
                })) => tally.count(&payload),
                other => panic!("not a message of Security 2: {other:?}"),
            }
        }
        tally
    }

    fn count(&mut self, payload: &Payload) {
        let zero = |bytes: &[u8]| usize::from(bytes[0] == 0);
        match payload {
            Payload::Sc0(command) => self.client_key += zero(&command.client_pubkey),
            Payload::Sr0(reply) => {
                // Leading zeros are not sent.
                self.device_key += usize::from(reply.device_pubkey.len() < 384);
                self.salt += zero(&reply.device_salt);
            }
            Payload::Sc1(command) => self.client_proof += zero(&command.client_proof),
            Payload::Sr1(reply) => self.device_proof += zero(&reply.device_proof),
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.client_key += other.client_key;
        self.device_key += other.device_key;
        self.salt += other.salt;
        self.inner_hash += other.inner_hash;
        self.client_proof += other.client_proof;
        self.device_proof += other.device_proof;
    }
}

/// The device does not compare the user name, but its verifier depends on it.
#[test]
fn device_rejects_other_name_or_password() {
    let device = ("wifiprov", "ab:cd1234");
    let secret = DeviceSecret::sec2(
        device.0,
        &Secret::new(device.1.into()),
        NonceRule::Counter,
        &mut SeededRng::new("device"),
    );
    for client in [
        ("wifiprov", "ab:cd1235"),
        ("wifiprov", ""),
        ("Wifiprov", "ab:cd1234"),
        ("wifiprovab", "cd1234"),
    ] {
        let refused = Pair::seeded("different", &credentials(client), &secret)
            .run()
            .unwrap_err();
        let mismatch = SecurityError::CredentialsMismatch {
            scheme: SecurityScheme::Sec2,
        };
        assert_eq!(refused.by, Side::Device, "{client:?}");
        assert_eq!(
            (refused.error, refused.reading),
            (mismatch.clone(), mismatch)
        );
    }
    // H(user:password) is the same for every position of the colon, and so is the verifier.
    for client in [device, ("wifiprov:ab", "cd1234")] {
        let pair = Pair::seeded("different", &credentials(client), &secret);
        assert!(pair.run().is_ok(), "{client:?}");
    }
}

/// One IV for every message: the same text has the same ciphertext, in both directions. The counter
/// was introduced to remove this weakness, but old devices have it.
#[test]
fn fixed_nonce_never_changes() {
    let mut ends = pair("fixed", NonceRule::Fixed).run().unwrap();
    let (request, response) = ends.exchange(b"same", b"same").unwrap();
    assert_eq!(request, response);
    assert_eq!(
        ends.exchange(b"same", b"same").unwrap(),
        (request, response)
    );
}

#[test]
fn counted_nonce_rejects_repeated_and_reordered_messages() {
    let mut ends = pair("counted", NonceRule::Counter).run().unwrap();
    let request = ends.client.seal(b"request").unwrap();
    assert_eq!(*ends.device.open(&request).unwrap(), b"request");
    // A repeated message.
    assert_eq!(ends.device.open(&request).unwrap_err(), not_authentic());
    let response = ends.device.seal(b"response").unwrap();
    assert_ne!(request, response);
    // The client's own request, sent back to it.
    assert_eq!(ends.client.open(&request).unwrap_err(), not_authentic());
    assert_eq!(*ends.client.open(&response).unwrap(), b"response");
    assert_eq!(ends.client.open(&response).unwrap_err(), not_authentic());
    // Rejected messages do not advance the counter.
    ends.exchange(b"again", b"again").unwrap();
    // A lost message does.
    ends.client.seal(b"never arrives").unwrap();
    let second = ends.client.seal(b"arrives").unwrap();
    assert_eq!(ends.device.open(&second).unwrap_err(), not_authentic());
}

#[test]
fn rejects_altered_ciphertexts() {
    for rule in [NonceRule::Fixed, NonceRule::Counter] {
        let mut ends = pair("altered", rule).run().unwrap();
        let sealed = ends.client.seal(b"a short request").unwrap();
        for index in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[index] ^= 0x01;
            assert_eq!(ends.device.open(&altered).unwrap_err(), not_authentic());
            let short = &sealed[..index];
            assert_eq!(ends.device.open(short).unwrap_err(), not_authentic());
        }
        let long = [&sealed[..], &[0]].concat();
        assert_eq!(ends.device.open(&long).unwrap_err(), not_authentic());
        assert_eq!(*ends.device.open(&sealed).unwrap(), b"a short request");
    }
}

/// An overflow is an error on the device, which would look like a broken connection.
#[test]
fn counter_overflow_is_an_error() {
    let nonce = [&[7; 8][..], &u32::MAX.to_be_bytes()].concat();
    let with_last_nonce = || {
        pair("overflow", NonceRule::Counter)
            .run_altering(altered::sec2(Message::Sr1, |payload| match payload {
                Payload::Sr1(reply) => reply.device_nonce = nonce.clone(),
                other => panic!("not sr1: {other:?}"),
            }))
            .unwrap()
            .client
    };
    let mut client = with_last_nonce();
    client.seal(b"the last one").unwrap();
    for _ in 0..2 {
        assert_eq!(
            client.seal(b"one too many").unwrap_err(),
            SecurityError::CounterExhausted
        );
        assert_eq!(
            client.open(&[0; 32]).unwrap_err(),
            SecurityError::CounterExhausted
        );
    }
    // A rejected message does not use up the last number.
    let mut client = with_last_nonce();
    assert_eq!(client.open(&[0; 32]).unwrap_err(), not_authentic());
    client.seal(b"the last one").unwrap();
}

fn pair(seed: &str, nonce: NonceRule) -> Pair {
    let login = ("wifiprov", "abcd1234");
    let secret = DeviceSecret::sec2(
        login.0,
        &Secret::new(login.1.into()),
        nonce,
        &mut SeededRng::new(seed),
    );
    Pair::seeded(seed, &credentials(login), &secret)
}

fn credentials((username, password): (&str, &str)) -> Credentials {
    Credentials::UserPassword {
        username: username.into(),
        password: Secret::new(password.into()),
        verifier: VerifierForm::Standard,
    }
}

fn not_authentic() -> SecurityError {
    SecurityError::PeerMisbehaved {
        scheme: SecurityScheme::Sec2,
        how: Misbehaviour::NotAuthentic,
    }
}
