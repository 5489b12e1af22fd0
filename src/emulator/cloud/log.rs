//! The events of the emulated cloud: each with its JSON keys and its text line.
//!
//! Unlike a device's log, that of a cloud contains no secrets: tokens, passwords, codes and secret keys are
//! replaced.

use derive_more::Display;
use serde::Serialize;
use serde_json::Value;

use super::exchange::Request;
use crate::emulator::log::optional;

/// An event of the cloud.
#[derive(Clone, Debug, Display, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum CloudEvent<'a> {
    /// The cloud handled a request.
    #[display(
        "{method} {path}: {}{}",
        status.map_or_else(|| "not answered".to_owned(), |status| status.to_string()),
        optional(", ", *refused, "")
    )]
    Request {
        method: &'a str,
        path: &'a str,
        /// The parameters, redacted.
        #[serde(skip_serializing_if = "Value::is_null")]
        query: Value,
        /// The user id of its token, which may have expired.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<&'a str>,
        /// The body, redacted; only the length if it is neither JSON nor a form.
        #[serde(skip_serializing_if = "Value::is_null")]
        body: Value,
        /// The HTTP status; `null` without an answer.
        status: Option<u16>,
        /// The `error_code` or, without one, the description of a refusal.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<&'a str>,
    },
    /// An injected fault affected a request.
    #[display("{path}: fault {kind} at request {number}")]
    Fault {
        path: &'a str,
        kind: &'a str,
        /// The number of the request among those that the fault counts, from 1.
        number: u32,
    },
    /// A control call replaced the faults.
    #[display("{ordered} faults ordered")]
    FaultsOrdered { ordered: usize },
    /// A user got tokens by `password`, `otp`, `refresh` or `browser`.
    #[display("{user} logged in by {by}")]
    Login { user: &'a str, by: &'static str },
    /// A login was refused. The user of a wrong refresh token is unknown.
    #[display("{}login refused: {why}", optional("", *user, ": "))]
    LoginRefused {
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
        why: &'a str,
    },
    /// A user logged out.
    #[display("{user} logged out")]
    Logout { user: &'a str },
    /// The token of a call was refused.
    #[display("unauthorized: {why}")]
    Unauthorized { why: &'static str },
    /// A user requested a mapping by secret key.
    #[display("mapping of {node_id} requested")]
    MappingRequested {
        request_id: &'a str,
        node_id: &'a str,
        user_id: &'a str,
    },
    /// The node sent no message in time.
    #[display("mapping of {node_id} timed out")]
    MappingTimedOut {
        request_id: &'a str,
        node_id: &'a str,
    },
    /// A later request replaced this one.
    #[display("mapping of {node_id} discarded for a later one")]
    MappingDiscarded {
        request_id: &'a str,
        node_id: &'a str,
    },
    /// A node reported its user; with `reset`, it ended all other mappings.
    #[display("{node_id} reported its user: {}", if *matched { "a match" } else { "no match" })]
    NodeMessage {
        node_id: &'a str,
        user_id: &'a str,
        reset: bool,
        /// Whether a request matched this user and secret.
        matched: bool,
    },
    /// A user got a challenge with this lifetime.
    #[display("challenge issued for {life_s} s")]
    ChallengeIssued {
        request_id: &'a str,
        user_id: &'a str,
        life_s: u64,
    },
    /// A node was added to an account.
    #[display(
        "{node_id} mapped{}",
        key.map_or_else(|| " by secret key".to_owned(), |key| format!(", its {key} signature is good"))
    )]
    Mapped {
        node_id: &'a str,
        user_id: &'a str,
        /// `secret_key` or `challenge_response`.
        by: &'static str,
        /// With challenge-response: the kind of the verified key, `ec` or `rsa`.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'static str>,
    },
    /// A mapping was refused.
    #[display("{}not mapped: {why}", optional("", *node_id, " "))]
    MappingRefused {
        #[serde(skip_serializing_if = "Option::is_none")]
        node_id: Option<&'a str>,
        user_id: &'a str,
        why: &'a str,
    },
    /// A node was mapped, but not added to the requested group.
    #[display("{node_id} not in the group: {why}")]
    GroupFailed { node_id: &'a str, why: &'a str },
    /// A node was removed from an account.
    #[display("{node_id} unmapped")]
    Unmapped { node_id: &'a str, user_id: &'a str },
    /// A node was registered, perhaps again, with keys of these kinds.
    #[display("{node_id} registered")]
    NodeRegistered {
        node_id: &'a str,
        keys: Vec<&'static str>,
    },
    /// A node came online or went offline.
    #[display("{node_id} is {}", if *connected { "online" } else { "offline" })]
    Connectivity { node_id: &'a str, connected: bool },
    /// A control call moved the clock to these seconds since 1970.
    #[display("clock moved by {advance_s} s")]
    Clock { advance_s: u64, now: u64 },
}

/// Redacts the body of a request.
pub(super) fn redact_body(request: &Request) -> Value {
    if request.body.is_empty() {
        return Value::Null;
    }
    if let Ok(mut body) = request.parse_json() {
        redact(&mut body);
        return body;
    }
    if request.path == "/token" {
        return redact_pairs(&Request::parse_parameters(&request.body));
    }
    Value::String(format!("{} bytes", request.body.len()))
}

/// Redacts the parameters of a query or a form.
pub(super) fn redact_pairs(pairs: &[(String, String)]) -> Value {
    if pairs.is_empty() {
        return Value::Null;
    }
    let mut value: Value = pairs.iter().cloned().collect();
    redact(&mut value);
    value
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                if is_secret(key) && !matches!(value, Value::Null | Value::Bool(_)) {
                    *value = REDACTED.into();
                } else {
                    redact(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        // A token with another name.
        Value::String(text) if text.starts_with("eyJ") => REDACTED.clone_into(text),
        _ => {}
    }
}

/// Whether the value of this name is a secret. Services choose the names of their parameters, such as
/// `UserToken` or `refresh-token`.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["token", "password", "passphrase", "secret"]
        .iter()
        .any(|word| key.contains(word))
        || ["session", "verification_code", "code"].contains(&key.as_str())
}

const REDACTED: &str = "<redacted>";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_redacted_everywhere() {
        let request = Request {
            body: json!({
                "user_name": "u", "password": "p", "secret_key": "s", "deep": [{"UserToken": "t"}],
                "x": "eyJhbGciOi", "verification_code": 12, "metadata": null, "password2": null,
            })
            .to_string()
            .into_bytes(),
            query: Request::parse_parameters(b"code=1&node_id=n"),
            ..Request::default()
        };
        let r = REDACTED;
        assert_eq!(
            redact_body(&request),
            json!({
                "user_name": "u", "password": r, "secret_key": r, "deep": [{"UserToken": r}],
                "x": r, "verification_code": r, "metadata": null, "password2": null,
            })
        );
        assert_eq!(
            redact_pairs(&request.query),
            json!({"code": r, "node_id": "n"})
        );
    }

    #[test]
    fn forms_are_redacted_and_other_bytes_are_counted() {
        let request = |path: &str, body: &[u8]| Request {
            path: path.to_owned(),
            body: body.to_vec(),
            ..Request::default()
        };
        let form = redact_body(&request("/token", b"grant_type=x&code=abc"));
        assert_eq!(form, json!({"grant_type": "x", "code": REDACTED}));
        let bytes = redact_body(&request("/v1/login2", b"password=abc"));
        assert_eq!(bytes, json!("12 bytes"));
        assert_eq!(redact_body(&request("/v1/login2", b"")), Value::Null);
    }

    #[test]
    fn text_lines_have_optional_parts() {
        let request = |status, refused| CloudEvent::Request {
            method: "GET",
            path: "/v1/user",
            query: Value::Null,
            user_id: None,
            body: Value::Null,
            status,
            refused,
        };
        let mapped = |key| CloudEvent::Mapped {
            node_id: "n",
            user_id: "",
            by: "",
            key,
        };
        let refused = |node_id| CloudEvent::MappingRefused {
            node_id,
            user_id: "",
            why: "no",
        };
        let login = |user| CloudEvent::LoginRefused { user, why: "no" };
        for (entry, line) in [
            (request(Some(200), None), "GET /v1/user: 200"),
            (request(Some(400), Some("no")), "GET /v1/user: 400, no"),
            (request(None, None), "GET /v1/user: not answered"),
            (mapped(None), "n mapped by secret key"),
            (mapped(Some("ec")), "n mapped, its ec signature is good"),
            (refused(Some("n")), "n not mapped: no"),
            (refused(None), "not mapped: no"),
            (login(Some("u")), "u: login refused: no"),
            (login(None), "login refused: no"),
        ] {
            assert_eq!(entry.to_string(), line);
        }
    }
}
