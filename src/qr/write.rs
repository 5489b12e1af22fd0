//! Writes a payload as text, in each of its forms.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::json;
use thiserror::Error;

use super::payload::{Network, Payload};
use super::read::PAGE;
use crate::secret::Secret;

/// The keys in firmware's order, then those of the phone apps.
#[derive(Serialize)]
struct Document<'a> {
    ver: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    escaped: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pop: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transport: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a String>,
}

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
        let secrets = [&self.pop, &self.password].into_iter().flatten();
        let open = [&self.name, &self.username].into_iter().flatten();
        let is_special = |c: char| matches!(c, '"' | '\\') || c.is_control();
        let escaped =
            (secrets.map(Secret::expose).chain(open)).any(|text| text.contains(is_special));
        let document = Document {
            ver: self.ver.as_deref().unwrap_or("v1"),
            escaped,
            name: self.name.as_deref(),
            username: self.username.as_deref(),
            pop: self.pop.as_ref().map(Secret::expose),
            transport: self.transport.as_deref(),
            network: self.network.map(Network::name),
            security: self.security,
            password: self.password.as_ref().map(Secret::expose),
        };
        Secret::new(json!(document).to_string())
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
