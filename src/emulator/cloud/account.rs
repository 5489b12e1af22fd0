//! Users and their logins: who has which password, which token is whose, and for how long. The
//! calls by which users log in are in `login`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::exchange::{Object, members};
use super::jwt::Signer;
use super::random;
use super::refusal::{NO_LOGIN, Refusal, USER_EXISTS, WRONG_CODE};
use super::ticket::Tickets;
use crate::secret::Secret;

/// How users log in.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// The users that are there from the start, by name and password.
    pub users: Vec<(String, Secret<String>)>,
    /// The one code that is right wherever a code is asked for. With it, a password alone is not
    /// enough, and a code alone is.
    pub otp: Option<Secret<String>>,
    /// How long an access token is valid.
    pub access_life: Duration,
    /// Whether a refresh gives a new refresh token, and the old one ends.
    pub rotates: bool,
    /// Whether claims have the characters `-` and `_`, which plain base64 lacks; otherwise they
    /// have neither.
    pub base64url_claims: bool,
}

/// One user.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) id: String,
    /// What the identity provider calls the user: deliberately not the id.
    subject: String,
    pub(super) name: String,
    password: Secret<String>,
    /// Whether the code of the sign-up came back.
    confirmed: bool,
    pub(super) custom_data: Object,
}

/// What a login gives.
#[derive(Debug)]
pub(super) struct Tokens {
    /// The name of the user.
    pub(super) user: String,
    pub(super) access: String,
    pub(super) id: String,
    /// Not given by a refresh, unless it rotates.
    pub(super) refresh: Option<String>,
}

/// What a right password leads to.
#[derive(Debug)]
pub(super) enum Login {
    Tokens(Tokens),
    /// A session in which a code is awaited.
    Session(String),
}

/// Lasts from a login to a logout.
#[derive(Debug)]
struct Session {
    user_id: String,
    refresh: Secret<String>,
}

/// All users, and all that they were given.
#[derive(Debug)]
pub(super) struct Accounts {
    settings: AccountSettings,
    signer: Signer,
    users: Vec<User>,
    sessions: BTreeMap<String, Session>,
    /// Logins that await a code, with the id of the user.
    awaiting: Tickets<String>,
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
            awaiting: Tickets::default(),
            codes: Tickets::default(),
            settings,
        };
        for (name, password) in users {
            accounts.insert(&name, password, true);
        }
        accounts
    }

    fn insert(&mut self, name: &str, password: Secret<String>, confirmed: bool) {
        self.users.push(User {
            id: random::alphanumerics(22),
            subject: Uuid::new_v4().to_string(),
            name: name.to_owned(),
            password,
            confirmed,
            custom_data: Object::new(),
        });
    }

    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(super) fn user_mut(&mut self, id: &str) -> Option<&mut User> {
        self.users.iter_mut().find(|user| user.id == id)
    }

    pub(super) fn named(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    /// The first user, who logs in where no name is asked for.
    pub(super) fn first(&self) -> Option<&User> {
        self.users.first()
    }

    /// Whether a second factor is needed.
    pub(super) fn wants_otp(&self) -> bool {
        self.settings.otp.is_some()
    }

    /// Whether this is the code that was sent.
    pub(super) fn is_code(&self, code: &str) -> bool {
        let sent = self.settings.otp.as_ref();
        code == sent.map_or(SENT_CODE, |otp| otp.expose())
    }

    /// Adds a new user, who still has to prove the address.
    pub(super) fn sign_up(&mut self, name: &str, password: &str) -> Result<(), Refusal> {
        if self.named(name).is_some_and(|user| user.confirmed) {
            return Err(USER_EXISTS.because("there is such a user"));
        }
        self.users.retain(|user| user.name != name);
        self.insert(name, Secret::new(password.to_owned()), false);
        Ok(())
    }

    /// Does what a code was sent for: confirms a user, and sets a password if there is one.
    pub(super) fn confirm(
        &mut self,
        name: &str,
        code: &str,
        password: Option<&str>,
    ) -> Result<(), Refusal> {
        let is_code = self.is_code(code);
        let user = self.users.iter_mut().find(|user| user.name == name);
        let user = user
            .filter(|_| is_code)
            .ok_or_else(|| WRONG_CODE.because("wrong verification code"))?;
        user.confirmed = true;
        if let Some(password) = password {
            user.password = Secret::new(password.to_owned());
        }
        Ok(())
    }

    /// Forgets a user.
    pub(super) fn remove(&mut self, id: &str) {
        self.users.retain(|user| user.id != id);
        self.log_out_everywhere(id);
    }

    /// By name and password or, where a code is enough, by name alone.
    pub(super) fn by_password(
        &mut self,
        now: Duration,
        name: &str,
        password: Option<&str>,
    ) -> Result<Login, Refusal> {
        let user = self.named(name);
        // One text for both mistakes, so that the answer does not show which users exist.
        let (user, mistake) = match password {
            Some(password) => (
                user.filter(|user| user.confirmed && user.password.expose() == password),
                "incorrect user name or password",
            ),
            None if self.wants_otp() => (user, "incorrect user name"),
            None => (None, "a password is needed"),
        };
        let id = user.ok_or_else(|| NO_LOGIN.because(mistake))?.id.clone();
        if self.wants_otp() {
            let session = self.awaiting.issue(now, CODE_LIFE, 48, id);
            return Ok(Login::Session(session));
        }
        self.begin(now, &id).map(Login::Tokens)
    }

    /// By the code that was sent. A wrong one can be corrected.
    pub(super) fn by_code(
        &mut self,
        now: Duration,
        name: &str,
        session: &str,
        code: &str,
    ) -> Result<Tokens, Refusal> {
        let user = self.awaiting.get(now, session).ok();
        let user = user
            .and_then(|id| self.user(id))
            .filter(|user| user.name == name);
        let user = user.ok_or_else(|| NO_LOGIN.because("the login session has ended"))?;
        let id = user.id.clone();
        if !self.is_code(code) {
            return Err(NO_LOGIN.because("wrong verification code"));
        }
        self.awaiting.consume(session);
        self.begin(now, &id)
    }

    /// By a refresh token.
    pub(super) fn by_refresh(&mut self, now: Duration, token: &str) -> Result<Tokens, Refusal> {
        let mut sessions = self.sessions.iter_mut();
        let found = sessions.find(|(_, session)| session.refresh.expose() == token);
        let (number, session) =
            found.ok_or_else(|| NO_LOGIN.because("the refresh token is not valid"))?;
        let refresh = self.settings.rotates.then(|| {
            let fresh = random::alphanumerics(REFRESH_LENGTH);
            session.refresh = Secret::new(fresh.clone());
            fresh
        });
        let (number, user_id) = (number.clone(), session.user_id.clone());
        self.mint(now, &user_id, &number, refresh)
    }

    /// A code for a login by browser, good once.
    pub(super) fn authorize(&mut self, now: Duration, user_id: &str) -> String {
        self.codes.issue(now, CODE_LIFE, 36, user_id.to_owned())
    }

    /// By such a code, if it is good.
    pub(super) fn by_authorization(&mut self, now: Duration, code: &str) -> Option<Tokens> {
        let user_id = self.codes.get(now, code).ok()?.clone();
        self.codes.consume(code);
        self.begin(now, &user_id).ok()
    }

    /// A new session.
    pub(super) fn begin(&mut self, now: Duration, user_id: &str) -> Result<Tokens, Refusal> {
        let number = random::alphanumerics(16);
        let refresh = random::alphanumerics(REFRESH_LENGTH);
        let tokens = self.mint(now, user_id, &number, Some(refresh.clone()))?;
        let session = Session {
            user_id: user_id.to_owned(),
            refresh: Secret::new(refresh),
        };
        self.sessions.insert(number, session);
        Ok(tokens)
    }

    fn mint(
        &self,
        now: Duration,
        user_id: &str,
        session: &str,
        refresh: Option<String>,
    ) -> Result<Tokens, Refusal> {
        let user = self.user(user_id);
        let user = user.ok_or_else(|| NO_LOGIN.because("there is no such user any more"))?;
        let token = |own: Value| {
            let mut claims = members(json!({
                "sub": user.subject,
                "iss": ISSUER,
                "origin_jti": session,
                "jti": Uuid::new_v4().to_string(),
                "iat": now.as_secs(),
                "exp": now.saturating_add(self.settings.access_life).as_secs(),
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
            refresh,
        })
    }

    /// Whose this access token is, whether or not it is still valid.
    pub(super) fn holder(&self, token: &str) -> Option<&User> {
        let claims = self.signer.read(token)?;
        let subject = claims.get("sub")?.as_str()?;
        self.users.iter().find(|user| user.subject == subject)
    }

    /// The user of an `Authorization` header, and the session.
    pub(super) fn authorized(
        &self,
        now: Duration,
        header: Option<&str>,
    ) -> Result<(User, String), &'static str> {
        let token = header.filter(|token| !token.is_empty()).ok_or("no token")?;
        if token.to_ascii_lowercase().starts_with("bearer ") {
            return Err("a Bearer prefix, and the token should stand alone");
        }
        let claims = self.signer.read(token).ok_or("not a token of this cloud")?;
        let claim = |name: &str| claims.get(name).and_then(Value::as_str);
        if claim("token_use") != Some("access") {
            return Err("not an access token");
        }
        let end = claims.get("exp").and_then(Value::as_u64).unwrap_or(0);
        if end <= now.as_secs() {
            return Err("the token has expired");
        }
        let number = claim("origin_jti").unwrap_or_default();
        let session = self.sessions.get(number);
        let user = session.and_then(|session| self.user(&session.user_id));
        Ok((user.ok_or("logged out")?.clone(), number.to_owned()))
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

/// As the real one's, of which clients expect the middle.
const ISSUER: &str = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Emulated1";
/// The code that is "sent" where no other code was ordered.
const SENT_CODE: &str = "123456";
/// As the identity provider's.
const CODE_LIFE: Duration = Duration::from_mins(3);
/// The length of a refresh token.
const REFRESH_LENGTH: usize = 96;

#[cfg(test)]
mod tests;
