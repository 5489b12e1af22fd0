//! Writes a payload as text, in each of its forms.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use thiserror::Error;

use super::payload::{ESCAPED, FREE, Network, Payload};
use super::read::PAGE;
use crate::secret::Secret;

/// Why a payload has no compact form.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CompactFormError {
    /// It lacks a value that the form requires.
    #[error("the compact form needs \"{0}\"")]
    Lacks(&'static str),
    /// It has a value that the form cannot express.
    #[error("the compact form has no place for \"{0}\"")]
    Loses(&'static str),
    /// A bar would end the name.
    #[error("the compact form cannot hold a name with a |")]
    Bar,
    /// They could not be read back.
    #[error("the compact form cannot hold control characters")]
    Control,
}

impl Payload {
    /// Writes JSON as firmware does, but with escaped values, and with a mark if escapes were needed.
    pub fn to_json(&self) -> Secret<String> {
        let is_special = |c: char| matches!(c, '"' | '\\') || c.is_control();
        let is_escaped = |(key, value): (&str, Option<&str>)| {
            FREE.contains(&key) && value.is_some_and(|value| value.contains(is_special))
        };
        let mut document = Map::new();
        for (key, value) in self.values() {
            let value = match key {
                "ver" => Some(value.unwrap_or("v1").into()),
                "security" => self.security.map(Value::from),
                _ => value.map(Value::from),
            };
            document.extend(value.map(|value| (key.to_owned(), value)));
            if key == "ver" && self.values().any(is_escaped) {
                document.insert(ESCAPED.to_owned(), true.into());
            }
        }
        Secret::new(Value::from(document).to_string())
    }

    /// Writes `NP:<name>|<pop>|<b or s>`. Fails if that loses more than the usual user name.
    pub fn to_compact(&self) -> Result<Secret<String>, CompactFormError> {
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        let name = name.ok_or(CompactFormError::Lacks("name"))?;
        if name.contains('|') {
            return Err(CompactFormError::Bar);
        }
        let letter = match self.transport.as_deref() {
            Some("ble") => 'b',
            Some("softap") => 's',
            Some(_) => return Err(CompactFormError::Loses("transport")),
            None => return Err(CompactFormError::Lacks("transport")),
        };
        let username = self.username.as_deref();
        let lost = [
            ("username", username.is_some_and(|name| name != "wifiprov")),
            ("network", self.network == Some(Network::Thread)),
            ("security", self.security.is_some()),
            ("password", self.password.is_some()),
        ];
        if let Some((key, _)) = lost.into_iter().find(|(_, lost)| *lost) {
            return Err(CompactFormError::Loses(key));
        }
        let pop = self.pop.as_ref().map_or("", |pop| pop.expose().as_str());
        if [name, pop].concat().contains(char::is_control) {
            return Err(CompactFormError::Control);
        }
        Ok(Secret::new(format!("NP:{name}|{pop}|{letter}")))
    }
}

/// The URL of the page that shows the code of this text. Unlike firmware's, it is a valid URL.
pub fn to_url(form: &str) -> Secret<String> {
    let data = utf8_percent_encode(form, ENCODED);
    Secret::new(format!("{PAGE}?data={data}"))
}

/// Everything except the unreserved characters of RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
