//! The calls of users: sign up, log in, refresh, log out, also by browser.

use std::num::NonZeroU16;

use serde_json::{Value, json};
use url::form_urlencoded;

use super::account::{PasswordLogin, Tokens};
use super::exchange::{ApiAnswer, ApiResult, Body, Object, Request, members, required_text, text};
use super::extras::merge;
use super::log::CloudEvent;
use super::refusal::{MALFORMED, WRONG_CODE};
use super::{Call, Cloud};

impl Cloud {
    /// `POST login2`, in each of its forms.
    pub(super) fn log_in(&mut self, request: &Request) -> ApiResult {
        let body = request.parse_object()?;
        let user = text(&body, "user_name")?;
        self.issue_tokens(&body).inspect_err(|refusal| {
            let why = &refusal.description;
            self.log.write(&CloudEvent::LoginRefused { user, why });
        })
    }

    fn issue_tokens(&mut self, body: &Object) -> ApiResult {
        let now = self.clock.now();
        let (tokens, by) = if let Some(token) = text(body, "refreshtoken")? {
            (self.accounts.refresh(now, token)?, "refresh")
        } else if let Some(code) = text(body, "verification_code")? {
            let name = required_text(body, "user_name")?;
            let session = required_text(body, "session")?;
            let tokens = self.accounts.log_in_by_code(now, name, session, code);
            (tokens?, "otp")
        } else {
            let name = required_text(body, "user_name")?;
            let password = text(body, "password")?;
            match self.accounts.log_in_by_password(now, name, password)? {
                PasswordLogin::Tokens(tokens) => (tokens, "password"),
                PasswordLogin::Session(session) => {
                    let answer = json!({"status": "success", "session": session});
                    return Ok(ApiAnswer::ok(answer));
                }
            }
        };
        self.log_login(&tokens, by);
        Ok(ApiAnswer::ok(members(json!({
            "status": "success",
            "accesstoken": tokens.access,
            "idtoken": tokens.id,
            "refreshtoken": tokens.refresh,
        }))))
    }

    fn log_login(&mut self, tokens: &Tokens, by: &'static str) {
        let user = &tokens.user;
        self.log.write(&CloudEvent::Login { user, by });
    }

    /// `POST user2`: first name and password, then name and code.
    pub(super) fn sign_up(&mut self, request: &Request) -> ApiResult {
        let body = request.parse_object()?;
        let name = required_text(&body, "user_name")?;
        if let Some(code) = text(&body, "verification_code")? {
            self.accounts.confirm(name, code, None)?;
            return Ok(ApiAnswer::success());
        }
        let password = required_text(&body, "password")?;
        self.accounts.sign_up(name, password)?;
        Ok(ApiAnswer {
            status: 201,
            ..code_was_sent()
        })
    }

    /// `PUT forgotpassword2`: first the name, then name, code and new password.
    pub(super) fn reset_password(&mut self, request: &Request) -> ApiResult {
        let body = request.parse_object()?;
        let name = required_text(&body, "user_name")?;
        if let Some(code) = text(&body, "verification_code")? {
            let password = required_text(&body, "password")?;
            self.accounts.confirm(name, code, Some(password))?;
            return Ok(ApiAnswer::success_with("the password was changed"));
        }
        Ok(code_was_sent())
    }

    /// `POST logout2`.
    pub(super) fn log_out(&mut self, call: &Call<'_>) -> ApiAnswer {
        if call.request.has_true("logout_all") {
            self.accounts.log_out_everywhere(&call.user.id);
        } else {
            self.accounts.log_out(&call.session);
        }
        let user = &call.user.name;
        self.log.write(&CloudEvent::Logout { user });
        ApiAnswer::success()
    }

    /// `DELETE user2`: first a request, then the code.
    pub(super) fn delete_user(&mut self, call: &Call<'_>) -> ApiResult {
        if call.request.has_true("request") {
            return Ok(code_was_sent());
        }
        let code = call.request.parameter("verification_code");
        if !code.is_some_and(|code| self.accounts.is_code(code)) {
            return Err(WRONG_CODE.because("wrong verification code"));
        }
        for node_id in self.nodes.list_mapped(&call.user.id) {
            self.unmap(&call.user.id, &node_id)?;
        }
        self.accounts.remove(&call.user.id);
        Ok(ApiAnswer::success())
    }

    /// `GET user`, `GET user2`.
    pub(super) fn describe_user(&self, call: &Call<'_>) -> ApiAnswer {
        let user = &call.user;
        let with_data = call.request.has_true("custom_data");
        ApiAnswer::ok(members(json!({
            "user_id": user.id,
            "user_name": user.name,
            "mfa": self.accounts.requires_code(),
            "super_admin": false,
            "custom_data": with_data.then_some(&user.custom_data),
        })))
    }

    /// `PUT user/custom_data`.
    pub(super) fn set_custom_data(&mut self, call: &Call<'_>) -> ApiResult {
        let change = Value::Object(call.request.parse_object()?);
        if let Some(user) = self.accounts.find_mut(&call.user.id) {
            merge(&mut user.custom_data, &change);
        }
        Ok(ApiAnswer::success())
    }

    /// `GET /login?port=N`: redirects to the client's port, as the hosted page does after a click.
    /// `answer` selects what the redirect carries: `code`, `tokens` or `error`.
    pub(super) fn redirect_login_page(&mut self, request: &Request) -> ApiResult {
        let port = request.parameter("port");
        let port = port.and_then(|port| port.parse::<NonZeroU16>().ok());
        let port = port.ok_or_else(|| MALFORMED.because("port is not one"))?;
        let user = match request.parameter("user_name") {
            Some(name) => self.accounts.find_by_name(name),
            None => self.accounts.first(),
        };
        let user = user.ok_or_else(|| MALFORMED.because("there is no such user"))?;
        let (now, user_id) = (self.clock.now(), user.id.clone());
        let mut pairs = match request.parameter("answer").unwrap_or("code") {
            "code" => vec![("code", self.accounts.issue_code(now, &user_id))],
            "tokens" => {
                let tokens = self.accounts.begin_session(now, &user_id)?;
                self.log_login(&tokens, "browser");
                vec![
                    ("id_token", tokens.id),
                    ("access_token", tokens.access),
                    ("refresh_token", tokens.refresh.unwrap_or_default()),
                ]
            }
            "error" => vec![
                ("error", "access_denied".to_owned()),
                ("error_description", "The user denied access.".to_owned()),
            ],
            _ => return Err(MALFORMED.because("answer is code, tokens or error")),
        };
        // The page of a custom profile returns the state.
        let state = request.parameter("state");
        pairs.extend(state.map(|state| ("state", state.to_owned())));
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(pairs).finish();
        Ok(ApiAnswer {
            status: 302,
            body: Body::Redirect(format!("http://127.0.0.1:{port}/?{query}")),
        })
    }

    /// `POST /token`: exchanges an authorization code for tokens. Its errors are OAuth's.
    pub(super) fn exchange_code(&mut self, request: &Request) -> ApiAnswer {
        let form = Request::parse_parameters(&request.body);
        let field = |name: &str| {
            let pair = form.iter().find(|(key, _)| key == name);
            pair.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let error = |error: &str| ApiAnswer::new(400, json!({ "error": error }));
        if field("grant_type") != "authorization_code" {
            return error("unsupported_grant_type");
        }
        if field("client_id").is_empty() || field("redirect_uri").is_empty() {
            return error("invalid_request");
        }
        let now = self.clock.now();
        let Some(tokens) = self.accounts.log_in_by_browser(now, field("code")) else {
            let (user, why) = (None, "the authorization code is not valid");
            self.log.write(&CloudEvent::LoginRefused { user, why });
            return error("invalid_grant");
        };
        self.log_login(&tokens, "browser");
        ApiAnswer::ok(json!({
            "id_token": tokens.id,
            "access_token": tokens.access,
            "refresh_token": tokens.refresh,
            "token_type": "Bearer",
        }))
    }
}

fn code_was_sent() -> ApiAnswer {
    ApiAnswer::success_with("a verification code was sent")
}
