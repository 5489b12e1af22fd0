//! Tests that `{:?}` of handshake values, which ends up in logs and panics, shows no PoP, no
//! password and no key. It may show names and public keys, which are sent in plaintext.

use std::fmt::Debug;

use espctl::secret::Secret;
use espctl::security::{
    Answer, Credentials, DeviceSecret, NonceRule, Step, VerifierForm, accept, start,
};
use serde_json::Value;

use crate::support::pair::Pair;
use crate::support::scripted_rng::{ScriptedRng, SeededRng};
use crate::support::vector_file::{bytes, entry, text};

/// Tests the detector that the tests below rely on.
#[test]
fn detector_finds_shown_secrets() {
    let secrets = Secrets {
        texts: vec!["abcd1234".into()],
        keys: vec![vec![0x61, 0xcf, 0x62, 0x47, 0x22, 0x45]],
    };
    let key = &secrets.keys[0];
    for shown in [
        format!("{:?}", Some("abcd1234")),
        format!("{:?}", "abcd1234".as_bytes()),
        hex::encode(b"abcd1234"),
        format!("{key:?}"),
        format!("{key:#?}"),
        format!("{key:02x?}"),
        format!("{key:02X?}"),
        hex::encode(key),
        hex::encode(key).to_uppercase(),
        format!("Key({:?})", &key[2..]),
    ] {
        assert!(secrets.first_in(&shown).is_some(), "{shown}");
    }
    assert_eq!(secrets.first_in("Key(97, 207, 98) abcd 123"), None);
}

#[test]
fn sec1_shows_no_secret() {
    let entry = entry("sec1", "with_pop");
    let pop = text(&entry, "pop");
    let secrets = Secrets::of(
        &entry,
        &["pop"],
        &[
            "client_private",
            "device_private",
            "shared",
            "pop_sha256",
            "key",
        ],
    );
    let credentials = Credentials::Pop(Secret::new(pop.clone()));
    let device = DeviceSecret::Sec1 {
        pop: Some(Secret::new(pop)),
    };
    let client_rng = ScriptedRng::new([&bytes(&entry, "client_private")]);
    let device_rng = ScriptedRng::new([
        &bytes(&entry, "device_private"),
        &bytes(&entry, "device_random"),
    ]);
    secrets.assert_hidden(&device);
    secrets.assert_hidden_in_handshake((&credentials, client_rng), (&device, device_rng));
}

#[test]
fn sec2_shows_no_secret() {
    let entry = entry("sec2", "patch1");
    let keys = [
        "a",
        "b",
        "inner_hash",
        "x",
        "verifier",
        "S",
        "K",
        "session_key",
    ];
    let secrets = Secrets::of(&entry, &["password"], &keys);
    let credentials = Credentials::UserPassword {
        username: text(&entry, "username"),
        password: Secret::new(text(&entry, "password")),
        verifier: VerifierForm::Standard,
    };
    let device = DeviceSecret::Sec2 {
        salt: bytes(&entry, "salt_on_wire"),
        verifier: bytes(&entry, "verifier"),
        nonce: NonceRule::Counter,
    };
    secrets.assert_hidden(&device);
    let client_rng = ScriptedRng::new([&bytes(&entry, "a")]);
    let device_rng = ScriptedRng::new([&bytes(&entry, "b"), &bytes(&entry, "device_nonce")[..8]]);
    secrets.assert_hidden_in_handshake((&credentials, client_rng), (&device, device_rng));
}

/// The message of a refusal shows no secret either.
#[test]
fn refusal_shows_no_secret() {
    let secrets = Secrets {
        texts: vec!["abcd1234".into(), "wxyz9876".into()],
        keys: Vec::new(),
    };
    let secret = |text: &String| Secret::new(text.clone());
    let refused = Pair::seeded(
        "refusal",
        &Credentials::Pop(secret(&secrets.texts[0])),
        &DeviceSecret::Sec1 {
            pop: Some(secret(&secrets.texts[1])),
        },
    )
    .run()
    .unwrap_err();
    secrets.assert_hidden(&refused);
    let wrong_kind = start(
        espctl::security::SecurityScheme::Sec2,
        &Credentials::Pop(secret(&secrets.texts[0])),
        &mut SeededRng::new("unused"),
    );
    secrets.assert_hidden(&wrong_kind);
}

/// The values that must not be shown.
struct Secrets {
    texts: Vec<String>,
    keys: Vec<Vec<u8>>,
}

impl Secrets {
    fn of(entry: &Value, texts: &[&str], keys: &[&str]) -> Self {
        Self {
            texts: texts.iter().map(|key| text(entry, key)).collect(),
            keys: keys.iter().map(|key| bytes(entry, key)).collect(),
        }
    }

    /// Checks every value of a handshake, on both sides, and of the session after it.
    fn assert_hidden_in_handshake(
        &self,
        (credentials, mut client_rng): (&Credentials, ScriptedRng),
        (secret, mut device_rng): (&DeviceSecret, ScriptedRng),
    ) {
        self.assert_hidden(credentials);
        let mut client = start(secret.scheme(), credentials, &mut client_rng).unwrap();
        let mut device = Some(accept(secret, &mut device_rng));
        let mut device_cipher = None;
        let mut client_cipher = loop {
            self.assert_hidden(&client);
            self.assert_hidden(&device);
            let (request, waiting) = match client {
                Step::Send { request, next } => (request, next),
                Step::Established(cipher) => break cipher,
            };
            let answer = device.take().unwrap().answer(&request).unwrap();
            self.assert_hidden(&answer);
            let response = match answer {
                Answer::Reply { response, next } => {
                    device = Some(next);
                    response
                }
                Answer::Established { response, cipher } => {
                    device_cipher = Some(cipher);
                    response
                }
            };
            client = waiting.receive(&response).unwrap();
        };
        let sealed = client_cipher.seal(b"request").unwrap();
        let mut device_cipher = device_cipher.unwrap();
        device_cipher.open(&sealed).unwrap();
        self.assert_hidden(&client_cipher);
        self.assert_hidden(&device_cipher);
    }

    fn assert_hidden(&self, value: &impl Debug) {
        for shown in [format!("{value:?}"), format!("{value:#?}")] {
            assert_eq!(self.first_in(&shown), None, "{shown}");
        }
    }

    /// Searches for four consecutive bytes of any secret, as text, decimal or hexadecimal numbers.
    fn first_in(&self, shown: &str) -> Option<String> {
        let text = self.texts.iter().find(|text| shown.contains(*text));
        let words: Vec<_> = shown
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        let decimal: Vec<Option<u8>> = words.iter().map(|word| word.parse().ok()).collect();
        let pairs: Vec<Option<u8>> = words
            .iter()
            .map(|word| match hex::decode(word).ok().as_deref() {
                Some([byte]) => Some(*byte),
                _ => None,
            })
            .collect();
        let runs: Vec<_> = words
            .iter()
            .filter_map(|word| hex::decode(word).ok())
            .collect();
        let bytes = self.texts.iter().map(String::as_bytes);
        let key = bytes
            .chain(self.keys.iter().map(Vec::as_slice))
            .find(|secret| {
                secret.windows(4).any(|part| {
                    let numbers: Vec<_> = part.iter().copied().map(Some).collect();
                    decimal.windows(4).any(|shown| shown == numbers)
                        || pairs.windows(4).any(|shown| shown == numbers)
                        || runs
                            .iter()
                            .any(|run| run.windows(4).any(|shown| shown == part))
                })
            });
        text.cloned().or_else(|| key.map(hex::encode))
    }
}
