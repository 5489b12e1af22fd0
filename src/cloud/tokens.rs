//! The tokens of a login and their claims. Claims are read without verification, because only the
//! cloud has the key. A [`TokenStore`] saves the tokens.

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// The tokens of a login.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Authorizes every call; valid for about an hour.
    pub access: Secret<String>,
    /// Identifies the user; `None` with only an access token.
    pub id: Option<Secret<String>>,
    /// Renews the other two.
    pub refresh: Option<Secret<String>>,
}

/// Saves renewed tokens for the next run.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// Replaces the stored tokens.
    fn save(&self, tokens: &Tokens) -> io::Result<()>;
}

impl Tokens {
    /// An access token alone: enough for calls, but it does not identify the user to a device.
    pub fn access_only(access: Secret<String>) -> Self {
        Self {
            access,
            id: None,
            refresh: None,
        }
    }

    /// The user id that mapping sends to devices: claim `custom:user_id` of the ID token.
    pub fn user_id(&self) -> Option<String> {
        text_claim(self.id.as_ref()?, "custom:user_id")
    }

    /// The user's email address or phone number.
    pub fn user_name(&self) -> Option<String> {
        let id = self.id.as_ref()?;
        text_claim(id, "email").or_else(|| text_claim(id, "phone_number"))
    }

    /// When the access token expires, in seconds since 1970. `None` if it has no such claim.
    pub fn expires_at(&self) -> Option<u64> {
        claims(&self.access)?.get("exp")?.as_u64()
    }

    /// The time since the login, or since the token was issued if it has no login time.
    pub fn age(&self) -> Option<Duration> {
        let claims = claims(&self.access)?;
        let began = claims.get("auth_time").or_else(|| claims.get("iat"))?;
        Some(since_epoch().saturating_sub(Duration::from_secs(began.as_u64()?)))
    }

    /// The issuer of the access token.
    pub fn issuer(&self) -> Option<String> {
        text_claim(&self.access, "iss")
    }

    /// The remaining time of the access token; zero if it expired.
    pub fn time_left(&self) -> Option<Duration> {
        let end = Duration::from_secs(self.expires_at()?);
        Some(end.saturating_sub(since_epoch()))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokens expire at a time of day, and clocks are compared; only this function reads it"
)]
pub(super) fn since_epoch() -> Duration {
    // With a clock before 1970, no token has expired.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn text_claim(token: &Secret<String>, claim: &str) -> Option<String> {
    let claims = claims(token)?;
    let text = claims.get(claim)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// The claims of a JWT (RFC 7519), in base64url. Padding is accepted, although the RFC forbids it.
fn claims(token: &Secret<String>) -> Option<Value> {
    let payload = token.expose().split('.').nth(1)?.trim_end_matches('=');
    let json = Zeroizing::new(URL_SAFE_NO_PAD.decode(payload).ok()?);
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Secret<String> {
        let payload = URL_SAFE_NO_PAD.encode(claims);
        Secret::new(format!("eyJhbGciOiJub25lIn0.{payload}.sig"))
    }

    #[test]
    fn decodes_claims_as_base64url() {
        // Bytes whose encoding has both characters that differ between the alphabets.
        let id = token(r#"{"custom:user_id":"Ab1","email":"ü?>~@example.com"}"#);
        let payload = id.expose().split('.').nth(1).unwrap().to_owned();
        assert!(payload.contains(['-', '_']), "{payload}");
        let tokens = Tokens {
            access: token(r#"{"exp":1700000000,"iss":"https://issuer"}"#),
            id: Some(id),
            refresh: None,
        };
        assert_eq!(tokens.user_id().as_deref(), Some("Ab1"));
        assert_eq!(tokens.user_name().as_deref(), Some("ü?>~@example.com"));
        assert_eq!(tokens.expires_at(), Some(1_700_000_000));
        assert_eq!(tokens.time_left(), Some(Duration::ZERO));
        assert_eq!(tokens.issuer().as_deref(), Some("https://issuer"));
    }

    #[test]
    fn invalid_token_has_no_claims() {
        for text in ["", "a", "a.b", "a.!!.c", "..", "a.bnVsbA.c", "a.e30.c"] {
            let tokens = Tokens {
                access: Secret::new(text.to_owned()),
                id: Some(Secret::new(text.to_owned())),
                refresh: None,
            };
            assert_eq!(tokens.user_id(), None, "{text}");
            assert_eq!(tokens.expires_at(), None, "{text}");
        }
    }

    #[test]
    fn age_starts_at_login() {
        let age = |claims: &str| Tokens::access_only(token(claims)).age();
        let hours_ago = |hours: u64| since_epoch().as_secs() - hours * 3600;
        let (login, issued) = (hours_ago(3), hours_ago(1));
        let both = age(&format!(r#"{{"auth_time":{login},"iat":{issued}}}"#)).unwrap();
        let token_only = age(&format!(r#"{{"iat":{issued}}}"#)).unwrap();
        assert_eq!(both.as_secs() / 3600, 3);
        assert_eq!(token_only.as_secs() / 3600, 1);
        assert_eq!(age(r#"{"exp":1}"#), None);
    }
}
