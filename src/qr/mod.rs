//! What a device's label says: its QR code's text in any form that firmware prints, read into one
//! [`Payload`] and written from one; and the code itself,
//! drawn and found in pictures. Which of the values count, beside flags and environment, is `cli/settings.rs`'s.
//!
//! Source: RainMaker `app_network.c`; `security`, `network` and `password` are what the phone
//! apps read beside it.

mod compact;
mod device;
pub mod drawing;
pub mod image;
mod json;
mod log_line;
#[cfg(test)]
mod tests;
mod unescaped;
mod web;
mod write;

use std::fmt;

use serde_json::Value;
use thiserror::Error;

pub use self::device::OneDevice;
use self::json::Member;
pub use self::log_line::{find_in_log, find_in_log_line};
pub use self::web::PAGE;
pub use self::write::{NotCompact, to_url};
use crate::secret::Secret;

/// A payload. What it does not say is `None`.
#[derive(Debug, Default)]
pub struct Payload {
    /// The version of the payload, `v1`.
    pub ver: Option<String>,
    /// The BLE name or hotspot name.
    pub name: Option<String>,
    /// The Security 2 user name.
    pub username: Option<String>,
    /// The proof of possession.
    pub pop: Option<Secret<String>>,
    /// `ble` or `softap`, in small letters.
    pub transport: Option<String>,
    /// 0, 1 or 2.
    pub security: Option<u64>,
    /// What it is to be given.
    pub network: Option<Network>,
    /// The SoftAP key; for a Security 2 device without `pop` also its password.
    pub password: Option<Secret<String>>,
    /// What had to be overlooked.
    pub remarks: Vec<Remark>,
}

/// Which kind of network a device joins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Wi-Fi.
    Wifi,
    /// A Thread network.
    Thread,
}

impl Network {
    /// As it stands in a payload.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wifi => "wifi",
            Self::Thread => "thread",
        }
    }
}

/// What was wrong with a payload that could be read all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// Its end is missing, as when it is longer than firmware's buffer. Of the value in which it
    /// ends nothing is used.
    Cut {
        /// The key of that value, if it is one of ours.
        key: Option<&'static str>,
    },
    /// A quote or backslash stands in a value as it is, which JSON does not allow.
    NotEscaped,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { key: Some(key) } => write!(
                f,
                "the payload ends in the middle of \"{key}\", which is not used"
            ),
            Self::Cut { key: None } => f.write_str("the end of the payload is missing"),
            Self::NotEscaped => {
                f.write_str("values with quotes or backslashes were taken as they stand")
            }
        }
    }
}

impl Payload {
    /// Reads whichever form it is: JSON, `NP:…`, or a URL with either as its `data`.
    pub fn read(text: &str) -> Result<Self, PayloadError> {
        let body = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let before = text.len().saturating_sub(body.len());
        let read = if web::is_url(body) {
            web::read(body)
        } else {
            read_form(body, Tail::Nothing)
        };
        read.map_err(|Wrong { at, fault }| fault.at(text, before.saturating_add(at)))
    }

    /// Whether anything is in it that helps to reach a device.
    fn is_of_use(&self) -> bool {
        self.name.is_some() || self.pop.is_some() || self.transport.is_some()
    }

    /// Takes the values out of the document, so that no copy of a secret stays behind.
    fn of_members(members: Vec<Member>) -> Result<Self, Wrong> {
        let mut payload = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        let is_marked = members
            .iter()
            .any(|member| member.key == ESCAPED && member.value == Value::Bool(true));
        for member in members {
            let Member {
                key,
                value,
                at,
                is_escaped,
            } = member;
            let Some(key) = KEYS.into_iter().find(|known| *known == key) else {
                continue;
            };
            if seen.contains(&key) {
                return Err(Fault::Twice { key }.in_body(at));
            }
            seen.push(key);
            if value.is_null() {
                continue;
            }
            // Firmware may have meant the backslash itself.
            if is_escaped && !is_marked && FREE.contains(&key) {
                return Err(Fault::TwoReadings { key }.in_body(at));
            }
            let wrong = |expected| Fault::WrongType { key, expected }.in_body(at);
            if key == "security" {
                let number = value.as_u64().filter(|number| *number <= 2);
                payload.security = Some(number.ok_or_else(|| wrong("0, 1 or 2"))?);
                continue;
            }
            let Value::String(text) = value else {
                return Err(wrong("a text"));
            };
            match key {
                // As good as absent: nothing is called by it.
                "name" | "username" if text.is_empty() => {}
                "ver" => payload.ver = Some(text),
                "name" => payload.name = Some(text),
                "username" => payload.username = Some(text),
                "pop" => payload.pop = Some(Secret::new(text)),
                // Phone apps do not care about capitals here.
                "transport" => payload.transport = Some(text.to_ascii_lowercase()),
                "password" => payload.password = Some(Secret::new(text)),
                _ => {
                    payload.network = match text.to_ascii_lowercase().as_str() {
                        "wifi" => Some(Network::Wifi),
                        "thread" => Some(Network::Thread),
                        _ => return Err(wrong("\"wifi\" or \"thread\"")),
                    };
                }
            }
        }
        Ok(payload)
    }
}

/// A payload, and the text it was read from.
#[derive(Debug)]
pub struct Found {
    /// Where it stood by itself: without what was around it.
    pub text: Option<Secret<String>>,
    /// What it says.
    pub payload: Payload,
}

impl Found {
    /// In a text that has nothing else in it.
    pub fn in_text(text: &str) -> Result<Self, PayloadError> {
        let payload = Payload::read(text)?;
        let text = text.trim_start_matches('\u{feff}').trim();
        Ok(Self {
            text: Some(Secret::new(text.to_owned())),
            payload,
        })
    }

    /// Among other things.
    pub fn alone(payload: Payload) -> Self {
        Self {
            text: None,
            payload,
        }
    }
}

/// The keys that mean something, firmware's first and in its order.
const KEYS: [&str; 8] = [
    "ver",
    "name",
    "username",
    "pop",
    "transport",
    "network",
    "security",
    "password",
];

/// Those with a text of somebody's choice, in which a backslash may stand.
const FREE: [&str; 4] = ["name", "username", "pop", "password"];

/// Whether backslashes are JSON's. Firmware never writes this key.
const ESCAPED: &str = "escaped";

/// What may follow a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tail {
    /// Only white space.
    Nothing,
    /// More parameters of a URL, or its fragment.
    OfUrl,
    /// Anything: it is in the middle of a line.
    Anything,
}

/// Reads a text that is no URL and begins with something.
fn read_form(body: &str, tail: Tail) -> Result<Payload, Wrong> {
    let begins = |prefix: &str| {
        let start = body.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    match body.chars().next() {
        None => Err(Fault::Empty.in_body(0)),
        Some('{') => json::read(body, tail),
        _ if begins("NP:") => compact::read(body, tail),
        _ if begins("MT:") => Err(Fault::Matter.in_body(0)),
        // It is JSON, but nothing that has keys.
        Some('[' | '"') => Err(Fault::NotAnObject.in_body(0)),
        Some(_) => Err(Fault::Unrecognised.in_body(0)),
    }
}

/// Why a text is no payload, and where. Never quotes it: it holds the PoP.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{fault} (line {line}, column {column})")]
pub struct PayloadError {
    /// What is wrong with the payload.
    pub fault: Fault,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Fault {
    /// Nothing but white space.
    #[error("there is nothing in it")]
    Empty,
    /// The code of another system, which has devices of its own.
    #[error("this is a Matter code, not one of ESP provisioning")]
    Matter,
    /// None of the forms.
    #[error("neither JSON, nor NP:…, nor a URL with data=")]
    Unrecognised,
    /// JSON, but not `{…}`.
    #[error("a QR payload is a JSON object")]
    NotAnObject,
    /// Not JSON, and nothing that firmware makes of it.
    #[error("not JSON from here on")]
    NotJson,
    /// A known key with a value of another type.
    #[error("the key \"{key}\" is not {expected}")]
    WrongType {
        /// The JSON key in question.
        key: &'static str,
        /// What it is in every known payload.
        expected: &'static str,
    },
    /// Which of the two counts, nobody can know.
    #[error("the key \"{key}\" stands there twice")]
    Twice {
        /// The JSON key in question.
        key: &'static str,
    },
    /// JSON's escape, or what firmware printed as it was.
    #[error(
        "\"{key}\" has a backslash, which is JSON's or its own: without \"escaped\":true nobody can know"
    )]
    TwoReadings {
        /// In which value.
        key: &'static str,
    },
    /// A line break where there can be none, so that what follows is something else.
    #[error("a line break or control character")]
    Control,
    /// Of nothing that helps to reach a device.
    #[error("neither a name, nor a PoP, nor a transport is in it")]
    SaysNothing,
    /// Which is meant, nobody can know.
    #[error("the codes of several devices are in it")]
    Several,
    /// Not `NP:<name>|<pop>|<b or s>`.
    #[error("{expected} is missing in NP:NAME|POP|b, where b may be s")]
    NotCompact {
        /// The missing or expected part.
        expected: &'static str,
    },
    /// A URL of something else.
    #[error("the URL has no data=")]
    NoData,
    /// Not percent-encoded, or not text then.
    #[error("this is no percent-encoded text")]
    NotEncoded,
}

impl Fault {
    fn in_body(self, at: usize) -> Wrong {
        Wrong { at, fault: self }
    }

    fn at(self, text: &str, byte: usize) -> PayloadError {
        let mut before = text.get(..byte).unwrap_or(text);
        let line = before.matches('\n').count();
        if let Some((_, last)) = before.rsplit_once('\n') {
            before = last;
        }
        PayloadError {
            fault: self,
            line: line.saturating_add(1),
            column: before.chars().count().saturating_add(1),
        }
    }
}

/// A fault, and at which byte of what was looked at.
#[derive(Debug)]
struct Wrong {
    at: usize,
    fault: Fault,
}
