//! The injected faults of the emulated cloud. They differ from those of a device, because a client has to
//! handle the errors of gateways, proxies and captive portals.

use std::time::Duration;

use clap::ValueEnum;
use derive_more::Display;
use hyper::StatusCode;
use serde_json::{Value, json};

use super::exchange::{ApiAnswer, Body, Delivery};
use super::refusal::FAILURE_200;
use crate::emulator::fault::{self, FaultKinds, ParseValue, parse_delay, parse_status};

/// A fault: `[METHOD ]PATH:N:KIND`.
pub type CloudFault = fault::Fault<CloudFaultKind>;

/// The effect of a fault on a request or its answer.
#[derive(Clone, Debug, Display, PartialEq, Eq, ValueEnum)]
#[display(rename_all = "kebab-case")]
pub enum CloudFaultKind {
    /// The connection is closed, and the request is not handled.
    Close,
    /// The answer is sent late.
    #[display("delay={}", _0.as_millis())]
    #[value(skip)]
    Delay(Duration),
    /// The request is neither handled nor answered, and the connection stays.
    Drop,
    /// `error_code` is a text.
    ErrorCodeString,
    /// A refusal with status 200.
    #[display("failure-200")]
    #[value(name = "failure-200")]
    Failure200,
    /// An HTML page with status 200, as of a captive portal.
    Html,
    /// The answer ends in the middle of its JSON.
    Malformed,
    /// The request is handled and its answer is lost; the connection stays.
    Mute,
    /// The answer lacks its challenge.
    NoChallenge,
    /// The gateway answers that there is no such path.
    NotFound,
    /// The answer has this `request_status`.
    #[display("request-status={_0}")]
    #[value(skip)]
    RequestStatus(String),
    /// The gateway refuses with this status.
    #[display("status={_0}")]
    #[value(skip)]
    Status(u16),
    /// The gateway refuses the token.
    Unauthorized,
}

impl FaultKinds for CloudFaultKind {
    const HAS_METHODS: bool = true;
    const FORM: &'static str = "PATH:N:KIND, as in user/nodes/mapping/initiate:1:drop; a method may come before the path, as in 'GET user/nodes:*:html'";
    const WITH_VALUE: &'static [(&'static str, ParseValue<Self>)] = &[
        ("delay=MS", |value| parse_delay(value).map(Self::Delay)),
        ("request-status=TEXT", |value| {
            Ok(Self::RequestStatus(value.to_owned()))
        }),
        ("status=NNN", |value| parse_status(value).map(Self::Status)),
    ];
}

impl CloudFaultKind {
    /// Delivers the answer to a request that meets this fault. `handle` handles the request.
    pub(super) fn apply(self, handle: impl FnOnce() -> ApiAnswer) -> Delivery {
        let answer = match self {
            Self::Close => return Delivery::Close,
            Self::Delay(wait) => return Delivery::After(wait, handle()),
            Self::Drop => return Delivery::Never,
            Self::Mute => {
                handle();
                return Delivery::Never;
            }
            Self::Failure200 => FAILURE_200.because("this failure was ordered").into(),
            Self::Html => ApiAnswer {
                status: 200,
                body: Body::Page(PAGE),
            },
            Self::NotFound => ApiAnswer::not_found(),
            Self::Status(status) => {
                let known = StatusCode::from_u16(status).ok();
                let reason = known.and_then(|status| status.canonical_reason());
                ApiAnswer::gateway_error(status, reason.unwrap_or("this status was ordered"))
            }
            Self::Unauthorized => ApiAnswer::unauthorized(),
            _ => self.alter(handle()),
        };
        Delivery::at_once(answer)
    }

    /// Alters an answer. Kinds without an effect on it return it unchanged.
    fn alter(&self, mut answer: ApiAnswer) -> ApiAnswer {
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
                answer.body = Body::Malformed(bytes);
            }
            _ => {}
        }
        answer
    }
}

const PAGE: &str = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please accept our terms.</body></html>";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::fault::Faults;

    fn fault(text: &str) -> CloudFault {
        text.parse().unwrap()
    }

    #[test]
    fn every_kind_is_read_and_shown() {
        let words = CloudFaultKind::value_variants()
            .iter()
            .map(CloudFaultKind::to_string);
        let with_value = ["delay=250", "status=429", "request-status=a: b=c"];
        for kind in words.chain(with_value.map(str::to_owned)) {
            let text = format!("user/nodes:2:{kind}");
            assert_eq!(fault(&text).to_string(), text);
        }
        assert_eq!(fault("/v1/user/nodes:*:drop"), fault("user/nodes:*:drop"));
    }

    #[test]
    fn invalid_text_is_refused_with_expected_form() {
        for (text, expected) in [
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
            let error = text.parse::<CloudFault>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn each_fault_counts_its_own_requests() {
        let mut faults = Faults::new(vec![
            fault("get user/nodes/mapping:2:html"),
            fault("user/nodes/mapping:3:close"),
            fault("*:4:drop"),
        ]);
        let mut next = |method, path| faults.next_call(method, path);
        assert_eq!(next("PUT", "/v1/user/nodes/mapping"), None);
        assert_eq!(next("GET", "/v1/user/nodes/mapping"), None);
        let met = next("GET", "/v1/user/nodes/mapping");
        assert_eq!(met, Some((2, CloudFaultKind::Html)), "the first that fits");
        assert_eq!(next("GET", "/apiversions"), Some((4, CloudFaultKind::Drop)));
        assert_eq!(next("GET", "/apiversions"), None);
    }

    #[test]
    fn gateway_answers_injected_status() {
        for (status, message) in [
            (429, "Too Many Requests"),
            (500, "Internal Server Error"),
            (502, "Bad Gateway"),
            (503, "Service Unavailable"),
            (599, "this status was ordered"),
        ] {
            let delivery = CloudFaultKind::Status(status).apply(|| panic!("handled"));
            let answer = ApiAnswer::new(status, json!({"message": message}));
            assert_eq!(delivery, Delivery::at_once(answer));
        }
    }

    #[test]
    fn alter_has_effect_of_each_kind() {
        let alter = |kind: &str, value| {
            let fault = fault(&format!("*:1:{kind}"));
            let (_, kind) = Faults::new(vec![fault]).next_call("GET", "/").unwrap();
            kind.alter(ApiAnswer::ok(value)).body
        };
        let challenge = json!({"challenge": "c", "request_id": "r"});
        let without = Body::Json(json!({"request_id": "r"}));
        assert_eq!(alter("no-challenge", challenge.clone()), without);
        let Body::Malformed(bytes) = alter("malformed", challenge) else {
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
