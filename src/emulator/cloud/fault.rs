//! What goes wrong on purpose between the emulated cloud and its clients: which request meets
//! what. A device's faults are `emulator::fault`; a cloud's are of other kinds, because what a
//! client has to survive from it is a gateway, a proxy, a captive portal.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::{Value, json};

use super::exchange::{Answer, Body, Request};
use crate::emulator::order::{self, NoFault};

/// One fault: `[METHOD ]PATH:N:KIND`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    method: Option<String>,
    /// Without the leading slash and `v1/`; `*` is every one.
    path: String,
    /// `None`: every request.
    number: Option<u32>,
    kind: FaultKind,
}

/// What goes wrong with a request or its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FaultKind {
    /// The connection is closed, and nobody has handled the request.
    Close,
    /// The answer comes late.
    Delay(Duration),
    /// The request is neither handled nor answered, and the connection stays.
    Drop,
    /// `error_code` is a text.
    ErrorCodeString,
    /// A refusal under status 200.
    Failure200,
    /// A page for people under status 200, as a captive portal shows.
    Html,
    /// The answer ends in the middle of its JSON.
    Malformed,
    /// The request is handled and its answer is lost; the connection stays.
    Mute,
    /// The answer lacks its challenge.
    NoChallenge,
    /// The gateway knows no such path.
    NotFound,
    /// The answer tells this as `request_status`.
    RequestStatus(String),
    /// The gateway refuses with this status.
    Status(u16),
    /// The gateway refuses the token.
    Unauthorized,
}

/// The kinds that are a word and nothing else.
const WORDS: [(&str, FaultKind); 10] = [
    ("close", FaultKind::Close),
    ("drop", FaultKind::Drop),
    ("error-code-string", FaultKind::ErrorCodeString),
    ("failure-200", FaultKind::Failure200),
    ("html", FaultKind::Html),
    ("malformed", FaultKind::Malformed),
    ("mute", FaultKind::Mute),
    ("no-challenge", FaultKind::NoChallenge),
    ("not-found", FaultKind::NotFound),
    ("unauthorized", FaultKind::Unauthorized),
];

impl FaultKind {
    /// What is answered instead of handling the request, if this kind is of that sort.
    pub(super) fn instead(&self) -> Option<Answer> {
        match self {
            Self::Failure200 => Some(Answer::of(json!({
                "status": "failure",
                "error_code": 100_900,
                "description": "this failure was ordered",
            }))),
            Self::Html => Some(Answer {
                status: 200,
                body: Body::Page(PAGE.to_owned()),
            }),
            Self::NotFound => Some(Answer::of_gateway(404, "Not Found")),
            Self::Status(status) => {
                let message = match status {
                    429 => "Too Many Requests",
                    500 => "Internal Server Error",
                    503 => "Service Unavailable",
                    _ => "this status was ordered",
                };
                Some(Answer::of_gateway(*status, message))
            }
            Self::Unauthorized => Some(Answer::of_gateway(401, "Unauthorized")),
            _ => None,
        }
    }

    /// What becomes of an answer. Kinds that are about something else leave it as it is.
    pub(super) fn alter(&self, mut answer: Answer) -> Answer {
        let Body::Json(value) = &mut answer.body else {
            return answer;
        };
        match (self, value.as_object_mut()) {
            (Self::ErrorCodeString, Some(object)) => {
                if let Some(code) = object.get_mut("error_code") {
                    *code = Value::String(code.to_string());
                }
            }
            (Self::NoChallenge, Some(object)) => {
                object.shift_remove("challenge");
            }
            (Self::RequestStatus(status), Some(object)) => {
                object.insert("request_status".to_owned(), json!(status));
            }
            (Self::Malformed, _) => {
                let mut bytes = value.to_string().into_bytes();
                bytes.truncate(bytes.len() / 2);
                answer.body = Body::Spoilt(bytes);
            }
            _ => {}
        }
        answer
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(wait) => write!(f, "delay={}", wait.as_millis()),
            Self::RequestStatus(status) => write!(f, "request-status={status}"),
            Self::Status(number) => write!(f, "status={number}"),
            word => f.write_str(order::word_of(&WORDS, word)),
        }
    }
}

impl FromStr for FaultKind {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let unknown = || order::unknown(text, WITH_VALUE, &WORDS);
        match text.split_once('=') {
            None => order::kind_of(&WORDS, text).ok_or_else(unknown),
            Some(("delay", ms)) => order::delay(ms).map(Self::Delay),
            Some(("request-status", status)) => Ok(Self::RequestStatus(status.to_owned())),
            Some(("status", number)) => order::status(number).map(Self::Status),
            Some(_) => Err(unknown()),
        }
    }
}

impl FromStr for Fault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let parts: Vec<&str> = text.splitn(3, ':').collect();
        let [target, number, kind] = parts[..] else {
            return Err(NoFault::Form(FORM));
        };
        let (method, path) = match target.split_once(' ') {
            Some((method, path)) => (Some(method.to_ascii_uppercase()), path),
            None => (None, target),
        };
        let path = bare(path);
        if path.is_empty() || path.contains(' ') || method.as_deref() == Some("") {
            return Err(NoFault::Form(FORM));
        }
        let number = order::number(number)?;
        Ok(Self {
            method,
            path: path.to_owned(),
            number,
            kind: kind.parse()?,
        })
    }
}

/// A path as faults name it.
fn bare(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.strip_prefix("v1/").unwrap_or(path)
}

/// The faults of one cloud, each with the number of requests that it was about so far.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(Fault, u32)>);

impl Faults {
    pub(super) fn new(list: Vec<Fault>) -> Self {
        Self(list.into_iter().map(|fault| (fault, 0)).collect())
    }

    /// Counts a request. Its number, and the fault that it meets: the first that fits.
    pub(super) fn next(&mut self, request: &Request) -> Option<(u32, FaultKind)> {
        let mut met = None;
        for (fault, count) in &mut self.0 {
            let fits = (fault.path == "*" || fault.path == bare(&request.path))
                && fault
                    .method
                    .as_ref()
                    .is_none_or(|method| *method == request.method);
            if !fits {
                continue;
            }
            *count = count.saturating_add(1);
            if met.is_none() && fault.number.is_none_or(|wanted| wanted == *count) {
                met = Some((*count, fault.kind.clone()));
            }
        }
        met
    }
}

const PAGE: &str = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please accept our terms.</body></html>";

/// How one is typed.
const FORM: &str = "PATH:N:KIND, as in user/nodes/mapping/initiate:1:drop; a method may come before the path, as in 'GET user/nodes:*:html'";
/// The kinds that are more than a word.
const WITH_VALUE: &str = "delay=MS, request-status=TEXT, status=NNN";

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        text.parse().unwrap()
    }

    fn request(method: &str, path: &str) -> Request {
        Request {
            method: method.to_owned(),
            path: path.to_owned(),
            ..Request::default()
        }
    }

    #[test]
    fn every_kind_is_read_and_shown() {
        let others = ["delay=250", "status=429", "request-status=internal error"];
        for text in WORDS.iter().map(|(name, _)| *name).chain(others) {
            let read = fault(&format!("user/nodes:2:{text}"));
            assert_eq!(read.kind.to_string(), text);
            assert_eq!(read.number, Some(2));
        }
        assert_eq!(fault("/v1/user/nodes:*:drop"), fault("user/nodes:*:drop"));
    }

    #[test]
    fn a_text_that_is_no_fault_is_told_what_one_is() {
        for (text, said) in [
            ("", "PATH:N:KIND"),
            ("login2:drop", "PATH:N:KIND"),
            (":1:drop", "PATH:N:KIND"),
            (" login2:1:drop", "PATH:N:KIND"),
            ("/v1/:1:drop", "PATH:N:KIND"),
            ("login2:0:drop", "counted from 1"),
            ("login2:x:drop", "counted from 1"),
            ("login2:1:explode", "no-challenge"),
            ("login2:1:drop=1", "delay=MS"),
            ("login2:1:delay=soon", "milliseconds"),
            ("login2:1:status=200", "400 to 599"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn each_fault_counts_what_it_is_about() {
        let mut faults = Faults::new(vec![
            fault("get user/nodes/mapping:2:html"),
            fault("user/nodes/mapping:3:close"),
            fault("*:4:drop"),
        ]);
        let mut next = |method, path| faults.next(&request(method, path));
        assert_eq!(next("PUT", "/v1/user/nodes/mapping"), None);
        assert_eq!(next("GET", "/v1/user/nodes/mapping"), None);
        let met = next("GET", "/v1/user/nodes/mapping");
        assert_eq!(met, Some((2, FaultKind::Html)), "the first that fits");
        assert_eq!(next("GET", "/apiversions"), Some((4, FaultKind::Drop)));
        assert_eq!(next("GET", "/apiversions"), None);
    }

    #[test]
    fn an_answer_is_altered_as_the_kind_says() {
        let alter = |kind: &str, value| {
            let kind: FaultKind = kind.parse().unwrap();
            kind.alter(Answer::of(value)).body
        };
        let challenge = json!({"challenge": "c", "request_id": "r"});
        let without = Body::Json(json!({"request_id": "r"}));
        assert_eq!(alter("no-challenge", challenge.clone()), without);
        let Body::Spoilt(bytes) = alter("malformed", challenge) else {
            panic!()
        };
        assert_eq!(bytes, br#"{"challenge":"c","r"#[..bytes.len()]);
        assert!(serde_json::from_slice::<Value>(&bytes).is_err());
        let code = alter("error-code-string", json!({"error_code": 103_035}));
        assert_eq!(code, Body::Json(json!({"error_code": "103035"})));
        let status = alter(
            "request-status=timedout",
            json!({"request_status": "requested"}),
        );
        assert_eq!(status, Body::Json(json!({"request_status": "timedout"})));
        assert_eq!(alter("drop", json!([1])), Body::Json(json!([1])));
    }
}
