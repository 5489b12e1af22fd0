//! Login, logout and the user's identity. Passwords and codes are sent once and never stored.

use serde::{Deserialize, Serialize};
use url::Url;

use super::call::{Body, Call, Repeat};
use super::client::Client;
use super::error::CloudError;
use super::tokens::Tokens;
use crate::secret::Secret;

/// The outcome of a login request.
#[derive(Clone, Debug)]
pub enum LogIn {
    /// The user is logged in.
    Done(Tokens),
    /// The cloud sent a one-time code to the user and requires it.
    NeedsCode {
        /// The cloud's session for this code.
        session: Secret<String>,
    },
}

/// The user of a login, as stored by the cloud.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct User {
    /// The user id that mapping sends to devices.
    pub user_id: String,
    /// The email address or phone number for the login.
    #[serde(default)]
    pub user_name: Option<String>,
    /// The user's name.
    #[serde(default)]
    pub name: Option<String>,
    /// The user's phone number.
    #[serde(default)]
    pub phone_number: Option<String>,
}

/// The body of `POST login2`, in all its variants.
#[derive(Default, Serialize)]
struct LoginBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refreshtoken: Option<&'a str>,
}

impl<'a> LoginBody<'a> {
    /// All members except the user name.
    fn secrets(&self) -> impl Iterator<Item = &'a str> {
        let secrets = [
            self.password,
            self.session,
            self.verification_code,
            self.refreshtoken,
        ];
        secrets.into_iter().flatten()
    }
}

/// The answer of `POST login2`, in all its variants.
#[derive(Deserialize)]
struct LoginAnswer {
    accesstoken: Option<Secret<String>>,
    idtoken: Option<Secret<String>>,
    refreshtoken: Option<Secret<String>>,
    session: Option<Secret<String>>,
}

/// The token service's answer (RFC 6749, 5.1).
#[derive(Deserialize)]
struct TokenAnswer {
    #[serde(rename = "access_token")]
    access: Secret<String>,
    #[serde(rename = "id_token")]
    id: Option<Secret<String>>,
    #[serde(rename = "refresh_token")]
    refresh: Option<Secret<String>>,
}

impl Client {
    /// Starts a login: with a password, or without one so that the cloud sends a code.
    pub async fn log_in(
        &self,
        user: &str,
        password: Option<&Secret<String>>,
    ) -> Result<LogIn, CloudError> {
        let answer = self
            .login(
                "the login",
                LoginBody {
                    user_name: Some(user),
                    password: password.map(|password| password.expose().as_str()),
                    ..LoginBody::default()
                },
            )
            .await?;
        match answer {
            LoginAnswer {
                accesstoken: Some(access),
                idtoken: id,
                refreshtoken: refresh,
                ..
            } => Ok(LogIn::Done(Tokens {
                access,
                id,
                refresh,
            })),
            LoginAnswer {
                session: Some(session),
                ..
            } => Ok(LogIn::NeedsCode { session }),
            LoginAnswer { .. } => Err(self.missing_tokens("the login")),
        }
    }

    /// Completes a login with the code that the cloud sent to the user.
    pub async fn log_in_with_code(
        &self,
        user: &str,
        session: &Secret<String>,
        code: &Secret<String>,
    ) -> Result<Tokens, CloudError> {
        let answer = self
            .login(
                "the one-time code",
                LoginBody {
                    user_name: Some(user),
                    session: Some(session.expose()),
                    verification_code: Some(code.expose()),
                    ..LoginBody::default()
                },
            )
            .await?;
        Ok(Tokens {
            access: answer
                .accesstoken
                .ok_or_else(|| self.missing_tokens("the one-time code"))?,
            id: answer.idtoken,
            refresh: answer.refreshtoken,
        })
    }

    /// Exchanges the authorization code from the browser for tokens (RFC 6749, 4.1.3).
    pub async fn exchange_code(
        &self,
        token_url: &Url,
        client_id: &str,
        redirect_uri: &str,
        code: &Secret<String>,
    ) -> Result<Tokens, CloudError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", code.expose()),
            ("redirect_uri", redirect_uri),
        ];
        let mut call = Call::post("the login code", token_url.as_str())
            .with_secrets([code.expose().as_str()])
            .without_token();
        call.body = Body::Form(&form);
        let answer: TokenAnswer = self.call(call).await.map_err(as_login_refusal)?;
        Ok(Tokens {
            access: answer.access,
            id: answer.id,
            refresh: answer.refresh,
        })
    }

    /// Ends the login at the cloud. A login that has already ended is a success. An expired access
    /// token does not mean that the login has ended, so it is renewed for this call, and not
    /// stored.
    pub async fn log_out(&self) -> Result<(), CloudError> {
        let Some(tokens) = self.tokens.lock().await.clone() else {
            return Ok(());
        };
        let outcome = match self.log_out_with(&tokens).await {
            Err(CloudError::LoginExpired { .. }) if tokens.refresh.is_some() => {
                match self.refresh(&tokens).await {
                    Ok(renewed) => self.log_out_with(&renewed).await,
                    Err(error) => Err(error),
                }
            }
            outcome => outcome,
        };
        match outcome {
            Err(CloudError::LoginExpired { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    async fn log_out_with(&self, tokens: &Tokens) -> Result<(), CloudError> {
        let call = Call::new(
            "the logout",
            reqwest::Method::POST,
            "logout2",
            Repeat::Idempotent,
        )
        .query(&[("logout_all", "false")]);
        let answer = self.send(&call, Some(&tokens.access)).await?;
        self.check_success(call.name, &answer)
    }

    /// The user who is logged in, as stored by the cloud.
    pub async fn fetch_user(&self) -> Result<User, CloudError> {
        self.call(Call::get("the user", "user2")).await
    }

    /// Renews the tokens. The old refresh token stays unless the answer has a new one.
    pub(super) async fn refresh(&self, tokens: &Tokens) -> Result<Tokens, CloudError> {
        const NAME: &str = "the renewal of the login";
        let refresh = tokens.refresh.as_ref().map(|token| token.expose().as_str());
        let body = LoginBody {
            refreshtoken: refresh,
            ..LoginBody::default()
        };
        let call = Call::post(NAME, "login2")
            .without_token()
            .json(&body)
            .with_secrets(body.secrets());
        let answer: LoginAnswer =
            self.send_with_retry(&call, None)
                .await
                .map_err(|error| match error {
                    CloudError::Rejected {
                        status,
                        description,
                        ..
                    } if status < 500 && status != super::error::BUSY => {
                        CloudError::LoginExpired { description }
                    }
                    other => other,
                })?;
        Ok(Tokens {
            access: answer
                .accesstoken
                .ok_or_else(|| self.missing_tokens(NAME))?,
            id: answer.idtoken.or_else(|| tokens.id.clone()),
            refresh: answer.refreshtoken.or_else(|| tokens.refresh.clone()),
        })
    }

    async fn login(
        &self,
        name: &'static str,
        body: LoginBody<'_>,
    ) -> Result<LoginAnswer, CloudError> {
        let call = Call::post(name, "login2")
            .without_token()
            .json(&body)
            .with_secrets(body.secrets());
        self.call(call).await.map_err(as_login_refusal)
    }

    fn missing_tokens(&self, call: &'static str) -> CloudError {
        self.malformed(call, "it has no tokens")
    }
}

/// Converts a rejection of a login call: it concerns the credentials.
fn as_login_refusal(error: CloudError) -> CloudError {
    match error {
        CloudError::Rejected {
            status,
            description,
            ..
        // 404 means that the server has no login call, so it is not a RainMaker cloud.
        } if (400..500).contains(&status) && ![404, super::error::BUSY].contains(&status)
            || status == 200 =>
        {
            CloudError::LoginRefused { description }
        }
        CloudError::LoginExpired { description } => CloudError::LoginRefused { description },
        other => other,
    }
}
