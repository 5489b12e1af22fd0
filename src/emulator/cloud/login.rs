//! The calls by which users come and go: log in, refresh, sign up, log out, and the browser's way.

use std::time::Duration;

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::account::{Login, Tokens};
use super::exchange::{Answer, Body, Request, needed, text};
use super::log::Entry;
use super::refusal::{MALFORMED, Refusal, WRONG_CODE};
use super::{Caller, Cloud};

impl Cloud {
    /// `POST login2`, in each of its forms.
    pub(super) fn login2(&mut self, now: Duration, request: &Request) -> Result<Answer, Refusal> {
        let body = request.object()?;
        let name = text(&body, "user_name")?;
        let outcome = self.log_in(now, &body);
        match &outcome {
            Ok((Login::Tokens(_), user, by)) => self.log.write(&Entry::Login {
                user: user.clone(),
                by,
            }),
            Ok((Login::Session(_), ..)) => {}
            Err(refusal) => self.log.write(&Entry::LoginRefused {
                user: name.map(str::to_owned),
                why: refusal.to_string(),
            }),
        }
        Ok(match outcome?.0 {
            Login::Tokens(tokens) => Answer::of(told(&tokens)),
            Login::Session(session) => Answer::of(json!({
                "status": "success",
                "session": session,
            })),
        })
    }

    fn log_in(
        &mut self,
        now: Duration,
        body: &Map<String, Value>,
    ) -> Result<(Login, String, &'static str), Refusal> {
        if let Some(token) = text(body, "refreshtoken")? {
            let (user_id, tokens) = self.accounts.by_refresh(now, token)?;
            return Ok((Login::Tokens(tokens), self.name_of(&user_id), "refresh"));
        }
        let name = needed(body, "user_name")?;
        let (login, by) = if let Some(code) = text(body, "verification_code")? {
            let session = needed(body, "session")?;
            let tokens = self.accounts.by_code(now, name, session, code)?;
            (Login::Tokens(tokens), "otp")
        } else if let Some(password) = text(body, "password")? {
            (self.accounts.by_password(now, name, password)?, "password")
        } else {
            (Login::Session(self.accounts.by_name(now, name)?), "otp")
        };
        Ok((login, name.to_owned(), by))
    }

    /// `POST user2`: first name and password, then name and code.
    pub(super) fn sign_up(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let body = request.object()?;
        let name = needed(&body, "user_name")?;
        if let Some(code) = text(&body, "verification_code")? {
            self.accounts.confirm(name, code, None)?;
            return Ok(Answer::done());
        }
        self.accounts.sign_up(name, needed(&body, "password")?)?;
        Ok(Answer {
            status: 201,
            ..Answer::done_as("a verification code was sent")
        })
    }

    /// `PUT forgotpassword2`: first the name, then code and new password as well.
    pub(super) fn forgot_password(&mut self, request: &Request) -> Result<Answer, Refusal> {
        let body = request.object()?;
        let name = needed(&body, "user_name")?;
        if let Some(code) = text(&body, "verification_code")? {
            let password = needed(&body, "password")?;
            self.accounts.confirm(name, code, Some(password))?;
            return Ok(Answer::done_as("the password was changed"));
        }
        Ok(Answer::done_as("a verification code was sent"))
    }

    /// `POST logout2`.
    pub(super) fn log_out(&mut self, caller: &Caller, request: &Request) -> Answer {
        if request.asks_for("logout_all") {
            self.accounts.log_out_everywhere(&caller.user_id);
        } else {
            self.accounts.log_out(&caller.session);
        }
        let user = self.name_of(&caller.user_id);
        self.log.write(&Entry::Logout { user });
        Answer::done()
    }

    /// `DELETE user2`: asked for first, then with the code.
    pub(super) fn delete_user(
        &mut self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        if request.asks_for("request") {
            return Ok(Answer::done_as("a verification code was sent"));
        }
        let code = request.parameter(&["verification_code"]);
        if !code.is_some_and(|code| self.accounts.is_code(code)) {
            return Err(WRONG_CODE.because("wrong verification code"));
        }
        for node_id in self.nodes.of_user(&caller.user_id) {
            self.unmap(&caller.user_id, &node_id)?;
        }
        self.accounts.remove(&caller.user_id);
        Ok(Answer::done())
    }

    /// `GET user`, `GET user2`.
    pub(super) fn who_am_i(&self, caller: &Caller, request: &Request) -> Answer {
        let Some(user) = self.accounts.user(&caller.user_id) else {
            return Answer::of_gateway(401, "Unauthorized");
        };
        let mut told = json!({
            "user_id": user.id,
            "user_name": user.name,
            "mfa": self.accounts.wants_otp(),
            "super_admin": false,
        });
        if let Some(told) = told
            .as_object_mut()
            .filter(|_| request.asks_for("custom_data"))
        {
            let data = Value::Object(user.custom_data.clone());
            told.insert("custom_data".to_owned(), data);
        }
        Answer::of(told)
    }

    /// `GET user/custom_data`.
    pub(super) fn custom_data(&self, caller: &Caller) -> Answer {
        let user = self.accounts.user(&caller.user_id);
        let data = user.map(|user| user.custom_data.clone());
        Answer::of(Value::Object(data.unwrap_or_default()))
    }

    /// `PUT user/custom_data`.
    pub(super) fn set_custom_data(
        &mut self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let change = Value::Object(request.object()?);
        if let Some(user) = self.accounts.user_mut(&caller.user_id) {
            super::extras::merge(&mut user.custom_data, &change);
        }
        Ok(Answer::done())
    }

    /// `GET /login?port=N`: the hosted page, with somebody who has already clicked. It leads to
    /// the port where the client listens. `answer` says with what: `code`, `tokens` or `error`.
    pub(super) fn login_page(
        &mut self,
        now: Duration,
        request: &Request,
    ) -> Result<Answer, Refusal> {
        let port = request.parameter(&["port"]);
        let port = port
            .and_then(|port| port.parse::<u16>().ok())
            .filter(|port| *port > 0)
            .ok_or_else(|| MALFORMED.because("port is not one"))?;
        let user = match request.parameter(&["user_name"]) {
            Some(name) => self.accounts.named(name),
            None => self.accounts.first(),
        };
        let user = user.ok_or_else(|| MALFORMED.because("there is no such user"))?;
        let (user_id, name) = (user.id.clone(), user.name.clone());
        let mut query = form_urlencoded::Serializer::new(String::new());
        match request.parameter(&["answer"]).unwrap_or("code") {
            "code" => {
                query.append_pair("code", &self.accounts.authorise(now, &user_id));
            }
            "tokens" => {
                let tokens = self.accounts.begin(now, &user_id)?;
                query.append_pair("id_token", &tokens.id);
                query.append_pair("access_token", &tokens.access);
                query.append_pair("refresh_token", &tokens.refresh.unwrap_or_default());
                self.log.write(&Entry::Login {
                    user: name,
                    by: "browser",
                });
            }
            "error" => {
                query.append_pair("error", "access_denied");
                query.append_pair("error_description", "The user said no.");
            }
            _ => return Err(MALFORMED.because("answer is code, tokens or error")),
        }
        // Whose page is a custom profile's, brings it back.
        if let Some(state) = request.parameter(&["state"]) {
            query.append_pair("state", state);
        }
        let query = query.finish();
        Ok(Answer {
            status: 302,
            body: Body::Redirect(format!("http://127.0.0.1:{port}/?{query}")),
        })
    }

    /// `POST /token`: what the browser brought, for tokens. Its failures are OAuth's.
    pub(super) fn token(&mut self, now: Duration, request: &Request) -> Answer {
        let form = Request::parameters(&request.body);
        let field = |name: &str| {
            let found = form.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let error = |error: &str| Answer {
            status: 400,
            body: Body::Json(json!({ "error": error })),
        };
        if field("grant_type") != "authorization_code" {
            return error("unsupported_grant_type");
        }
        if field("client_id").is_empty() || field("redirect_uri").is_empty() {
            return error("invalid_request");
        }
        let Some((user_id, tokens)) = self.accounts.by_authorisation(now, field("code")) else {
            self.log.write(&Entry::LoginRefused {
                user: None,
                why: "the authorisation code is not valid".to_owned(),
            });
            return error("invalid_grant");
        };
        self.log.write(&Entry::Login {
            user: self.name_of(&user_id),
            by: "browser",
        });
        Answer::of(json!({
            "id_token": tokens.id,
            "access_token": tokens.access,
            "refresh_token": tokens.refresh,
            "token_type": "Bearer",
        }))
    }

    fn name_of(&self, user_id: &str) -> String {
        let user = self.accounts.user(user_id);
        user.map(|user| user.name.clone()).unwrap_or_default()
    }
}

/// Tokens as `login2` gives them.
fn told(tokens: &Tokens) -> Value {
    let mut told = json!({
        "status": "success",
        "accesstoken": tokens.access,
        "idtoken": tokens.id,
    });
    if let (Some(object), Some(refresh)) = (told.as_object_mut(), &tokens.refresh) {
        object.insert("refreshtoken".to_owned(), json!(refresh));
    }
    told
}
