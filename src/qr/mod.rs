//! What a device's label says: the JSON payload of its QR code, read into one [`Payload`]. Which
//! of its values count, beside flags and environment, is `cli/settings.rs`'s.
//!
//! Source: RainMaker `app_network.c`; `security`, `network` and `password` are what the phone
//! apps read beside it.

use serde_json::{Map, Value};
use thiserror::Error;

use crate::secret::Secret;

/// A payload. What it does not say is `None`.
#[derive(Debug, Default)]
pub struct Payload {
    /// The BLE name or hotspot name.
    pub name: Option<String>,
    /// The SoftAP key; for a Security 2 device without `pop` also its password.
    pub password: Option<Secret<String>>,
    /// The proof of possession.
    pub pop: Option<Secret<String>>,
    /// 0, 1 or 2.
    pub security: Option<u64>,
    /// `ble` or `softap`.
    pub transport: Option<String>,
    /// The Security 2 user name.
    pub username: Option<String>,
}

impl Payload {
    /// Reads the JSON form. Unknown keys are for others; a known key of a wrong type is refused.
    pub fn from_json(text: &str) -> Result<Self, PayloadError> {
        let value = serde_json::from_str(text).map_err(|error| PayloadError::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        let Value::Object(mut keys) = value else {
            return Err(PayloadError::NotAnObject);
        };
        Ok(Self {
            name: take_text(&mut keys, "name")?,
            password: take_text(&mut keys, "password")?.map(Secret::new),
            pop: take_text(&mut keys, "pop")?.map(Secret::new),
            security: match keys.get("security") {
                None | Some(Value::Null) => None,
                Some(value) => Some(value.as_u64().filter(|number| *number <= 2).ok_or(
                    PayloadError::WrongType {
                        key: "security",
                        expected: "0, 1 or 2",
                    },
                )?),
            },
            transport: take_text(&mut keys, "transport")?,
            username: take_text(&mut keys, "username")?,
        })
    }
}

/// Takes the text out of the document, so that no copy of a secret stays behind.
fn take_text(
    keys: &mut Map<String, Value>,
    key: &'static str,
) -> Result<Option<String>, PayloadError> {
    match keys.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(PayloadError::WrongType {
            key,
            expected: "a text",
        }),
    }
}

/// Why a text is no payload. Never quotes it: it holds the PoP.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PayloadError {
    /// JSON, but not `{…}`.
    #[error("a QR payload is a JSON object")]
    NotAnObject,
    /// Not JSON.
    #[error("not JSON from line {line}, column {column} on")]
    NotJson {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A known key with a value of another type.
    #[error("the key \"{key}\" is not {expected}")]
    WrongType {
        /// Which.
        key: &'static str,
        /// The type it has in every known payload.
        expected: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn firmware_payload_is_read_and_unknown_keys_are_left() {
        let payload = Payload::from_json(
            r#"{"ver":"v1","name":"PROV_fc9ea3","username":"wifiprov","pop":"7a9d365e","transport":"softap","network":"wifi"}"#,
        )
        .unwrap();
        assert_eq!(payload.name.as_deref(), Some("PROV_fc9ea3"));
        assert_eq!(payload.pop.unwrap().expose(), "7a9d365e");
        assert_eq!(payload.transport.as_deref(), Some("softap"));
        assert_eq!(payload.security, None);
    }

    #[test]
    fn errors_name_the_place_and_never_the_value() {
        let error = Payload::from_json(r#"{"pop":12345678}"#).unwrap_err();
        assert_eq!(
            error,
            PayloadError::WrongType {
                key: "pop",
                expected: "a text"
            }
        );
        assert!(!error.to_string().contains("1234"));
        let error = Payload::from_json(r#"{"pop":"7a9d365e"#).unwrap_err();
        assert_eq!(
            error,
            PayloadError::NotJson {
                line: 1,
                column: 16
            }
        );
        assert_eq!(
            Payload::from_json("[]").unwrap_err(),
            PayloadError::NotAnObject
        );
    }
}
