//! Tokens: HS256 JWTs with a random key that never leaves the process.
//!
//! esp-rainmaker-cli decodes claims with plain base64, and fails at the `-` and `_` of base64url. So by
//! default claims are spelled so that neither occurs; `base64url_claims` adds both, to detect clients that
//! decode in the same way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use rsa::rand_core::{OsRng, RngCore as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::exchange::Object;
use crate::secret::Secret;

/// Signs tokens, and verifies its own.
#[derive(Debug)]
pub(super) struct Signer {
    key: Secret<[u8; 64]>,
    base64url_claims: bool,
}

impl Signer {
    /// Creates a random key. Plain base64 can or cannot decode the claims.
    pub(super) fn new(base64url_claims: bool) -> Self {
        let mut key = [0; 64];
        OsRng.fill_bytes(&mut key);
        Self {
            key: key.into(),
            base64url_claims,
        }
    }

    /// Creates a token with these claims.
    pub(super) fn mint(&self, mut claims: Object) -> String {
        let payload = if self.base64url_claims {
            claims.insert("nonce".to_owned(), json!("~~~???"));
            Value::Object(claims).to_string()
        } else {
            escape_special_digits(&Value::Object(claims).to_string())
        };
        let header = URL_SAFE_NO_PAD.encode(HEADER);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The claims of a token of this signer; `None` for any other text.
    pub(super) fn verify(&self, token: &str) -> Option<Object> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac(signed).verify_slice(&signature).ok()?;
        let (_, payload) = signed.split_once('.')?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }

    fn mac(&self, text: &str) -> Hmac<Sha256> {
        Hmac::new(self.key.expose().into()).chain_update(text)
    }
}

/// In base64, only these characters and those beyond ASCII produce the digits 62 and 63. JSON has them
/// only in strings, where each may be escaped.
fn escape_special_digits(json: &str) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_ascii() && !">?~\u{7f}".contains(character) {
            text.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _written: std::fmt::Result = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(name: &str) -> Object {
        let mut claims = Object::new();
        claims.insert("email".to_owned(), json!(name));
        claims
    }

    fn payload(token: &str) -> &str {
        token.split('.').nth(1).unwrap()
    }

    #[test]
    fn only_own_tokens_are_read() {
        let signer = Signer::new(false);
        let token = signer.mint(claims("user@example.com"));
        assert_eq!(signer.verify(&token), Some(claims("user@example.com")));
        assert_eq!(Signer::new(false).verify(&token), None);
        for text in [
            "",
            ".",
            "..",
            "a.b.c",
            "Bearer a.b.c",
            &token[..token.len() - 1],
        ] {
            assert_eq!(signer.verify(text), None, "{text}");
        }
        let other = signer.mint(claims("other@example.com"));
        let forged = token.replacen(payload(&token), payload(&other), 1);
        assert_eq!(signer.verify(&forged), None);
    }

    #[test]
    fn claims_avoid_special_digits_or_have_both() {
        let [plain, special] = [false, true].map(Signer::new);
        for name in [
            "a",
            "ab",
            "abc",
            "~~~~???>>>>\u{7f}\u{7f}\u{7f}",
            "ü🦀ü\"ß\\ñ",
        ] {
            let token = plain.mint(claims(name));
            assert!(!payload(&token).contains(['-', '_']), "{name}");
            assert_eq!(plain.verify(&token), Some(claims(name)));
            let token = special.mint(claims(name));
            assert!(
                payload(&token).contains('-') && payload(&token).contains('_'),
                "{name}"
            );
        }
    }
}
