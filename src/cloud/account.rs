//! Login, logout and the user's identity. Passwords and codes are sent once and never stored.

use serde::{Deserialize, Serialize, Serializer};
use url::Url;

use super::answer::Success;
use super::call::Call;
use super::client::Client;
use super::error::{BUSY, CloudError};
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
    pub user_name: Option<String>,
    /// The user's name.
    pub name: Option<String>,
    /// The user's phone number.
    pub phone_number: Option<String>,
}

/// The answer of `POST login2` in all its variants, and that of the token service (RFC 6749, 5.1).
#[derive(Deserialize)]
struct LoginAnswer {
    #[serde(alias = "access_token")]
    accesstoken: Option<Secret<String>>,
    #[serde(alias = "id_token")]
    idtoken: Option<Secret<String>>,
    #[serde(alias = "refresh_token")]
    refreshtoken: Option<Secret<String>>,
    session: Option<Secret<String>>,
}

impl Client {
    /// Starts a login: with a password, or without one so that the cloud sends a code.
    pub async fn log_in(
        &self,
        user: &str,
        password: Option<&Secret<String>>,
    ) -> Result<LogIn, CloudError> {
        let call = login_call("the login", Some(user), &[("password", password)]);
        self.send_login(call).await.map_err(as_login_refusal)
    }

    /// Completes a login with the code that the cloud sent to the user.
    pub async fn log_in_with_code(
        &self,
        user: &str,
        session: &Secret<String>,
        code: &Secret<String>,
    ) -> Result<Tokens, CloudError> {
        let secrets = [
            ("session", Some(session)),
            ("verification_code", Some(code)),
        ];
        let call = login_call("the one-time code", Some(user), &secrets);
        self.send_for_tokens(call).await.map_err(as_login_refusal)
    }

    /// Exchanges the authorization code from the browser for tokens (RFC 6749, 4.1.3).
    pub async fn exchange_code(
        &self,
        token_url: &Url,
        client_id: &str,
        redirect_uri: &str,
        code: &Secret<String>,
    ) -> Result<Tokens, CloudError> {
        let code = code.expose().as_str();
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client_id),
            ("code", code),
            ("redirect_uri", redirect_uri),
        ];
        let call = Call::post("the login code", token_url.as_str()).form(&form);
        let tokens = self.send_for_tokens(call.with_secrets([code])).await;
        tokens.map_err(as_login_refusal)
    }

    /// Ends the login at the cloud. A login that has already ended is a success. An expired access
    /// token does not mean that the login has ended, so it is renewed for this call, and not
    /// stored.
    pub async fn log_out(&self) -> Result<(), CloudError> {
        let Some(tokens) = self.tokens.lock().await.clone() else {
            return Ok(());
        };
        let mut outcome = self.log_out_with(&tokens).await;
        if matches!(outcome, Err(CloudError::LoginExpired { .. })) && tokens.refresh.is_some() {
            outcome = match self.refresh(&tokens).await {
                Ok(renewed) => self.log_out_with(&renewed).await,
                Err(error) => Err(error),
            };
        }
        match outcome {
            Err(CloudError::LoginExpired { .. }) => Ok(()),
            outcome => outcome,
        }
    }

    async fn log_out_with(&self, tokens: &Tokens) -> Result<(), CloudError> {
        let call = Call::post("the logout", "logout2").query(&[("logout_all", "false")]);
        let answer = self.send::<Success>(&call, Some(&tokens.access)).await;
        answer.map(drop)
    }

    /// The user who is logged in, as stored by the cloud.
    pub async fn fetch_user(&self) -> Result<User, CloudError> {
        self.call(Call::get("the user", "user2")).await
    }

    /// Renews the tokens. The old refresh token stays unless the answer has a new one.
    pub(super) async fn refresh(&self, tokens: &Tokens) -> Result<Tokens, CloudError> {
        let secrets = [("refreshtoken", tokens.refresh.as_ref())];
        let call = login_call("the renewal of the login", None, &secrets);
        match self.send_for_tokens(call).await {
            Ok(renewed) => Ok(Tokens {
                access: renewed.access,
                id: renewed.id.or_else(|| tokens.id.clone()),
                refresh: renewed.refresh.or_else(|| tokens.refresh.clone()),
            }),
            Err(CloudError::Rejected {
                status,
                description,
                ..
            }) if status < 500 && status != BUSY => Err(CloudError::LoginExpired { description }),
            Err(error) => Err(error),
        }
    }

    /// Sends a call whose answer has tokens.
    async fn send_for_tokens(&self, call: Call<'_>) -> Result<Tokens, CloudError> {
        let name = call.name;
        match self.send_login(call).await? {
            LogIn::Done(tokens) => Ok(tokens),
            LogIn::NeedsCode { .. } => Err(self.malformed(name, NO_TOKENS)),
        }
    }

    /// Sends a call that logs in or renews a login, without a token.
    async fn send_login(&self, call: Call<'_>) -> Result<LogIn, CloudError> {
        let answer: LoginAnswer = self.send_with_retry(&call, None).await?;
        match (answer.accesstoken, answer.session) {
            (Some(access), _) => Ok(LogIn::Done(Tokens {
                access,
                id: answer.idtoken,
                refresh: answer.refreshtoken,
            })),
            (None, Some(session)) => Ok(LogIn::NeedsCode { session }),
            (None, None) => Err(self.malformed(call.name, NO_TOKENS)),
        }
    }
}

/// The members of a body, in their order.
struct Members<'a>(Vec<(&'a str, &'a str)>);

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().copied())
    }
}

/// `POST login2`, in any of its variants: every member but the user name is secret.
fn login_call<'a>(
    name: &'static str,
    user: Option<&'a str>,
    secrets: &[(&'a str, Option<&'a Secret<String>>)],
) -> Call<'a> {
    let secrets = secrets
        .iter()
        .filter_map(|(key, secret)| Some((*key, secret.as_ref()?.expose().as_str())));
    let user = user.map(|user| ("user_name", user));
    let body = Members(user.into_iter().chain(secrets.clone()).collect());
    let call = Call::post(name, "login2").json(&body);
    call.with_secrets(secrets.map(|(_, secret)| secret))
}

/// Converts a rejection of a login call: it concerns the credentials.
fn as_login_refusal(error: CloudError) -> CloudError {
    match error {
        CloudError::Rejected {
            status,
            description,
            ..
        // 404 means that the server has no login call, so it is not a RainMaker cloud.
        } if (400..500).contains(&status) && ![404, BUSY].contains(&status) || status == 200 => {
            CloudError::LoginRefused { description }
        }
        CloudError::LoginExpired { description } => CloudError::LoginRefused { description },
        other => other,
    }
}

/// What is wrong with an answer to a login.
const NO_TOKENS: &str = "it has no tokens";
