//! The tokens of a login, and what stands in them. They are read, not verified: only the cloud
//! has the key for that. Not where they are kept, which is whoever implements [`Keep`].

use std::fmt;
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// What a login gives.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// Authorises every call; lives about an hour.
    pub access: Secret<String>,
    /// Says who the user is. Missing where only an access token was given.
    pub id: Option<Secret<String>>,
    /// Gets new ones of the other two.
    pub refresh: Option<Secret<String>>,
}

/// Where refreshed tokens are kept, so that the next run has them.
pub trait Keep: fmt::Debug + Send + Sync {
    /// Replaces those of before.
    fn keep(&self, tokens: &Tokens) -> io::Result<()>;
}

impl Tokens {
    /// An access token alone: enough for calls, not to tell a device whose it is.
    pub fn access_only(access: Secret<String>) -> Self {
        Self {
            access,
            id: None,
            refresh: None,
        }
    }

    /// The user's id, as devices are told it: claim `custom:user_id` of the ID token.
    pub fn user_id(&self) -> Option<String> {
        text(self.id.as_ref()?, "custom:user_id")
    }

    /// The name the user logs in with.
    pub fn user_name(&self) -> Option<String> {
        let id = self.id.as_ref()?;
        text(id, "email").or_else(|| text(id, "phone_number"))
    }

    /// When the access token ends, in seconds since 1970. `None` when it does not say.
    pub fn expires_at(&self) -> Option<u64> {
        claims(&self.access)?.get("exp")?.as_u64()
    }

    /// How long ago somebody logged in, or the access token was made where it says only that.
    pub fn age(&self) -> Option<Duration> {
        let claims = claims(&self.access)?;
        let began = claims.get("auth_time").or_else(|| claims.get("iat"))?;
        Some(since_epoch().saturating_sub(Duration::from_secs(began.as_u64()?)))
    }

    /// Who made the access token.
    pub fn issuer(&self) -> Option<String> {
        text(&self.access, "iss")
    }

    /// How long the access token lives yet; zero when it has ended.
    pub fn time_left(&self) -> Option<Duration> {
        let end = Duration::from_secs(self.expires_at()?);
        Some(end.saturating_sub(since_epoch()))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "tokens end at a time of day, and this is the one place that asks for it"
)]
pub(super) fn since_epoch() -> Duration {
    // Before 1970 everything is still to come.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

fn text(token: &Secret<String>, claim: &str) -> Option<String> {
    let claims = claims(token)?;
    let text = claims.get(claim)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// The middle part of a JWT (RFC 7519): base64url without padding, of which some is forgiven.
fn claims(token: &Secret<String>) -> Option<Value> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &base64::alphabet::URL_SAFE,
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
    );
    let payload = token.expose().split('.').nth(1)?;
    let json = Zeroizing::new(LENIENT.decode(payload).ok()?);
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> Secret<String> {
        let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
        Secret::new(format!("eyJhbGciOiJub25lIn0.{payload}.sig"))
    }

    #[test]
    fn claims_are_base64url() {
        // Bytes whose encoding has both of the characters in which the alphabets differ.
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
    fn what_is_no_token_says_nothing() {
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
    fn age_counts_from_the_login_rather_than_from_the_token() {
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
