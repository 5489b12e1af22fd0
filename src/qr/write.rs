//! A payload as text again, in each of its forms.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::json;
use thiserror::Error;

use super::{Network, PAGE, Payload};
use crate::secret::Secret;

/// The keys in firmware's order; those of the phone apps follow.
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
pub enum NotCompact {
    /// It lacks what that form always has.
    #[error("the compact form needs \"{0}\"")]
    Lacks(&'static str),
    /// It says what that form cannot say.
    #[error("the compact form has no place for \"{0}\"")]
    Loses(&'static str),
    /// A bar in the name would end it.
    #[error("the compact form cannot hold a name with a |")]
    Bar,
    /// What cannot be read back.
    #[error("the compact form cannot hold control characters")]
    Control,
}

impl Payload {
    /// As firmware prints it, but with its values escaped, and marked so where that makes a
    /// difference.
    pub fn to_json(&self) -> Secret<String> {
        let is_special =
            |text: &str| text.contains(|c: char| c == '"' || c == '\\' || c.is_control());
        let open = [self.name.as_deref(), self.username.as_deref()];
        let secret = [self.pop.as_ref(), self.password.as_ref()];
        let secret = secret.map(|one| one.map(|one| one.expose().as_str()));
        let escaped = open.into_iter().chain(secret).flatten().any(is_special);
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

    /// `NP:<name>|<pop>|<b or s>`, where nothing is lost by it but the usual user name.
    pub fn to_compact(&self) -> Result<Secret<String>, NotCompact> {
        let name = self.name.as_deref().filter(|name| !name.is_empty());
        let name = name.ok_or(NotCompact::Lacks("name"))?;
        if name.contains('|') {
            return Err(NotCompact::Bar);
        }
        let letter = match self.transport.as_deref() {
            Some("ble") => 'b',
            Some("softap") => 's',
            Some(_) => return Err(NotCompact::Loses("transport")),
            None => return Err(NotCompact::Lacks("transport")),
        };
        let usual = self
            .username
            .as_deref()
            .is_none_or(|name| name == "wifiprov");
        let lost = [
            ("username", !usual),
            ("network", self.network == Some(Network::Thread)),
            ("security", self.security.is_some()),
            ("password", self.password.is_some()),
        ];
        if let Some((key, _)) = lost.into_iter().find(|(_, lost)| *lost) {
            return Err(NotCompact::Loses(key));
        }
        let pop = self.pop.as_ref().map_or("", |pop| pop.expose().as_str());
        if [name, pop]
            .iter()
            .any(|text| text.contains(char::is_control))
        {
            return Err(NotCompact::Control);
        }
        Ok(Secret::new(format!("NP:{name}|{pop}|{letter}")))
    }
}

/// The URL of the page that shows such a code. Unlike firmware's, it is a URL by every rule.
pub fn to_url(form: &str) -> Secret<String> {
    let data = utf8_percent_encode(form, ENCODED);
    Secret::new(format!("{PAGE}?data={data}"))
}

/// All but what RFC 3986 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
