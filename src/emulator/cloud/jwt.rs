//! Tokens: HS256 JWTs under a key that is made at the start and never leaves. Not what is in
//! them, nor who may have one, which is `account`'s.
//!
//! esp-rainmaker-cli decodes claims with plain base64, which base64url is not: `-` and `_` break
//! it. So by default claims are spelt such that neither occurs; [`Claims::Base64Url`] puts in both,
//! to catch whoever decodes in the same way.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::random;
use crate::secret::Secret;

/// How the claims of a token are spelt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claims {
    /// Readable with plain base64, too.
    #[default]
    Plain,
    /// With both characters that plain base64 lacks.
    Base64Url,
}

/// What signs tokens, and knows its own.
#[derive(Debug)]
pub(super) struct Signer {
    key: Secret<[u8; 64]>,
    claims: Claims,
}

impl Signer {
    pub(super) fn new(claims: Claims) -> Self {
        Self {
            key: Secret::new(random::bytes()),
            claims,
        }
    }

    /// A token with these claims.
    pub(super) fn mint(&self, mut claims: Map<String, Value>) -> String {
        let payload = match self.claims {
            Claims::Plain => without_special_digits(&Value::Object(claims).to_string()),
            Claims::Base64Url => {
                claims.insert("nonce".to_owned(), json!("~~~???"));
                Value::Object(claims).to_string()
            }
        };
        let header = URL_SAFE_NO_PAD.encode(HEADER);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let signature = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The claims of a token that this signer made; `None` for any other text.
    pub(super) fn read(&self, token: &str) -> Option<Map<String, Value>> {
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

/// In base64, the digits 62 and 63 come only from these characters and from those beyond ASCII;
/// in JSON they stand in strings alone, where each may be escaped.
fn without_special_digits(json: &str) -> String {
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

    fn claims(name: &str) -> Map<String, Value> {
        let mut claims = Map::new();
        claims.insert("email".to_owned(), json!(name));
        claims
    }

    fn payload(token: &str) -> &str {
        token.split('.').nth(1).unwrap()
    }

    #[test]
    fn a_token_leads_back_to_its_claims_and_no_other_text_does() {
        let signer = Signer::new(Claims::Plain);
        let token = signer.mint(claims("user@example.com"));
        assert_eq!(signer.read(&token), Some(claims("user@example.com")));
        assert_eq!(Signer::new(Claims::Plain).read(&token), None);
        for text in [
            "",
            ".",
            "..",
            "a.b.c",
            "Bearer a.b.c",
            &token[..token.len() - 1],
        ] {
            assert_eq!(signer.read(text), None, "{text}");
        }
        let other = signer.mint(claims("other@example.com"));
        let forged = token.replacen(payload(&token), payload(&other), 1);
        assert_eq!(signer.read(&forged), None);
    }

    #[test]
    fn claims_avoid_the_special_digits_or_have_both() {
        let [plain, special] = [Claims::Plain, Claims::Base64Url].map(Signer::new);
        for name in [
            "a",
            "ab",
            "abc",
            "~~~~???>>>>\u{7f}\u{7f}\u{7f}",
            "ü🦀ü\"ß\\ñ",
        ] {
            let token = plain.mint(claims(name));
            assert!(!payload(&token).contains(['-', '_']), "{name}");
            assert_eq!(plain.read(&token), Some(claims(name)));
            let token = special.mint(claims(name));
            assert!(
                payload(&token).contains('-') && payload(&token).contains('_'),
                "{name}"
            );
        }
    }
}
