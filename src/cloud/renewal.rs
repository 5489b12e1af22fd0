//! Renews the tokens of a login when they expire. Renewed tokens are used at once, and saved if
//! possible: a full disk must not end a run that has a valid login.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use super::{Client, CloudError};
use crate::secret::Secret;

impl Client {
    /// Why the tokens that were renewed last could not be saved, if they could not: the next run
    /// will not have them. Returned once.
    pub fn take_save_error(&self) -> Option<String> {
        self.lock_save_error().take()
    }

    /// An access token that is not about to expire and not the one that the cloud `refused`, if the
    /// login can be renewed.
    pub(super) async fn access_token(
        &self,
        refused: Option<&Secret<String>>,
    ) -> Result<Secret<String>, CloudError> {
        let mut guard = self.tokens.lock().await;
        let tokens = guard.as_ref().ok_or(CloudError::LoginExpired {
            description: Some("there is no login".to_owned()),
        })?;
        let must_renew = match refused {
            // If they differ, another call renewed the token meanwhile.
            Some(refused) => tokens.access.expose() == refused.expose(),
            None => tokens.time_left().is_some_and(|left| left < MIN_TIME_LEFT),
        };
        // Without a refresh token the cloud decides: this computer's clock may be wrong.
        if !must_renew || tokens.refresh.is_none() {
            return Ok(tokens.access.clone());
        }
        let renewed = self.refresh(tokens).await?;
        // Used from now on, saved or not: the renewal may have ended the old ones.
        let tokens = guard.insert(renewed);
        if let Some(store) = &self.store {
            let error = store.save(tokens).err().map(|error| error.to_string());
            if let Some(error) = &error {
                tracing::info!(%error, "the renewed login was not saved");
            }
            *self.lock_save_error() = error;
        }
        Ok(tokens.access.clone())
    }

    fn lock_save_error(&self) -> MutexGuard<'_, Option<String>> {
        let slot = self.save_error.lock();
        // The value is valid even if a thread panicked with the lock.
        slot.unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token with less time left is renewed before it is used.
const MIN_TIME_LEFT: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::super::scripted::{ScriptedCloud, Turn, tokens};
    use super::super::tokens::{Tokens, since_epoch};
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn concurrently_renewed_token_is_not_renewed_again() {
        let renewal = Turn::Answer(200, r#"{"accesstoken":"third"}"#);
        let cloud = ScriptedCloud::start(&[renewal]).await;
        let client = cloud.client(tokens("second", Some("refresh")), 0);
        let renewed = client.access_token(Some(&secret("first"))).await;
        assert_eq!(renewed.unwrap().expose(), "second");
        assert!(cloud.requests().is_empty());

        let renewed = client.access_token(Some(&secret("second"))).await;
        assert_eq!(renewed.unwrap().expose(), "third");
        assert_eq!(
            cloud.requests(),
            [r#"POST login2 - {"refreshtoken":"refresh"}"#]
        );
    }

    /// An access token that expires in this many seconds.
    fn expiring_in(seconds: u64) -> Tokens {
        let end = since_epoch() + Duration::from_secs(seconds);
        let claims = format!(r#"{{"exp":{}}}"#, end.as_secs());
        let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
        tokens(&format!("a.{claims}.c"), Some("refresh"))
    }

    #[tokio::test]
    async fn renews_token_that_expires_within_a_minute() {
        let renewal = Turn::Answer(200, r#"{"accesstoken":"renewed"}"#);
        for (seconds, requests) in [(0, 1), (30, 1), (120, 0)] {
            let cloud = ScriptedCloud::start(&[renewal]).await;
            let client = cloud.client(expiring_in(seconds), 0);
            let token = client.access_token(None).await.unwrap();
            assert_eq!(token.expose() == "renewed", requests == 1, "{seconds} s");
            assert_eq!(cloud.requests().len(), requests, "{seconds} s");
        }
        // Without a refresh token the cloud decides.
        let cloud = ScriptedCloud::start(&[renewal]).await;
        let ended = Tokens {
            refresh: None,
            ..expiring_in(0)
        };
        let client = cloud.client(ended.clone(), 0);
        let token = client.access_token(None).await.unwrap();
        assert_eq!(token.expose(), ended.access.expose());
        assert!(cloud.requests().is_empty());
    }

    #[tokio::test]
    async fn only_refused_renewal_ends_login() {
        for (status, is_expired) in [(400, true), (401, true), (429, false), (500, false)] {
            let refusal = Turn::Answer(status, r#"{"status":"failure"}"#);
            let cloud = ScriptedCloud::start(&[refusal]).await;
            let client = cloud.client(tokens("ended", Some("refresh")), 0);
            let error = client
                .access_token(Some(&secret("ended")))
                .await
                .unwrap_err();
            let expired = matches!(error, CloudError::LoginExpired { .. });
            assert_eq!(expired, is_expired, "{status}: {error:?}");
        }
    }
}
