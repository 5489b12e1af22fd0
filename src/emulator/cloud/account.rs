//! Users and their logins: who has which password, which token is whose, and for how long. Not
//! the calls by which one logs in, which are `login`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::jwt::{Claims, Signer};
use super::random;
use super::refusal::{NO_LOGIN, Refusal, USER_EXISTS, WRONG_CODE};
use crate::secret::Secret;

/// How users log in.
#[derive(Clone, Debug)]
pub struct AccountSettings {
    /// The users that are there from the start, by name and password.
    pub users: Vec<(String, Secret<String>)>,
    /// The one code that counts wherever one is asked for. With it, a password alone is not
    /// enough, and a code alone is.
    pub otp: Option<Secret<String>>,
    /// How long an access token counts.
    pub access_life: Duration,
    /// Whether a refresh gives a new refresh token, and the old one ends.
    pub rotates: bool,
    /// How claims are spelt.
    pub claims: Claims,
}

/// One user.
#[derive(Debug)]
pub(super) struct User {
    pub(super) id: String,
    /// What the identity provider calls the user: deliberately not the id.
    subject: String,
    pub(super) name: String,
    password: Secret<String>,
    /// Whether the code of the sign-up came back.
    confirmed: bool,
    pub(super) custom_data: Map<String, Value>,
}

/// What a login gives.
#[derive(Debug)]
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) id: String,
    /// Not given by a refresh, unless it rotates.
    pub(super) refresh: Option<String>,
}

/// What a right password leads to.
#[derive(Debug)]
pub(super) enum Login {
    Tokens(Tokens),
    /// Under which a code is awaited.
    Session(String),
}

/// A session that counts: from a login to a logout.
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
    users: BTreeMap<String, User>,
    sessions: BTreeMap<String, Session>,
    /// Logins that await a code: user and end, by session text.
    awaiting: BTreeMap<String, (String, Duration)>,
    /// Authorisation codes: user and end.
    codes: BTreeMap<String, (String, Duration)>,
}

impl Accounts {
    pub(super) fn new(settings: AccountSettings) -> Self {
        let mut accounts = Self {
            signer: Signer::new(settings.claims),
            users: BTreeMap::new(),
            sessions: BTreeMap::new(),
            awaiting: BTreeMap::new(),
            codes: BTreeMap::new(),
            settings,
        };
        for (name, password) in accounts.settings.users.clone() {
            accounts.insert(&name, password, true);
        }
        accounts
    }

    fn insert(&mut self, name: &str, password: Secret<String>, confirmed: bool) {
        let user = User {
            id: random::alphanumerics(22),
            subject: Uuid::new_v4().to_string(),
            name: name.to_owned(),
            password,
            confirmed,
            custom_data: Map::new(),
        };
        self.users.insert(user.id.clone(), user);
    }

    pub(super) fn user(&self, id: &str) -> Option<&User> {
        self.users.get(id)
    }

    pub(super) fn user_mut(&mut self, id: &str) -> Option<&mut User> {
        self.users.get_mut(id)
    }

    pub(super) fn named(&self, name: &str) -> Option<&User> {
        self.users.values().find(|user| user.name == name)
    }

    /// The first user of the settings, who logs in where nobody is asked for a name.
    pub(super) fn first(&self) -> Option<&User> {
        let (name, _) = self.settings.users.first()?;
        self.named(name)
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

    /// Takes in a new user, who still has to prove the address.
    pub(super) fn sign_up(&mut self, name: &str, password: &str) -> Result<(), Refusal> {
        match self.named(name) {
            Some(user) if user.confirmed => Err(USER_EXISTS.because("there is such a user")),
            other => {
                let unconfirmed = other.map(|user| user.id.clone());
                self.users.retain(|id, _| Some(id) != unconfirmed.as_ref());
                self.insert(name, Secret::new(password.to_owned()), false);
                Ok(())
            }
        }
    }

    /// Does what a code was sent for: confirms a user, and sets a password if there is one.
    pub(super) fn confirm(
        &mut self,
        name: &str,
        code: &str,
        password: Option<&str>,
    ) -> Result<(), Refusal> {
        let wrong = || WRONG_CODE.because("wrong verification code");
        if !self.is_code(code) {
            return Err(wrong());
        }
        let user = self.users.values_mut().find(|user| user.name == name);
        let user = user.ok_or_else(wrong)?;
        user.confirmed = true;
        if let Some(password) = password {
            user.password = Secret::new(password.to_owned());
        }
        Ok(())
    }

    /// Forgets a user.
    pub(super) fn remove(&mut self, id: &str) {
        self.users.remove(id);
        self.log_out_everywhere(id);
    }

    /// By name and password.
    pub(super) fn by_password(
        &mut self,
        now: Duration,
        name: &str,
        password: &str,
    ) -> Result<Login, Refusal> {
        let user = self
            .named(name)
            .filter(|user| user.confirmed && user.password.expose() == password);
        // One text for both: which users exist is nobody's business.
        let user = user.ok_or_else(|| NO_LOGIN.because("incorrect user name or password"))?;
        let id = user.id.clone();
        if self.wants_otp() {
            return Ok(Login::Session(self.await_code(now, id)));
        }
        self.begin(now, &id).map(Login::Tokens)
    }

    /// By name alone, where a code is enough.
    pub(super) fn by_name(&mut self, now: Duration, name: &str) -> Result<String, Refusal> {
        let no = |why: &str| Err(NO_LOGIN.because(why));
        if !self.wants_otp() {
            return no("a password is needed");
        }
        match self.named(name) {
            Some(user) => {
                let id = user.id.clone();
                Ok(self.await_code(now, id))
            }
            None => no("incorrect user name"),
        }
    }

    fn await_code(&mut self, now: Duration, user_id: String) -> String {
        let session = random::alphanumerics(48);
        let end = now.saturating_add(CODE_LIFE);
        self.awaiting.insert(session.clone(), (user_id, end));
        session
    }

    /// By the code that was sent. A wrong one can be corrected.
    pub(super) fn by_code(
        &mut self,
        now: Duration,
        name: &str,
        session: &str,
        code: &str,
    ) -> Result<Tokens, Refusal> {
        let found = self.awaiting.get(session);
        let user = found
            .filter(|(_, end)| now < *end)
            .and_then(|(id, _)| self.user(id))
            .filter(|user| user.name == name);
        let user = user.ok_or_else(|| NO_LOGIN.because("the login session has ended"))?;
        let id = user.id.clone();
        if !self.is_code(code) {
            return Err(NO_LOGIN.because("wrong verification code"));
        }
        self.awaiting.remove(session);
        self.begin(now, &id)
    }

    /// By a refresh token.
    pub(super) fn by_refresh(
        &mut self,
        now: Duration,
        token: &str,
    ) -> Result<(String, Tokens), Refusal> {
        let found = self
            .sessions
            .iter_mut()
            .find(|(_, session)| session.refresh.expose() == token);
        let (number, session) =
            found.ok_or_else(|| NO_LOGIN.because("the refresh token is not valid"))?;
        let refresh = self.settings.rotates.then(|| {
            let fresh = random::alphanumerics(REFRESH_LENGTH);
            session.refresh = Secret::new(fresh.clone());
            fresh
        });
        let (number, user_id) = (number.clone(), session.user_id.clone());
        let (access, id) = self.mint(now, &user_id, &number)?;
        let tokens = Tokens {
            access,
            id,
            refresh,
        };
        Ok((user_id, tokens))
    }

    /// A code for the browser's way, good once.
    pub(super) fn authorise(&mut self, now: Duration, user_id: &str) -> String {
        let code = Uuid::new_v4().to_string();
        let end = now.saturating_add(CODE_LIFE);
        self.codes.insert(code.clone(), (user_id.to_owned(), end));
        code
    }

    /// By such a code. `None` if it is none, or none any more.
    pub(super) fn by_authorisation(
        &mut self,
        now: Duration,
        code: &str,
    ) -> Option<(String, Tokens)> {
        let (user_id, end) = self.codes.remove(code)?;
        if end <= now {
            return None;
        }
        let tokens = self.begin(now, &user_id).ok()?;
        Some((user_id, tokens))
    }

    /// A new session.
    pub(super) fn begin(&mut self, now: Duration, user_id: &str) -> Result<Tokens, Refusal> {
        let number = random::alphanumerics(16);
        let (access, id) = self.mint(now, user_id, &number)?;
        let refresh = random::alphanumerics(REFRESH_LENGTH);
        let session = Session {
            user_id: user_id.to_owned(),
            refresh: Secret::new(refresh.clone()),
        };
        self.sessions.insert(number, session);
        Ok(Tokens {
            access,
            id,
            refresh: Some(refresh),
        })
    }

    fn mint(
        &self,
        now: Duration,
        user_id: &str,
        session: &str,
    ) -> Result<(String, String), Refusal> {
        let user = self.user(user_id);
        let user = user.ok_or_else(|| NO_LOGIN.because("there is no such user any more"))?;
        let end = now.saturating_add(self.settings.access_life).as_secs();
        let claims = |own: Value| {
            let all = json!({
                "sub": user.subject,
                "iss": ISSUER,
                "origin_jti": session,
                "jti": Uuid::new_v4().to_string(),
                "iat": now.as_secs(),
                "exp": end,
            });
            [all, own]
                .into_iter()
                .filter_map(|value| match value {
                    Value::Object(map) => Some(map),
                    _ => None,
                })
                .flatten()
                .collect::<Map<String, Value>>()
        };
        let access = self.signer.mint(claims(json!({
            "token_use": "access",
            "client_id": "emulated",
            "username": user.subject,
        })));
        let id = self.signer.mint(claims(json!({
            "token_use": "id",
            "aud": "emulated",
            "custom:user_id": user.id,
            "email": user.name,
            "email_verified": true,
        })));
        Ok((access, id))
    }

    /// Whose this access token is, whether or not it still counts.
    pub(super) fn holder(&self, token: &str) -> Option<&User> {
        let claims = self.signer.read(token)?;
        let subject = claims.get("sub")?.as_str()?;
        self.users.values().find(|user| user.subject == subject)
    }

    /// The user of an `Authorization` header, and the session.
    pub(super) fn authorised(
        &self,
        now: Duration,
        header: Option<&str>,
    ) -> Result<(String, String), &'static str> {
        let token = header.filter(|token| !token.is_empty()).ok_or("no token")?;
        if token
            .get(..7)
            .is_some_and(|start| start.eq_ignore_ascii_case("bearer "))
        {
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
        match self.sessions.get(number) {
            Some(session) => Ok((session.user_id.clone(), number.to_owned())),
            None => Err("logged out"),
        }
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
/// What is "sent" where no other code was ordered.
const SENT_CODE: &str = "123456";
/// As the identity provider's.
const CODE_LIFE: Duration = Duration::from_mins(3);
/// As long as needed.
const REFRESH_LENGTH: usize = 96;

#[cfg(test)]
mod tests;
