//! What the emulated cloud was asked and what it made of it, in order. Not how it is shown: the
//! owner of a [`Log`] brings the file and the reader.
//!
//! Unlike a device's log it holds no secrets: tokens, passwords, codes and secret keys are
//! replaced before they come here.

use std::fmt;
use std::io::Write;
use std::time::Instant;

use serde::Serialize;
use serde_json::{Map, Value};

use super::exchange::Request;
use crate::emulator::json_lines::JsonLines;
use crate::ident::printable;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry {
    /// A request was answered, or will never be.
    Request {
        /// GET, PUT and so on.
        method: String,
        /// Without the query.
        path: String,
        /// The parameters, redacted.
        #[serde(skip_serializing_if = "Value::is_null")]
        query: Value,
        /// Whose token it had, by user id. The token may have expired.
        #[serde(skip_serializing_if = "Option::is_none")]
        user_id: Option<String>,
        /// The body, redacted; what is neither JSON nor a form is told by its length.
        #[serde(skip_serializing_if = "Value::is_null")]
        body: Value,
        /// The HTTP status; `null` when there was no answer.
        status: Option<u16>,
        /// The `error_code` or, without one, the description of a refusal.
        #[serde(skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// A request met a fault that was ordered.
    Fault {
        /// Its path.
        path: String,
        /// Which one, as it was ordered.
        kind: String,
        /// The how-manieth request of those that this fault is about.
        number: u32,
    },
    /// Faults were ordered, in place of those before.
    FaultsOrdered {
        /// How many.
        ordered: usize,
    },
    /// Tokens were given out.
    Login {
        /// To whom.
        user: String,
        /// For what: `password`, `otp`, `refresh` or `browser`.
        by: &'static str,
    },
    /// Tokens were refused.
    LoginRefused {
        /// To whom; unknown for a refresh token that is nobody's.
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Why.
        why: String,
    },
    /// A user's tokens count no longer.
    Logout {
        /// Whose.
        user: String,
    },
    /// A call was refused for its token.
    Unauthorized {
        /// What is wrong with it.
        why: &'static str,
    },
    /// A mapping by secret key was asked for.
    MappingRequested {
        /// Under this id.
        request_id: String,
        /// Which node.
        node_id: String,
        /// For whom.
        user_id: String,
    },
    /// No message of the node came in time.
    MappingTimedOut {
        /// The request's id.
        request_id: String,
        /// Which node.
        node_id: String,
    },
    /// A later request took the place of this one.
    MappingDiscarded {
        /// The request's id.
        request_id: String,
        /// Which node.
        node_id: String,
    },
    /// A node said to whom it belongs.
    NodeMessage {
        /// Which node.
        node_id: String,
        /// The user it named.
        user_id: String,
        /// Whether it gave up all others.
        reset: bool,
        /// Whether a request was waiting for just that.
        matched: bool,
    },
    /// A challenge was given out.
    ChallengeIssued {
        /// Under this id.
        request_id: String,
        /// To whom.
        user_id: String,
        /// For how long, in seconds.
        life_s: u64,
    },
    /// A node came into an account.
    Mapped {
        /// Which node.
        node_id: String,
        /// Whose account.
        user_id: String,
        /// `secret_key` or `challenge_response`.
        by: &'static str,
        /// With challenge-response: the kind of key whose signature was checked, `ec` or `rsa`.
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'static str>,
    },
    /// A node did not come into an account.
    MappingRefused {
        /// Which node, if any was named.
        #[serde(skip_serializing_if = "Option::is_none")]
        node_id: Option<String>,
        /// Who asked.
        user_id: String,
        /// Why not.
        why: String,
    },
    /// A node is mapped, and is not in the group that was named.
    GroupFailed {
        /// Which node.
        node_id: String,
        /// Why not.
        why: String,
    },
    /// A node left an account.
    Unmapped {
        /// Which node.
        node_id: String,
        /// Whose account.
        user_id: String,
    },
    /// A node was made known, or made known anew.
    NodeRegistered {
        /// Which node.
        node_id: String,
        /// The kinds of its keys.
        keys: Vec<&'static str>,
    },
    /// A node came or went.
    Connectivity {
        /// Which node.
        node_id: String,
        /// Whether it is there.
        connected: bool,
    },
    /// The clock was moved.
    Clock {
        /// By that many seconds.
        advance_s: u64,
        /// What it says now, in seconds since 1970.
        now: u64,
    },
    /// The file of this log could not be written any more; only readers see this.
    LogLost,
}

/// One line for people, with nothing in it that steers a terminal.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request {
                method,
                path,
                status,
                refused,
                ..
            } => {
                write!(f, "{} {}: ", text(method), text(path))?;
                match status {
                    Some(status) => write!(f, "{status}")?,
                    None => f.write_str("not answered")?,
                }
                match refused {
                    Some(why) => write!(f, ", {}", text(why)),
                    None => Ok(()),
                }
            }
            Self::Fault { path, kind, number } => {
                write!(
                    f,
                    "{}: fault {} at request {number}",
                    text(path),
                    text(kind)
                )
            }
            Self::FaultsOrdered { ordered } => write!(f, "{ordered} faults ordered"),
            Self::Login { user, by } => write!(f, "{} logged in by {by}", text(user)),
            Self::LoginRefused {
                user: Some(user),
                why,
            } => write!(f, "{} not logged in: {}", text(user), text(why)),
            Self::LoginRefused { user: None, why } => write!(f, "nobody logged in: {}", text(why)),
            Self::Logout { user } => write!(f, "{} logged out", text(user)),
            Self::Unauthorized { why } => write!(f, "unauthorized: {why}"),
            Self::MappingRequested { node_id, .. } => {
                write!(f, "mapping of {} requested", text(node_id))
            }
            Self::MappingTimedOut { node_id, .. } => {
                write!(f, "mapping of {} timed out", text(node_id))
            }
            Self::MappingDiscarded { node_id, .. } => {
                write!(f, "mapping of {} discarded for a later one", text(node_id))
            }
            Self::NodeMessage {
                node_id, matched, ..
            } => {
                let outcome = if *matched { "a match" } else { "no match" };
                write!(f, "{} told its owner: {outcome}", text(node_id))
            }
            Self::ChallengeIssued { life_s, .. } => {
                write!(f, "challenge given out for {life_s} s")
            }
            Self::Mapped {
                node_id, key: None, ..
            } => write!(f, "{} mapped by secret key", text(node_id)),
            Self::Mapped {
                node_id,
                key: Some(key),
                ..
            } => write!(f, "{} mapped, its {key} signature is good", text(node_id)),
            Self::MappingRefused {
                node_id: Some(node_id),
                why,
                ..
            } => write!(f, "{} not mapped: {}", text(node_id), text(why)),
            Self::MappingRefused { why, .. } => write!(f, "not mapped: {}", text(why)),
            Self::GroupFailed { node_id, why } => {
                write!(f, "{} not in the group: {}", text(node_id), text(why))
            }
            Self::Unmapped { node_id, .. } => write!(f, "{} unmapped", text(node_id)),
            Self::NodeRegistered { node_id, .. } => write!(f, "{} registered", text(node_id)),
            Self::Connectivity { node_id, connected } => {
                let how = if *connected { "online" } else { "offline" };
                write!(f, "{} is {how}", text(node_id))
            }
            Self::Clock { advance_s, .. } => write!(f, "clock moved by {advance_s} s"),
            Self::LogLost => f.write_str("the log file cannot be written, and ends here"),
        }
    }
}

fn text(from_outside: &str) -> String {
    printable(from_outside.as_bytes())
}

/// Who wants to read entries as they happen.
pub type Reader = Box<dyn FnMut(&Entry) + Send>;

/// Takes entries down: as JSON lines, each with the milliseconds since the log was made, and to
/// one reader.
pub struct Log {
    started: Instant,
    lines: JsonLines,
    reader: Option<Reader>,
}

impl Log {
    /// One that keeps nothing, until told where to.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
            lines: JsonLines::default(),
            reader: None,
        }
    }

    /// Writes JSON lines there, each flushed.
    #[must_use]
    pub fn lines_to(mut self, sink: Box<dyn Write + Send>) -> Self {
        self.lines = JsonLines::to(sink);
        self
    }

    /// Shows every entry to `reader` too.
    #[must_use]
    pub fn shown_to(mut self, reader: Reader) -> Self {
        self.reader = Some(reader);
        self
    }

    /// Takes down what happens now.
    pub(super) fn write(&mut self, entry: &Entry) {
        if let Some(reader) = &mut self.reader {
            reader(entry);
        }
        let ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if !self.lines.write(&Line { ms, entry })
            && let Some(reader) = &mut self.reader
        {
            reader(&Entry::LogLost);
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Line<'a> {
    ms: u64,
    #[serde(flatten)]
    entry: &'a Entry,
}

/// The parameters of a request, for the log.
pub(super) fn redacted_query(request: &Request) -> Value {
    redacted_pairs(&request.query)
}

/// The body of a request, for the log.
pub(super) fn redacted_body(request: &Request) -> Value {
    if request.body.is_empty() {
        return Value::Null;
    }
    if let Ok(mut body) = request.json() {
        redact(&mut body);
        return body;
    }
    if request.path == "/token" {
        return redacted_pairs(&Request::parameters(&request.body));
    }
    Value::String(format!("{} bytes", request.body.len()))
}

fn redacted_pairs(pairs: &[(String, String)]) -> Value {
    if pairs.is_empty() {
        return Value::Null;
    }
    let pairs = pairs.iter().cloned();
    let pairs: Map<String, Value> = pairs.map(|(key, value)| (key, value.into())).collect();
    let mut value = Value::Object(pairs);
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
        // A token under a name that was not thought of.
        Value::String(text) if text.starts_with("eyJ") => REDACTED.clone_into(text),
        _ => {}
    }
}

/// Whether what stands under this name is for nobody's eyes. Services name their parameters as
/// they like: `UserToken`, `refresh-token`.
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
    fn secrets_are_replaced_wherever_they_stand() {
        let request = Request {
            body: json!({
                "user_name": "u", "password": "p", "secret_key": "s", "deep": [{"UserToken": "t"}],
                "x": "eyJhbGciOi", "verification_code": 12, "metadata": null, "password2": null,
            })
            .to_string()
            .into_bytes(),
            query: Request::parameters(b"code=1&node_id=n"),
            ..Request::default()
        };
        let r = REDACTED;
        assert_eq!(
            redacted_body(&request),
            json!({
                "user_name": "u", "password": r, "secret_key": r, "deep": [{"UserToken": r}],
                "x": r, "verification_code": r, "metadata": null, "password2": null,
            })
        );
        assert_eq!(redacted_query(&request), json!({"code": r, "node_id": "n"}));
    }

    #[test]
    fn forms_are_told_with_their_secrets_replaced_and_other_bytes_by_length() {
        let request = |path: &str, body: &[u8]| Request {
            path: path.to_owned(),
            body: body.to_vec(),
            ..Request::default()
        };
        let form = redacted_body(&request("/token", b"grant_type=x&code=abc"));
        assert_eq!(form, json!({"grant_type": "x", "code": REDACTED}));
        let bytes = redacted_body(&request("/v1/login2", b"password=abc"));
        assert_eq!(bytes, json!("12 bytes"));
        assert_eq!(redacted_body(&request("/v1/login2", b"")), Value::Null);
    }

    #[test]
    fn a_line_for_people_cannot_steer_a_terminal() {
        let entry = Entry::MappingRefused {
            node_id: Some("a\u{1b}[31m".to_owned()),
            user_id: String::new(),
            why: "no".to_owned(),
        };
        assert_eq!(entry.to_string(), r"a\u{1b}[31m not mapped: no");
    }
}
