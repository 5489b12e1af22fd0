//! The contents of a QR code: [`Payload`], and what can be wrong with its text.
//!
//! Source: RainMaker `app_network.c`. The phone apps also read `security`, `network` and `password`.

use derive_more::Display;
use serde_json::Value;
use thiserror::Error;

use crate::secret::Secret;

/// The contents of a QR code. A value that the text does not have is `None`.
#[derive(Debug, Default)]
pub struct Payload {
    /// The version of the payload, `v1`.
    pub ver: Option<String>,
    /// The Bluetooth name, or the name of the hotspot.
    pub name: Option<String>,
    /// The Security 2 user name.
    pub username: Option<String>,
    /// The proof of possession.
    pub pop: Option<Secret<String>>,
    /// `ble` or `softap`, in lower case.
    pub transport: Option<String>,
    /// 0, 1 or 2.
    pub security: Option<u64>,
    /// The network that the device joins.
    pub network: Option<Network>,
    /// The SoftAP key; for a Security 2 device without `pop` also its password.
    pub password: Option<Secret<String>>,
    /// The problems of the text that did not prevent reading it.
    pub remarks: Vec<Remark>,
    /// The whole text, if it contains nothing but the payload.
    pub text: Option<Secret<String>>,
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
    /// Its spelling in a payload.
    pub fn name(self) -> &'static str {
        match self {
            Self::Wifi => "wifi",
            Self::Thread => "thread",
        }
    }
}

/// A problem of a payload that could still be read.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq)]
pub enum Remark {
    /// The end of the text is missing, as when it is longer than firmware's buffer. The value in which
    /// it ends is not used.
    #[display("{}", match key {
        Some(key) => format!("the payload ends in the middle of \"{key}\", which is not used"),
        None => "the end of the payload is missing".to_owned(),
    })]
    Cut {
        /// The key of that value, if it is a known one.
        key: Option<&'static str>,
    },
    /// A value contains a quote or backslash without an escape, which JSON does not allow.
    #[display("values with quotes or backslashes were read literally")]
    NotEscaped,
}

/// A key of the JSON form with its value.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) value: Value,
    /// The byte at which the value begins.
    pub(super) at: usize,
    /// Whether the value contains a backslash that JSON reads as an escape.
    pub(super) is_escaped: bool,
}

impl Payload {
    /// Whether it has a value that helps to reach a device.
    pub(super) fn is_useful(&self) -> bool {
        self.name.is_some() || self.pop.is_some() || self.transport.is_some()
    }

    /// The values as text, with their keys in the order of [`KEYS`].
    pub(super) fn values(&self) -> impl Iterator<Item = (&'static str, Option<&str>)> {
        let [pop, password] = [&self.pop, &self.password]
            .map(|secret| secret.as_ref().map(|secret| secret.expose().as_str()));
        let number = self
            .security
            .and_then(|number| usize::try_from(number).ok());
        KEYS.into_iter().zip([
            self.ver.as_deref(),
            self.name.as_deref(),
            self.username.as_deref(),
            pop,
            self.transport.as_deref(),
            self.network.map(Network::name),
            number.and_then(|number| ["0", "1", "2"].get(number).copied()),
            password,
        ])
    }

    /// Whether its end is missing.
    pub(super) fn is_cut(&self) -> bool {
        let is_cut = |remark: &Remark| matches!(remark, Remark::Cut { .. });
        self.remarks.iter().any(is_cut)
    }

    /// Moves the values out of the members, so that no copy of a secret remains.
    pub(super) fn from_members(members: Vec<Member>) -> Result<Self, ProblemAt> {
        let mut payload = Self::default();
        let mut keys: Vec<&str> = Vec::new();
        let is_marked = members
            .iter()
            .any(|member| member.key == ESCAPED && member.value == Value::Bool(true));
        for member in members {
            let Some(key) = known_key(&member.key) else {
                continue;
            };
            let wrong = |problem: Problem| problem.in_body(member.at);
            if keys.contains(&key) {
                return Err(wrong(Problem::Twice { key }));
            }
            keys.push(key);
            if member.value.is_null() {
                continue;
            }
            // The backslash may be part of the value: firmware does not escape.
            if member.is_escaped && !is_marked && FREE.contains(&key) {
                return Err(wrong(Problem::TwoReadings { key }));
            }
            let wrong_type = |expected| wrong(Problem::WrongType { key, expected });
            if key == "security" {
                let number = member.value.as_u64().filter(|number| *number <= 2);
                payload.security = Some(number.ok_or_else(|| wrong_type("0, 1 or 2"))?);
                continue;
            }
            let Value::String(text) = member.value else {
                return Err(wrong_type("a text"));
            };
            match key {
                // An empty name identifies nothing, so it counts as absent.
                "name" | "username" if text.is_empty() => {}
                "ver" => payload.ver = Some(text),
                "name" => payload.name = Some(text),
                "username" => payload.username = Some(text),
                "pop" => payload.pop = Some(Secret::new(text)),
                // The phone apps ignore case here.
                "transport" => payload.transport = Some(text.to_ascii_lowercase()),
                "password" => payload.password = Some(Secret::new(text)),
                _ => {
                    payload.network = match text.to_ascii_lowercase().as_str() {
                        "wifi" => Some(Network::Wifi),
                        "thread" => Some(Network::Thread),
                        _ => return Err(wrong_type("\"wifi\" or \"thread\"")),
                    };
                }
            }
        }
        Ok(payload)
    }
}

/// The key, if it is a known one.
pub(super) fn known_key(key: &str) -> Option<&'static str> {
    KEYS.into_iter().find(|known| *known == key)
}

/// The known keys, firmware's first and in its order.
pub(super) const KEYS: [&str; 8] = [
    "ver",
    "name",
    "username",
    "pop",
    "transport",
    "network",
    "security",
    "password",
];

/// The keys whose value is free text, which may contain a backslash.
pub(super) const FREE: [&str; 4] = ["name", "username", "pop", "password"];

/// The key that marks backslashes as JSON's. Firmware never writes it.
pub(super) const ESCAPED: &str = "escaped";

/// What may follow a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// Only white space.
    Nothing,
    /// More parameters of a URL, or its fragment.
    OfUrl,
    /// Anything: the payload is in the middle of a line.
    Anything,
}

/// Why a text is not a payload, and where. Never quotes the text, which contains the PoP.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{problem} (line {line}, column {column})")]
pub struct PayloadError {
    /// What is wrong.
    pub problem: Problem,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
}

/// What is wrong with a text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Problem {
    /// It has only white space.
    #[error("there is nothing in it")]
    Empty,
    /// It is a code of another system, with other devices.
    #[error("this is a Matter code, not one of ESP provisioning")]
    Matter,
    /// It has none of the forms.
    #[error("neither JSON, nor NP:…, nor a URL with data=")]
    Unrecognized,
    /// It is JSON without keys.
    #[error("a QR payload is a JSON object")]
    NotAnObject,
    /// It is neither JSON nor what firmware prints instead.
    #[error("not JSON from here on")]
    NotJson,
    /// The value of a known key has another type.
    #[error("the key \"{key}\" is not {expected}")]
    WrongType {
        /// The JSON key.
        key: &'static str,
        /// The type of its value in every known payload.
        expected: &'static str,
    },
    /// A key has two values.
    #[error("the key \"{key}\" occurs twice")]
    Twice {
        /// The JSON key.
        key: &'static str,
    },
    /// A backslash is either JSON's escape or part of the value.
    #[error(
        "\"{key}\" has a backslash, which may be JSON's or the value's own: without \"escaped\":true this is unclear"
    )]
    TwoReadings {
        /// The JSON key.
        key: &'static str,
    },
    /// A line break where none can be, so that what follows belongs to something else.
    #[error("a line break or control character")]
    Control,
    /// It has no value that helps to reach a device.
    #[error("neither a name, nor a PoP, nor a transport is in it")]
    NotUseful,
    /// It has the codes of several devices, and espctl does not choose.
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
    /// Not percent-encoded, or not text after decoding.
    #[error("this is no percent-encoded text")]
    NotEncoded,
}

impl Problem {
    pub(super) fn in_body(self, at: usize) -> ProblemAt {
        ProblemAt { at, problem: self }
    }
}

/// A problem, and the byte of the inspected text at which it is.
#[derive(Debug)]
pub(super) struct ProblemAt {
    pub(super) at: usize,
    pub(super) problem: Problem,
}
