//! Every handshake of `tests/vectors/vectors.json`, in both roles, byte for byte. `payloads` tests
//! the payloads of the file.

use espctl::secret::Secret;
use espctl::security::{
    Cipher, Credentials, DeviceSecret, Misbehaviour, NonceRule, SecurityError, SecurityScheme,
    VerifierForm, inner_hash_is_ambiguous, opens_handshake,
};
use serde_json::Value;
use sha2::{Digest as _, Sha512};

use crate::support::pair::{Ends, Pair, Refused, Side};
use crate::support::scripted_rng::{ScriptedRng, SeededRng};
use crate::support::vector_file::{bytes, entries, entry, keys, load, text};

/// A key without a reader would be untested data.
#[test]
fn every_key_of_file_has_reader() {
    let tested_here = [
        "sec0",
        "sec1",
        "sec1_wrong_pop",
        "sec2",
        "sec2_group",
        "sec2_tampered_response",
        "sec2_wrong_password",
    ];
    let payloads = ["payloads", "payloads_vs_python_protobuf"];
    let flows = ["proto_ver"];
    let elsewhere = ["ble_uuids", "console"];
    let prose = ["about", "session_messages_vs_python_protobuf"];
    let mut keys_with_reader = [&tested_here[..], &payloads, &flows, &elsewhere, &prose].concat();
    keys_with_reader.sort_unstable();

    let file = load();
    assert_eq!(keys(&file), keys_with_reader);
    assert_eq!(entries("sec1").len(), 3);
    assert_eq!(entries("sec2").len(), 13);
    assert_eq!(file["session_messages_vs_python_protobuf"], "all equal");
}

#[test]
fn sec0() {
    let entry = &load()["sec0"];
    let pair = Pair::seeded("sec0", &Credentials::None, &DeviceSecret::Sec0);
    let mut ends = pair.run().unwrap();
    assert_eq!(
        ends.sent,
        [bytes(entry, "request"), bytes(entry, "response")]
    );
    let (request, response) = ends.exchange(b"clear", b"text").unwrap();
    assert_eq!((&request[..], &response[..]), (&b"clear"[..], &b"text"[..]));
}

#[test]
fn sec1_both_roles() {
    for entry in entries("sec1") {
        let pop = text(&entry, "pop");
        let mut ends = sec1(&entry, &pop, &pop).unwrap();
        assert_messages(&entry, &ends.sent);
        assert_exchanges(&entry, &mut ends);
    }
}

/// An empty PoP and no PoP are equal, on either side.
#[test]
fn sec1_empty_pop_equals_no_pop() {
    let entry = entry("sec1", "no_pop");
    let empty = Secret::new(String::new());
    for credentials in [Credentials::None, Credentials::Pop(empty.clone())] {
        for pop in [None, Some(empty.clone())] {
            let (mut client_rng, mut device_rng) = sec1_rngs(&entry);
            let ends = Pair::draw(
                (&credentials, &mut client_rng),
                (&DeviceSecret::Sec1 { pop }, &mut device_rng),
            )
            .run()
            .unwrap();
            assert_messages(&entry, &ends.sent);
        }
    }
}

/// The position of each exchange in the keystream, which the two directions share.
#[test]
fn sec1_directions_share_keystream() {
    for entry in entries("sec1") {
        let keystream = bytes(&entry, "keystream");
        let pop = text(&entry, "pop");
        // Zeros encrypt to the keystream itself; its first 64 bytes encrypted the proofs.
        let mut ends = sec1(&entry, &pop, &pop).unwrap();
        assert_eq!(
            ends.client.seal(&vec![0; keystream.len() - 64]).unwrap(),
            keystream[64..]
        );
        let mut offset = 64;
        for exchange in entry["exchanges"].as_array().unwrap() {
            for direction in ["request", "response"] {
                assert_eq!(exchange[format!("{direction}_keystream_offset")], offset);
                offset += bytes(exchange, &format!("{direction}_wire")).len();
            }
        }
    }
}

#[test]
fn sec1_wrong_pop() {
    let file = load();
    let wrong = &file["sec1_wrong_pop"];
    let entry = entry("sec1", &text(wrong, "based_on"));
    let refused = sec1(&entry, &text(wrong, "pop"), &text(&entry, "pop")).unwrap_err();
    assert_eq!(refused.by, Side::Device);
    assert_eq!(refused.sent[2], bytes(wrong, "sc1"));
    let mismatch = SecurityError::CredentialsMismatch {
        scheme: SecurityScheme::Sec1,
    };
    assert_eq!(
        (refused.error, refused.reading),
        (mismatch.clone(), mismatch)
    );
}

#[test]
fn sec2_both_roles() {
    for entry in entries("sec2") {
        let mut ends = sec2(&entry, &text(&entry, "password"), intended_form(&entry)).unwrap();
        assert_messages(&entry, &ends.sent);
        assert_exchanges(&entry, &mut ends);
    }
}

/// Which verifier forms open which device: only the broken forms open the two broken devices.
/// Without a leading zero to strip, `StrippedInnerHash` equals the standard form.
#[test]
fn sec2_verifier_forms() {
    for entry in entries("sec2") {
        let name = text(&entry, "name");
        let intended = intended_form(&entry);
        let ambiguous = text(&entry, "inner_hash").starts_with("00");
        let password = Secret::new(text(&entry, "password"));
        assert_eq!(
            inner_hash_is_ambiguous(&text(&entry, "username"), &password),
            ambiguous,
            "{name}"
        );
        for form in [
            VerifierForm::Standard,
            VerifierForm::ShortSalt,
            VerifierForm::StrippedInnerHash,
        ] {
            let fits = form == intended
                || (intended, form) == (VerifierForm::Standard, VerifierForm::StrippedInnerHash)
                    && !ambiguous;
            match sec2(&entry, password.expose(), form) {
                Ok(_) => assert!(fits, "{name} opened with {form:?}"),
                Err(refused) => {
                    assert!(!fits, "{name} refused {form:?}: {refused:?}");
                    assert_sec2_mismatch(&refused);
                }
            }
        }
    }
}

/// A device that knows its password computes the verifier in the file.
#[test]
fn sec2_verifier_matches_file() {
    for entry in entries("sec2") {
        if intended_form(&entry) != VerifierForm::Standard {
            continue;
        }
        let drawn = bytes(&entry, "salt_for_x");
        let mut rng = ScriptedRng::new([&drawn]);
        let made = DeviceSecret::sec2(
            &text(&entry, "username"),
            &Secret::new(text(&entry, "password")),
            NonceRule::Counter,
            &mut rng,
        );
        assert!(rng.is_used_up());
        let DeviceSecret::Sec2 { salt, verifier, .. } = made else {
            panic!("Security 2 was asked for");
        };
        assert_eq!(salt, bytes(&entry, "salt_on_wire"));
        assert_eq!(
            verifier,
            bytes(&entry, "verifier"),
            "{}",
            text(&entry, "name")
        );
    }
}

#[test]
fn sec2_wrong_password() {
    let file = load();
    let wrong = &file["sec2_wrong_password"];
    let entry = entry("sec2", &text(wrong, "based_on"));
    let refused = sec2(&entry, &text(wrong, "password"), VerifierForm::Standard).unwrap_err();
    assert_eq!(refused.sent[2], bytes(wrong, "sc1"));
    assert_sec2_mismatch(&refused);
}

/// A tampered message is rejected without side effects: the original still opens.
#[test]
fn sec2_tampered_response() {
    let file = load();
    let tampered = &file["sec2_tampered_response"];
    let entry = entry("sec2", &text(tampered, "based_on"));
    let mut ends = sec2(&entry, &text(&entry, "password"), VerifierForm::Standard).unwrap();
    let first = &entry["exchanges"][0];
    ends.client.seal(&bytes(first, "request_plain")).unwrap();
    assert_not_authentic(&mut *ends.client, &bytes(tampered, "wire"));
    ends.device.open(&bytes(first, "request_wire")).unwrap();
    ends.device.seal(&bytes(first, "response_plain")).unwrap();
    assert_eq!(
        *ends.client.open(&bytes(first, "response_wire")).unwrap(),
        bytes(first, "response_plain")
    );
    for exchange in &entry["exchanges"].as_array().unwrap()[1..] {
        assert_exchange(exchange, &mut ends);
    }
}

/// k and H(N) xor H(g) are not visible from outside, but every `sc1` and `B` above depends on them.
/// This test only checks that the file's own values follow from its N and g.
#[test]
fn sec2_group_is_consistent() {
    let file = load();
    let group = &file["sec2_group"];
    assert_eq!(
        (&group["g"], &group["hash"]),
        (&5.into(), &"SHA-512".into())
    );
    let modulus = bytes(group, "N");
    let mut generator = vec![0; modulus.len()];
    generator[modulus.len() - 1] = 5;
    let k = Sha512::digest([&modulus[..], &generator].concat());
    assert_eq!(k[..], bytes(group, "k"));
    let mixed: Vec<u8> = Sha512::digest(&modulus)
        .iter()
        .zip(Sha512::digest(&generator))
        .map(|(modulus, generator)| modulus ^ generator)
        .collect();
    assert_eq!(mixed, bytes(group, "HN_xor_Hg"));
    for entry in entries("sec2") {
        assert_eq!(entry["k"], group["k"]);
        assert_eq!(entry["HN_xor_Hg"], group["HN_xor_Hg"]);
    }
}

/// Every first message opens a handshake, and no other message does.
#[test]
fn only_first_messages_open_a_handshake() {
    assert!(opens_handshake(&bytes(&load()["sec0"], "request")));
    for entry in entries("sec1").iter().chain(&entries("sec2")) {
        assert!(opens_handshake(&bytes(entry, "sc0")));
        for later in ["sr0", "sc1", "sr1"] {
            assert!(!opens_handshake(&bytes(entry, later)));
        }
    }
    assert!(!opens_handshake(b""));
    assert!(!opens_handshake(b"---"));
    assert!(!opens_handshake(&SeededRng::new("noise").bytes(64)));
}

fn sec1(entry: &Value, client_pop: &str, device_pop: &str) -> Result<Ends, Refused> {
    let (mut client_rng, mut device_rng) = sec1_rngs(entry);
    let pop = |pop: &str| Secret::new(pop.to_owned());
    let pair = Pair::draw(
        (&Credentials::Pop(pop(client_pop)), &mut client_rng),
        (
            &DeviceSecret::Sec1 {
                pop: Some(pop(device_pop)),
            },
            &mut device_rng,
        ),
    );
    assert!(client_rng.is_used_up() && device_rng.is_used_up());
    pair.run()
}

fn sec1_rngs(entry: &Value) -> (ScriptedRng, ScriptedRng) {
    (
        ScriptedRng::new([&bytes(entry, "client_private")]),
        ScriptedRng::new([
            &bytes(entry, "device_private"),
            &bytes(entry, "device_random"),
        ]),
    )
}

fn sec2(entry: &Value, password: &str, verifier: VerifierForm) -> Result<Ends, Refused> {
    let nonce = bytes(entry, "device_nonce");
    // The counter is not random: it starts at 1.
    let (rule, drawn) = match entry["patch_ver"].as_u64() {
        Some(0) => (NonceRule::Fixed, &nonce[..16]),
        Some(1) => (NonceRule::Counter, &nonce[..8]),
        other => panic!("patch_ver {other:?}"),
    };
    let credentials = Credentials::UserPassword {
        username: text(entry, "username"),
        password: Secret::new(password.to_owned()),
        verifier,
    };
    let secret = DeviceSecret::Sec2 {
        salt: bytes(entry, "salt_on_wire"),
        verifier: bytes(entry, "verifier"),
        nonce: rule,
    };
    let mut client_rng = ScriptedRng::new([&bytes(entry, "a")]);
    let mut device_rng = ScriptedRng::new([&bytes(entry, "b"), drawn]);
    let pair = Pair::draw((&credentials, &mut client_rng), (&secret, &mut device_rng));
    assert!(client_rng.is_used_up() && device_rng.is_used_up());
    pair.run()
}

/// The form with which the entry's verifier was computed.
fn intended_form(entry: &Value) -> VerifierForm {
    match text(entry, "name").as_str() {
        "salt_leading_zero_device_generated" => VerifierForm::ShortSalt,
        "inner_hash_leading_zero_python_generated" => VerifierForm::StrippedInnerHash,
        _ => VerifierForm::Standard,
    }
}

fn assert_messages(entry: &Value, sent: &[Vec<u8>]) {
    let expected = ["sc0", "sr0", "sc1", "sr1"].map(|key| bytes(entry, key));
    assert_eq!(sent, expected, "{}", text(entry, "name"));
}

fn assert_exchanges(entry: &Value, ends: &mut Ends) {
    for exchange in entry["exchanges"].as_array().unwrap() {
        assert_exchange(exchange, ends);
    }
}

fn assert_exchange(exchange: &Value, ends: &mut Ends) {
    let wires = ends
        .exchange(
            &bytes(exchange, "request_plain"),
            &bytes(exchange, "response_plain"),
        )
        .unwrap();
    let expected = (
        bytes(exchange, "request_wire"),
        bytes(exchange, "response_wire"),
    );
    assert_eq!(wires, expected);
}

fn assert_sec2_mismatch(refused: &Refused) {
    let mismatch = SecurityError::CredentialsMismatch {
        scheme: SecurityScheme::Sec2,
    };
    assert_eq!(refused.by, Side::Device);
    assert_eq!(refused.error, mismatch);
    assert_eq!(refused.reading, mismatch);
}

fn assert_not_authentic(cipher: &mut dyn Cipher, ciphertext: &[u8]) {
    let error = cipher.open(ciphertext).unwrap_err();
    let not_authentic = SecurityError::PeerMisbehaved {
        scheme: SecurityScheme::Sec2,
        how: Misbehaviour::NotAuthentic,
    };
    assert_eq!(error, not_authentic);
}
