//! Parses the cloud's answers: the requested data, or one of the forms of a rejection. The caller
//! decides what to do about a rejection.

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::CloudError;
use crate::ident::printable;

/// The members in which any answer can report a failure.
#[derive(Default, Deserialize)]
struct Verdict {
    status: Option<Value>,
    /// A number or a text.
    error_code: Option<Value>,
    description: Option<Value>,
    /// The API gateway's form, and the token service's.
    message: Option<Value>,
    error_description: Option<Value>,
}

impl Verdict {
    /// Whether it is a failure, regardless of the HTTP status: it has an error code, or a status
    /// other than success.
    fn is_failure(&self) -> bool {
        let is_not_success = |status: &Value| status.as_str().is_some_and(|word| word != SUCCESS);
        self.error_code.is_some() || self.status.as_ref().is_some_and(is_not_success)
    }
}

/// An answer that only reports success. Its status can be missing; [`parse`] rejects another text than
/// success.
#[derive(Debug, Deserialize)]
pub(super) struct Success {
    #[serde(default, rename = "status", deserialize_with = "check_status")]
    _status: (),
}

fn check_status<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    match Value::deserialize(from)? {
        Value::Null | Value::String(_) => Ok(()),
        _ => Err(D::Error::custom(BAD_STATUS)),
    }
}

/// Parses an answer. Messages of the cloud are shown without the request's `secrets`, because a
/// server may quote a request that it rejects.
pub(super) fn parse<T: DeserializeOwned>(
    host: &str,
    call: &'static str,
    status: u16,
    body: &[u8],
    secrets: &[&str],
) -> Result<T, CloudError> {
    let malformed = |what: String| CloudError::Malformed {
        host: host.to_owned(),
        call,
        what,
    };
    // Every answer of this API is an object. serde would also parse a list, as an object without a
    // verdict.
    let verdict = match serde_json::from_slice::<Value>(body) {
        Ok(json @ Value::Object(_)) => Ok(serde_json::from_value(json).unwrap_or_default()),
        Ok(_) => Err("JSON of another type than an object".to_owned()),
        Err(_) => Err(describe_non_json(body)),
    };
    let is_success = (200..300).contains(&status);
    let is_failure = verdict.as_ref().is_ok_and(Verdict::is_failure);
    if !is_success || is_failure {
        // The API gateway's form means that the token is not accepted. Calls also fail with this
        // status for other reasons, and a second request would use up a challenge or a code.
        let has_message = verdict.as_ref().is_ok_and(|it| it.message.is_some());
        let has_its_form = body.is_empty() || has_message;
        let by_gateway = status == UNAUTHORIZED && !is_failure && has_its_form;
        let verdict = match verdict {
            // A server that sends a web page is not the API: a hotspot, or a proxy with its own
            // login.
            Err(what) if status == UNAUTHORIZED && !by_gateway => return Err(malformed(what)),
            verdict => verdict.unwrap_or_default(),
        };
        let description = [
            verdict.description,
            verdict.message,
            verdict.error_description,
        ];
        let format = |value: &Value| format_text(value, secrets);
        let description = description.iter().flatten().find_map(format);
        return Err(if by_gateway {
            CloudError::LoginExpired { description }
        } else {
            CloudError::Rejected {
                call,
                status,
                code: verdict.error_code.as_ref().and_then(format),
                description,
            }
        });
    }
    verdict.map_err(malformed)?;
    // serde's message quotes values, which may be tokens; only its keys and types are shown.
    serde_json::from_slice(body).map_err(|error| malformed(without_values(&error)))
}

/// Formats a text or a number for the terminal.
fn format_text(value: &Value, secrets: &[&str]) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    // Redact before truncating: half of a secret would not be found.
    let text = redact(text, secrets);
    let text: String = text.trim().chars().take(MAX_TEXT_CHARS).collect();
    (!text.is_empty()).then(|| printable(text.as_bytes()))
}

/// Replaces these secrets, as they are and as JSON and forms write them.
fn redact(text: String, secrets: &[&str]) -> String {
    let is_long_enough = |secret: &&&str| secret.chars().count() >= MIN_SECRET_CHARS;
    let spellings = |secret: &&str| {
        let json = Value::from(*secret).to_string();
        let json = json.trim_matches('"').to_owned();
        let form = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        [(*secret).to_owned(), json, form]
    };
    let mut variants: Vec<String> = secrets
        .iter()
        .filter(is_long_enough)
        .flat_map(spellings)
        .collect();
    // The longest first, because one may be a part of another.
    variants.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    variants
        .iter()
        .fold(text, |text, secret| text.replace(secret, REDACTED))
}

fn describe_non_json(body: &[u8]) -> String {
    let start = body.get(..MAX_SNIFF_BYTES).unwrap_or(body);
    let start = String::from_utf8_lossy(start).trim_start().to_lowercase();
    if body.is_empty() {
        "an empty answer".to_owned()
    } else if start.starts_with("<!doctype") || start.starts_with("<html") {
        "a web page, such as the login page of a hotspot or a proxy".to_owned()
    } else {
        format!("{} bytes that are not JSON", body.len())
    }
}

fn without_values(error: &serde_json::Error) -> String {
    let words = error.to_string();
    if words.starts_with("missing field") || words.starts_with(BAD_STATUS) {
        words
    } else {
        format!(
            "a part of another type, in line {}, column {}",
            error.line(),
            error.column()
        )
    }
}

const SUCCESS: &str = "success";
const BAD_STATUS: &str = "a status that is not a text";
const UNAUTHORIZED: u16 = 401;
const REDACTED: &str = "<redacted>";
/// Shorter texts are parts of ordinary words, and are not redacted.
const MIN_SECRET_CHARS: usize = 4;
/// Longer messages are truncated.
const MAX_TEXT_CHARS: usize = 300;
/// Enough to recognize a web page.
const MAX_SNIFF_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Parsed {
        request_id: String,
    }

    fn rejected(status: u16, body: &str) -> (u16, Option<String>, Option<String>) {
        match parse::<Parsed>("cloud", "a call", status, body.as_bytes(), &[]) {
            Err(CloudError::Rejected {
                status,
                code,
                description,
                ..
            }) => (status, code, description),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parses_every_form_of_rejection() {
        let code = |text: &str| Some(text.to_owned());
        for (status, body, expected) in [
            (
                400,
                r#"{"status":"failure","error_code":103035,"description":"no group"}"#,
                (400, code("103035"), code("no group")),
            ),
            (
                400,
                r#"{"status":"failure","error_code":"105046","description":"no colon"}"#,
                (400, code("105046"), code("no colon")),
            ),
            (
                401,
                r#"{"status":"failure","description":"wrong signature"}"#,
                (401, None, code("wrong signature")),
            ),
            (
                200,
                r#"{"status":"failure","description":"late"}"#,
                (200, None, code("late")),
            ),
            (
                400,
                r#"{"error":"invalid_grant","error_description":"used"}"#,
                (400, None, code("used")),
            ),
            (500, "<html>", (500, None, None)),
            (502, "", (502, None, None)),
            (400, r#"{"description":{}}"#, (400, None, None)),
            (
                200,
                r#"{"status":"error","description":"late"}"#,
                (200, None, code("late")),
            ),
            (200, r#"{"status":"Failure"}"#, (200, None, None)),
            (200, r#"{"error_code":103999}"#, (200, code("103999"), None)),
            (
                200,
                r#"{"status":"success","error_code":"103999"}"#,
                (200, code("103999"), None),
            ),
            (401, r#"{"error":"denied"}"#, (401, None, None)),
            (
                401,
                r#"{"error_code":1,"message":"m"}"#,
                (401, code("1"), code("m")),
            ),
        ] {
            assert_eq!(rejected(status, body), expected, "{body}");
        }
    }

    #[test]
    fn gateway_401_means_expired_login() {
        for body in [r#"{"message":"Unauthorized"}"#, ""] {
            let error = parse::<Parsed>("cloud", "a call", 401, body.as_bytes(), &[]).unwrap_err();
            assert!(matches!(error, CloudError::LoginExpired { .. }), "{body}");
        }
        // Servers that are not the API.
        for body in ["<html>", "Unauthorized", "[]", "null"] {
            let error = parse::<Parsed>("cloud", "a call", 401, body.as_bytes(), &[]).unwrap_err();
            assert!(matches!(error, CloudError::Malformed { .. }), "{body}");
        }
    }

    #[test]
    fn malformed_answer_is_described_without_contents() {
        for (body, word) in [
            ("", "empty"),
            ("<!DOCTYPE html><p>", "web page"),
            ("  <html>", "web page"),
            (r#"{"request_id":"#, "not JSON"),
            (r#"{"challenge":"x"}"#, "request_id"),
            (r#"{"request_id":["secret"]}"#, "another type"),
            (r#""secret""#, "another type"),
            (r#"["secret"]"#, "another type"),
            ("null", "another type"),
        ] {
            let error = parse::<Parsed>("cloud", "a call", 200, body.as_bytes(), &[]).unwrap_err();
            let words = error.to_string();
            assert!(words.contains(word), "{words}");
            assert!(!words.contains("secret"), "{words}");
        }
        let good = parse::<Parsed>("cloud", "a call", 200, br#"{"request_id":"R"}"#, &[]).unwrap();
        assert_eq!(good.request_id, "R");
    }

    #[test]
    fn accepts_success_or_missing_status() {
        let parse = |body: &str| parse::<Success>("cloud", "a call", 200, body.as_bytes(), &[]);
        for done in ["{}", r#"{"status":null}"#, r#"{"status":"success"}"#] {
            assert!(parse(done).is_ok(), "{done}");
        }
        for other in [r#"{"status":false}"#, r#"{"status":{"code":1}}"#] {
            let error = parse(other).unwrap_err();
            assert!(matches!(error, CloudError::Malformed { .. }), "{other}");
            assert!(error.to_string().contains(BAD_STATUS), "{error}");
        }
    }

    #[test]
    fn escapes_control_characters_of_cloud() {
        let (_, _, description) = rejected(400, r#"{"description":"a\u001b[2Jb"}"#);
        assert!(!description.unwrap().contains('\u{1b}'));
    }

    #[test]
    fn redacts_secrets_that_cloud_quotes() {
        let secrets = ["pass\"wörd", "token-1234567890", "1234"];
        let sent = r#"{"password":"pass\"wörd","code":"1234"}"#;
        let long = "x".repeat(295);
        for message in [
            format!("cannot parse {sent}"),
            "no user for pass\"wörd with token-1234567890".to_owned(),
            "code=1234&password=pass%22w%C3%B6rd".to_owned(),
            format!("{long}token-1234567890"),
        ] {
            for key in ["description", "message", "error_description", "error_code"] {
                let body = serde_json::json!({key: message, "status": "failure"}).to_string();
                let read = parse::<Parsed>("cloud", "a call", 400, body.as_bytes(), &secrets);
                let words = read.unwrap_err().to_string();
                for secret in ["1234", "token", "wörd", "w%C3"] {
                    assert!(!words.contains(secret), "{words}");
                }
                assert!(words.contains("<reda"), "{words}");
            }
        }
        // Too short to be secrets: they are parts of other words.
        assert_eq!(
            redact("a refusal".to_owned(), &["a", "", "us"]),
            "a refusal"
        );
    }

    #[test]
    fn redacts_longest_secret_first() {
        // Each secret is a part of the next. In this order, the ends of the longer ones would
        // remain.
        let secrets = ["abcd", "abcd-1234", "abcd-1234-wxyz"];
        let redacted = |text: &str| redact(text.to_owned(), &secrets);
        assert_eq!(redacted("got abcd-1234-wxyz"), "got <redacted>");
        assert_eq!(
            redacted("got abcd-1234, abcd"),
            "got <redacted>, <redacted>"
        );
    }
}
