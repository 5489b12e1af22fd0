//! The requests and answers of the emulated cloud, without HTTP.

use std::time::Duration;

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::refusal::{ApiRefusal, MALFORMED};

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query, decoded, in its order.
    pub query: Vec<(String, String)>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Decodes the parameters of a query, or of a form.
    pub(super) fn parse_parameters(text: &[u8]) -> Vec<(String, String)> {
        form_urlencoded::parse(text).into_owned().collect()
    }

    /// The first parameter of this name. An empty one counts as absent, because clients send such.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self.query.iter();
        let (_, value) = pairs.find(|(key, value)| key == name && !value.is_empty())?;
        Some(value)
    }

    /// A parameter that the call needs.
    pub(super) fn required_parameter(&self, name: &str) -> ApiResult<&str> {
        let value = self.parameter(name);
        value.ok_or_else(|| MALFORMED.because(format!("{name} is missing")))
    }

    /// Whether a parameter is `true`.
    pub(super) fn has_true(&self, name: &str) -> bool {
        self.parameter(name) == Some("true")
    }

    /// The parameter with the node id, in either spelling.
    pub(super) fn node_id(&self) -> Option<&str> {
        self.parameter("node_id")
            .or_else(|| self.parameter("nodeid"))
    }

    /// Parses the body as JSON.
    pub(super) fn parse_json(&self) -> ApiResult<Value> {
        serde_json::from_slice(&self.body)
            .map_err(|error| MALFORMED.because(format!("the body is not JSON: {error}")))
    }

    /// Parses the body as an object; an empty body is an empty object.
    pub(super) fn parse_object(&self) -> ApiResult<Object> {
        if self.body.is_empty() {
            return Ok(Object::new());
        }
        match self.parse_json()? {
            Value::Object(object) => Ok(object),
            _ => Err(MALFORMED.because("the body is not a JSON object")),
        }
    }
}

/// A text in an object. `null` counts as absent; any other value that is not a text is refused.
pub(super) fn text<'a>(object: &'a Object, key: &str) -> ApiResult<Option<&'a str>> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(MALFORMED.because(format!("{key} is not a text"))),
    }
}

/// A text in an object. `null` and an empty text count as absent.
pub(super) fn nonempty_text<'a>(object: &'a Object, key: &str) -> ApiResult<Option<&'a str>> {
    Ok(text(object, key)?.filter(|text| !text.is_empty()))
}

/// A text that the call needs.
pub(super) fn required_text<'a>(object: &'a Object, key: &str) -> ApiResult<&'a str> {
    nonempty_text(object, key)?.ok_or_else(|| MALFORMED.because(format!("{key} is missing")))
}

/// A list of texts; an absent one is empty.
pub(super) fn texts(object: &Object, key: &str) -> ApiResult<Vec<String>> {
    let list = object.get(key).cloned().unwrap_or_default();
    let list: Option<Vec<String>> = serde_json::from_value(list)
        .map_err(|_| MALFORMED.because(format!("{key} is not a list of texts")))?;
    Ok(list.unwrap_or_default())
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// JSON, the format of the API.
    Json(Value),
    /// The beginning of some JSON.
    Malformed(Vec<u8>),
    /// A page for a browser.
    Page(&'static str),
    /// The URL of a redirect.
    Redirect(String),
}

/// How the client receives an answer, if it does.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// After this time.
    After(Duration, ApiAnswer),
    /// No answer; the connection stays open.
    Never,
    /// No answer; the connection closes.
    Close,
}

impl Delivery {
    pub(super) fn at_once(answer: ApiAnswer) -> Self {
        Self::After(Duration::ZERO, answer)
    }
}

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// The result of a call.
pub(super) type ApiResult<T = ApiAnswer> = Result<T, ApiRefusal>;

impl ApiAnswer {
    /// JSON with this status.
    pub(super) fn new(status: u16, value: impl Into<Value>) -> Self {
        Self {
            status,
            body: Body::Json(value.into()),
        }
    }

    /// A success, with this value.
    pub(super) fn ok(value: impl Into<Value>) -> Self {
        Self::new(200, value)
    }

    /// A success without a value.
    pub(super) fn success() -> Self {
        Self::ok(json!({"status": "success"}))
    }

    /// A success with a description.
    pub(super) fn success_with(description: &str) -> Self {
        Self::ok(json!({"status": "success", "description": description}))
    }

    /// An error of the gateway before the API, which has its own format.
    pub(super) fn gateway_error(status: u16, message: &str) -> Self {
        Self::new(status, json!({ "message": message }))
    }

    /// The gateway's answer to an unknown path or method.
    pub(super) fn not_found() -> Self {
        Self::gateway_error(404, "Not Found")
    }

    /// The gateway's answer to an invalid token.
    pub(super) fn unauthorized() -> Self {
        Self::gateway_error(401, "Unauthorized")
    }
}

impl From<ApiRefusal> for ApiAnswer {
    fn from(refusal: ApiRefusal) -> Self {
        Self::new(refusal.kind.0, refusal.into_members())
    }
}

impl ApiRefusal {
    /// The JSON of a refusal.
    pub(super) fn into_members(self) -> Object {
        members(json!({
            "status": "failure",
            "error_code": self.kind.1,
            "description": self.description,
        }))
    }
}

/// The members of an object that are not `null`.
pub(super) fn members(object: Value) -> Object {
    let Value::Object(mut members) = object else {
        return Object::new();
    };
    members.retain(|_, value| !value.is_null());
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_parameter_counts_as_absent() {
        let request = Request {
            query: Request::parse_parameters(b"&request_id=R&nodeid=N&start_id="),
            ..Request::default()
        };
        assert_eq!(request.parameter("request_id"), Some("R"));
        assert_eq!(request.node_id(), Some("N"));
        assert_eq!(request.parameter("start_id"), None);
    }

    #[test]
    fn refuses_value_that_is_not_text() {
        let object = json!({"a": 1, "b": null, "c": ["x", 2], "d": ["x"]});
        let object = object.as_object().unwrap();
        assert_eq!(
            text(object, "a").unwrap_err().description,
            "a is not a text"
        );
        assert_eq!(text(object, "b"), Ok(None));
        assert_eq!(
            required_text(object, "b").unwrap_err().description,
            "b is missing"
        );
        assert!(texts(object, "c").is_err());
        assert_eq!(texts(object, "d"), Ok(vec!["x".to_owned()]));
        assert_eq!(texts(object, "b"), Ok(vec![]));
        assert_eq!(texts(object, "e"), Ok(vec![]));
    }
}
