//! A request as the emulated cloud reads it, and the answer that it gives. Not HTTP, which is
//! `listen`'s, nor what either of them means.

use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::refusal::{MALFORMED, Refusal};

/// One request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query, decoded, in its order.
    pub query: Vec<(String, String)>,
    /// The header of that name.
    pub authorization: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The parameters of a query, or of a form.
    pub(super) fn parameters(text: &[u8]) -> Vec<(String, String)> {
        form_urlencoded::parse(text).into_owned().collect()
    }

    /// The first parameter with one of these names. An empty one counts as none, as clients leave
    /// such behind.
    pub(super) fn parameter(&self, names: &[&str]) -> Option<&str> {
        self.query
            .iter()
            .find(|(name, value)| names.contains(&name.as_str()) && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// Whether a parameter says yes.
    pub(super) fn asks_for(&self, name: &str) -> bool {
        self.parameter(&[name]) == Some("true")
    }

    /// The node that is meant, in either spelling.
    pub(super) fn node_id(&self) -> Option<&str> {
        self.parameter(&["node_id", "nodeid"])
    }

    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(&self.body)
            .map_err(|error| MALFORMED.because(format!("the body is not JSON: {error}")))
    }

    /// The body as an object; nothing at all is an empty one.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        match self.json()? {
            Value::Object(object) => Ok(object),
            _ => Err(MALFORMED.because("the body is not a JSON object")),
        }
    }
}

/// A text in an object. `null` counts as absent, anything else that is no text is refused.
pub(super) fn text<'a>(
    object: &'a Map<String, Value>,
    key: &str,
) -> Result<Option<&'a str>, Refusal> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(MALFORMED.because(format!("{key} is not a text"))),
    }
}

/// A text that has to be there, and has to be something.
pub(super) fn needed<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a str, Refusal> {
    text(object, key)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| MALFORMED.because(format!("{key} is missing")))
}

/// A list of texts; none at all is an empty one.
pub(super) fn texts(object: &Map<String, Value>, key: &str) -> Result<Vec<String>, Refusal> {
    let not_texts = || MALFORMED.because(format!("{key} is not a list of texts"));
    match object.get(key) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or_else(not_texts))
            .collect(),
        Some(_) => Err(not_texts()),
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// What follows it.
    pub body: Body,
}

/// What an answer holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// JSON, as everywhere in the API.
    Json(Value),
    /// Bytes that were JSON once.
    Spoilt(Vec<u8>),
    /// A page for a browser.
    Page(String),
    /// The way to somewhere else.
    Redirect(String),
}

impl Answer {
    /// What was asked for.
    pub(super) fn of(value: Value) -> Self {
        Self {
            status: 200,
            body: Body::Json(value),
        }
    }

    /// That it was done.
    pub(super) fn done() -> Self {
        Self::of(json!({"status": "success"}))
    }

    /// That it was done, in words.
    pub(super) fn done_as(description: &str) -> Self {
        Self::of(json!({"status": "success", "description": description}))
    }

    /// An answer of the gateway before the API, which has a shape of its own.
    pub(super) fn of_gateway(status: u16, message: &str) -> Self {
        Self {
            status,
            body: Body::Json(json!({ "message": message })),
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let mut body = Map::new();
        body.insert("status".to_owned(), json!("failure"));
        if let Some(code) = refusal.code {
            body.insert("error_code".to_owned(), json!(code));
        }
        body.insert("description".to_owned(), json!(refusal.description));
        Self {
            status: refusal.status,
            body: Body::Json(Value::Object(body)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_parameter_is_none() {
        let request = Request {
            query: Request::parameters(b"&request_id=R&nodeid=N&start_id="),
            ..Request::default()
        };
        assert_eq!(request.parameter(&["request_id"]), Some("R"));
        assert_eq!(request.node_id(), Some("N"));
        assert_eq!(request.parameter(&["start_id"]), None);
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        let Value::Object(object) = json!({"a": 1, "b": null, "c": ["x", 2], "d": ["x"]}) else {
            panic!()
        };
        assert_eq!(
            text(&object, "a").unwrap_err().description,
            "a is not a text"
        );
        assert_eq!(text(&object, "b"), Ok(None));
        assert_eq!(
            needed(&object, "b").unwrap_err().description,
            "b is missing"
        );
        assert!(texts(&object, "c").is_err());
        assert_eq!(texts(&object, "d"), Ok(vec!["x".to_owned()]));
        assert_eq!(texts(&object, "e"), Ok(vec![]));
    }
}
