//! Users, their sessions and tokens. `login` has the calls by which users log in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::exchange::{ApiResult, Object, members};
use super::jwt::Signer;
use super::random;
use super::refusal::{NO_LOGIN, USER_EXISTS, WRONG_CODE};
use super::ticket::Tickets;
use crate::secret::Secret;

/// The initial users, and how users log in.
#[derive(clap::Args, Clone, Debug)]
pub struct AccountSettings {
    /// The initial users, by name and password.
    #[arg(skip)]
    pub users: Vec<(String, Secret<String>)>,

    /// Require this code after the password. A user name and this code also suffice.
    #[arg(long, value_name = "CODE")]
    pub otp: Option<Secret<String>>,

    /// How long an access token is valid, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub access_life: u64,

    /// Give a new refresh token with every refresh, and end the old one.
    #[arg(long)]
    pub rotate_refresh: bool,

    /// Put the characters - and _ into every token's claims, which plain base64 does not know.
    /// Without it, no claim contains them.
    #[arg(long)]
    pub base64url_claims: bool,
}

/// A user.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: String,
    /// The user's id at the identity provider, deliberately another one.
    subject: String,
    pub(super) name: String,
    password: Secret<String>,
    /// Whether the user has confirmed the code of the sign-up.
    is_confirmed: bool,
    pub(super) custom_data: Object,
}

/// The tokens of a login.
#[derive(Debug)]
pub(super) struct Tokens {
    /// The name of the user.
    pub(super) user: String,
    pub(super) access: String,
    pub(super) id: String,
    /// A refresh has one only if it replaces the refresh token.
    pub(super) refresh: Option<String>,
}

/// The result of a right password.
#[derive(Debug)]
pub(super) enum PasswordLogin {
    Tokens(Tokens),
    /// The login session in which the verification code is expected.
    Session(String),
}

/// A session, from login to logout.
#[derive(Debug)]
struct Session {
    user_id: String,
    refresh: Secret<String>,
}

/// All users, their sessions and tokens.
#[derive(Debug)]
pub(super) struct Accounts {
    settings: AccountSettings,
    signer: Signer,
    users: Vec<User>,
    sessions: BTreeMap<String, Session>,
    /// Login sessions that expect a code, with the id of the user.
    login_sessions: Tickets<String>,
    /// Authorization codes, with the id of the user.
    codes: Tickets<String>,
}

impl Accounts {
    pub(super) fn new(mut settings: AccountSettings) -> Self {
        let users = std::mem::take(&mut settings.users);
        let mut accounts = Self {
            signer: Signer::new(settings.base64url_claims),
            users: Vec::new(),
            sessions: BTreeMap::new(),
            login_sessions: Tickets::default(),
            codes: Tickets::default(),
            settings,
        };
        for (name, password) in users {
            accounts.insert(&name, password, true);
        }
        accounts
    }

    fn insert(&mut self, name: &str, password: Secret<String>, is_confirmed: bool) {
        self.users.push(User {
            id: random::alphanumerics(22),
            subject: Uuid::new_v4().to_string(),
            name: name.to_owned(),
            password,
            is_confirmed,
            custom_data: Object::new(),
        });
    }

    pub(super) fn find(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(super) fn find_mut(&mut self, id: &str) -> Option<&mut User> {
        self.users.iter_mut().find(|user| user.id == id)
    }

    pub(super) fn find_by_name(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The first user, who logs in if a call has no name.
    pub(super) fn first(&self) -> Option<&User> {
        self.users.first()
    }

    /// Whether a login requires a verification code.
    pub(super) fn requires_code(&self) -> bool {
        self.settings.otp.is_some()
    }

    /// Whether this is the verification code.
    pub(super) fn is_code(&self, code: &str) -> bool {
        let sent = self.settings.otp.as_ref();
        code == sent.map_or(DEFAULT_CODE, |otp| otp.expose())
    }

    /// Adds a user, who has to confirm the address.
    pub(super) fn sign_up(&mut self, name: &str, password: &str) -> ApiResult<()> {
        let known = self.find_by_name(name);
        if known.is_some_and(|user| user.is_confirmed) {
            return Err(USER_EXISTS.because("there is such a user"));
        }
        self.users.retain(|user| user.name != name);
        self.insert(name, Secret::new(password.to_owned()), false);
        Ok(())
    }

    /// Confirms a user by the verification code, and sets a password if there is one.
    pub(super) fn confirm(
        &mut self,
        name: &str,
        code: &str,
        password: Option<&str>,
    ) -> ApiResult<()> {
        let is_code = self.is_code(code);
        let mut users = self.users.iter_mut();
        let user = users.find(|user| is_code && user.name == name);
        let user = user.ok_or_else(|| WRONG_CODE.because("wrong verification code"))?;
        user.is_confirmed = true;
        if let Some(password) = password {
            user.password = Secret::new(password.to_owned());
        }
        Ok(())
    }

    /// Removes a user.
    pub(super) fn remove(&mut self, id: &str) {
        self.users.retain(|user| user.id != id);
        self.log_out_everywhere(id);
    }

    /// Logs in by name and password or, if a code follows, by name alone.
    pub(super) fn log_in_by_password(
        &mut self,
        now: Duration,
        name: &str,
        password: Option<&str>,
    ) -> ApiResult<PasswordLogin> {
        let user = self.find_by_name(name);
        // One text for both mistakes, so that the answer does not show which users exist.
        let (user, mistake) = match password {
            Some(password) => (
                user.filter(|user| user.is_confirmed && user.password.expose() == password),
                "incorrect user name or password",
            ),
            None if self.requires_code() => (user, "incorrect user name"),
            None => (None, "a password is needed"),
        };
        let id = user.ok_or_else(|| NO_LOGIN.because(mistake))?.id.clone();
        if self.requires_code() {
            let session = self.login_sessions.issue(now, CODE_LIFE, 48, id);
            return Ok(PasswordLogin::Session(session));
        }
        self.begin_session(now, &id).map(PasswordLogin::Tokens)
    }

    /// Completes a login by the verification code. The client can correct a wrong one.
    pub(super) fn log_in_by_code(
        &mut self,
        now: Duration,
        name: &str,
        session: &str,
        code: &str,
    ) -> ApiResult<Tokens> {
        let user = self.login_sessions.get(now, session).ok();
        let user = user.and_then(|id| self.find(id));
        let user = user.filter(|user| user.name == name);
        let user = user.ok_or_else(|| NO_LOGIN.because("the login session has ended"))?;
        let id = user.id.clone();
        if !self.is_code(code) {
            return Err(NO_LOGIN.because("wrong verification code"));
        }
        self.login_sessions.consume(session);
        self.begin_session(now, &id)
    }

    /// Refreshes the tokens of a session.
    pub(super) fn refresh(&mut self, now: Duration, token: &str) -> ApiResult<Tokens> {
        let mut sessions = self.sessions.iter_mut();
        let session = sessions.find(|(_, session)| session.refresh.expose() == token);
        let (number, session) =
            session.ok_or_else(|| NO_LOGIN.because("the refresh token is not valid"))?;
        let is_replaced = self.settings.rotate_refresh;
        if is_replaced {
            session.refresh = new_refresh_token();
        }
        let number = number.clone();
        self.mint(now, &number, is_replaced)
    }

    /// Issues an authorization code for a login by browser, valid once.
    pub(super) fn issue_code(&mut self, now: Duration, user_id: &str) -> String {
        self.codes.issue(now, CODE_LIFE, 36, user_id.to_owned())
    }

    /// Logs in by an authorization code, if it is valid.
    pub(super) fn log_in_by_browser(&mut self, now: Duration, code: &str) -> Option<Tokens> {
        let user_id = self.codes.get(now, code).ok()?.clone();
        self.codes.consume(code);
        self.begin_session(now, &user_id).ok()
    }

    /// Begins a session.
    pub(super) fn begin_session(&mut self, now: Duration, user_id: &str) -> ApiResult<Tokens> {
        let number = random::alphanumerics(16);
        let session = Session {
            user_id: user_id.to_owned(),
            refresh: new_refresh_token(),
        };
        self.sessions.insert(number.clone(), session);
        self.mint(now, &number, true)
    }

    /// Creates tokens of a session, perhaps with its refresh token.
    fn mint(&self, now: Duration, number: &str, with_refresh: bool) -> ApiResult<Tokens> {
        let found = self.find_session(number);
        let (session, user) =
            found.ok_or_else(|| NO_LOGIN.because("there is no such user any more"))?;
        let token = |own: Value| {
            let mut claims = members(json!({
                "sub": user.subject,
                "iss": ISSUER,
                "origin_jti": number,
                "jti": Uuid::new_v4().to_string(),
                "iat": now.as_secs(),
                "exp": now.as_secs().saturating_add(self.settings.access_life),
            }));
            claims.extend(members(own));
            self.signer.mint(claims)
        };
        Ok(Tokens {
            user: user.name.clone(),
            access: token(json!({
                "token_use": "access",
                "client_id": "emulated",
                "username": user.subject,
            })),
            id: token(json!({
                "token_use": "id",
                "aud": "emulated",
                "custom:user_id": user.id,
                "email": user.name,
                "email_verified": true,
            })),
            refresh: with_refresh.then(|| session.refresh.expose().clone()),
        })
    }

    fn find_session(&self, number: &str) -> Option<(&Session, &User)> {
        let session = self.sessions.get(number)?;
        Some((session, self.find(&session.user_id)?))
    }

    /// The user of an access token, even if it has expired.
    pub(super) fn find_by_token(&self, token: &str) -> Option<&User> {
        let claims = self.signer.verify(token)?;
        let subject = claims.get("sub")?.as_str()?;
        self.users.iter().find(|user| user.subject == subject)
    }

    /// Checks an `Authorization` header. Returns its user and session.
    pub(super) fn authorize(
        &self,
        now: Duration,
        header: Option<&str>,
    ) -> Result<(User, String), &'static str> {
        let token = header.filter(|token| !token.is_empty()).ok_or("no token")?;
        if token.to_ascii_lowercase().starts_with("bearer ") {
            return Err("a Bearer prefix, and the token should stand alone");
        }
        let claims = self.signer.verify(token);
        let claims = claims.ok_or("not a token of this cloud")?;
        let claim = |name: &str| claims.get(name).and_then(Value::as_str);
        if claim("token_use") != Some("access") {
            return Err("not an access token");
        }
        let end = claims.get("exp").and_then(Value::as_u64).unwrap_or(0);
        if end <= now.as_secs() {
            return Err("the token has expired");
        }
        let number = claim("origin_jti").unwrap_or_default();
        let (_, user) = self.find_session(number).ok_or("logged out")?;
        Ok((user.clone(), number.to_owned()))
    }

    /// Ends one session.
    pub(super) fn log_out(&mut self, session: &str) {
        self.sessions.remove(session);
    }

    /// Ends all sessions of a user.
    pub(super) fn log_out_everywhere(&mut self, user_id: &str) {
        self.sessions
            .retain(|_, session| session.user_id != user_id);
    }
}

fn new_refresh_token() -> Secret<String> {
    Secret::new(random::alphanumerics(96))
}

/// Like the real one: clients check its middle.
const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Emulated1";
/// The verification code without a setting.
const DEFAULT_CODE: &str = "123456";
/// As at the identity provider.
const CODE_LIFE: Duration = Duration::from_mins(3);

#[cfg(test)]
mod tests;
