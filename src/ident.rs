//! Names and numbers from outside, validated once where they enter, so that the layers below can
//! rely on them.

use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

use crate::secret::Secret;

/// The name of a Wi-Fi network: 1 to 32 bytes of any kind, usually but not always UTF-8
/// (IEEE 802.11-2020, 9.4.2.2).
///
/// It is displayed as printable text; everything else is escaped, so that a hostile name cannot control
/// the terminal.
#[derive(Clone, derive_more::Debug, derive_more::Display, PartialEq, Eq, Hash)]
#[debug("Ssid({self})")]
#[display("{}", printable(_0))]
pub struct Ssid(Vec<u8>);

impl Ssid {
    /// Checks the length, and that there is no NUL byte: firmware would copy only the bytes before
    /// it, and join another network.
    pub fn from_bytes(bytes: impl Into<Vec<u8>>) -> Result<Self, SsidError> {
        let bytes = bytes.into();
        match bytes.len() {
            0 => Err(SsidError::Empty),
            length if length > MAX_SSID => Err(SsidError::TooLong { length }),
            _ if bytes.contains(&0) => Err(SsidError::Nul),
            _ => Ok(Self(bytes)),
        }
    }

    /// Parses pairs of hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<Self, SsidError> {
        Self::from_bytes(hex::decode(text).map_err(|_| SsidError::NotHex)?)
    }

    /// The bytes of the SSID.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        hex::encode(&self.0)
    }
}

/// On the command line, an SSID is UTF-8.
impl FromStr for Ssid {
    type Err = SsidError;

    fn from_str(text: &str) -> Result<Self, SsidError> {
        Self::from_bytes(text.as_bytes())
    }
}

impl Serialize for Ssid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Why a text is not a valid SSID.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SsidError {
    /// The SSID is empty.
    #[error("an SSID has at least 1 byte")]
    Empty,
    /// The SSID contains a NUL byte.
    #[error("an SSID with a NUL byte cannot be sent: firmware stops reading there")]
    Nul,
    /// The text does not consist of pairs of hexadecimal digits.
    #[error("expected pairs of hexadecimal digits")]
    NotHex,
    /// The SSID has more than 32 bytes.
    #[error("an SSID has at most {MAX_SSID} bytes, this one has {length}")]
    TooLong {
        /// The length in bytes, not characters.
        length: usize,
    },
}

/// The passphrase of a Wi-Fi network: empty, a WEP key of 5 or 13 bytes, or 8 to 63 bytes.
#[derive(Clone, Debug, Default)]
pub struct Passphrase(Secret<String>);

impl Passphrase {
    /// The empty passphrase of an open network.
    pub fn none() -> Self {
        Self::default()
    }

    /// Checks the length in bytes (WPA: IEEE 802.11-2020, J.4.1; firmware also has the limit of
    /// 63).
    pub fn new(secret: Secret<String>) -> Result<Self, PassphraseError> {
        let text = secret.expose();
        let length = text.len();
        if text.contains('\0') {
            return Err(PassphraseError::Nul);
        }
        match length {
            0 | 5 | 8..=MAX_PASSPHRASE => Ok(Self(secret)),
            64 if text.bytes().all(|byte| byte.is_ascii_hexdigit()) => Err(PassphraseError::RawKey),
            1..=7 => Err(PassphraseError::TooShort { length }),
            _ => Err(PassphraseError::TooLong { length }),
        }
    }

    /// Whether the passphrase is for an open network.
    pub fn is_empty(&self) -> bool {
        self.0.expose().is_empty()
    }

    /// The bytes of the passphrase.
    pub fn expose(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

/// Why a text is not a valid passphrase. The error never contains it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PassphraseError {
    /// The passphrase contains a NUL byte.
    #[error("a passphrase with a NUL byte cannot be sent: firmware stops reading there")]
    Nul,
    /// 64 hexadecimal digits, which is a pre-shared key. The protocol's field is too short for it.
    #[error(
        "the firmware accepts a passphrase of at most {MAX_PASSPHRASE} bytes, not a raw 64-digit key"
    )]
    RawKey,
    /// The passphrase has more than 63 bytes.
    #[error("a passphrase has at most {MAX_PASSPHRASE} bytes, this one has {length}")]
    TooLong {
        /// The length in bytes, not characters.
        length: usize,
    },
    /// The passphrase has 1 to 7 bytes, but not 5.
    #[error("a passphrase has at least 8 bytes (a WEP key 5), this one has {length}")]
    TooShort {
        /// The length in bytes, not characters.
        length: usize,
    },
}

/// The address of an access point, as lower-case hexadecimal digits. For display only: when
/// firmware reports a connection, the bytes after a zero byte are garbage.
#[derive(Clone, Debug, derive_more::Display, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Bssid(String);

impl Bssid {
    /// Takes the first six bytes.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(hex::encode(bytes.get(..6).unwrap_or(bytes)))
    }
}

/// Formats bytes from outside as one line of text: UTF-8 stays, the rest is escaped.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || is_steering(character) || character == '\\' {
                text.extend(character.escape_default());
            } else {
                text.push(character);
            }
        }
        for byte in chunk.invalid() {
            text.push_str("\\x");
            text.push_str(&hex::encode([*byte]));
        }
    }
    text
}

/// Escapes every character of a line of JSON that could control a terminal. JSON itself escapes
/// only the first 32. The others occur only in strings, so each may become `\uXXXX`.
pub fn printable_json(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for character in line.chars() {
        if character.is_control() || is_steering(character) {
            // Both kinds are in the basic multilingual plane.
            text.extend(format!("\\u{:04x}", u32::from(character)).chars());
        } else {
            text.push(character);
        }
    }
    text
}

/// Characters that are not control characters by category, but change the direction or separation
/// of text, or are invisible.
fn is_steering(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
    )
}

const MAX_SSID: usize = 32;
const MAX_PASSPHRASE: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ssid_length_is_counted_in_bytes() {
        let ssid: Ssid = "Café 家 ’".parse().unwrap();
        assert_eq!(ssid.as_bytes(), "Café 家 ’".as_bytes());
        assert_eq!(ssid.to_string(), "Café 家 ’");
        assert!("x".repeat(32).parse::<Ssid>().is_ok());
        assert_eq!(
            "x".repeat(33).parse::<Ssid>(),
            Err(SsidError::TooLong { length: 33 })
        );
        // 17 characters, 34 bytes.
        assert_eq!(
            "é".repeat(17).parse::<Ssid>(),
            Err(SsidError::TooLong { length: 34 })
        );
        assert_eq!("".parse::<Ssid>(), Err(SsidError::Empty));
        assert_eq!(Ssid::from_hex("4f00"), Err(SsidError::Nul));
        assert_eq!(Ssid::from_hex("4f7"), Err(SsidError::NotHex));
        assert_eq!(Ssid::from_hex("+f7f"), Err(SsidError::NotHex));
    }

    #[test]
    fn escapes_terminal_control_characters() {
        let ssid = Ssid::from_bytes(b"a\x1b[31m\xff\\\xe2\x80\xae".to_vec()).unwrap();
        assert_eq!(ssid.to_string(), r"a\u{1b}[31m\xff\\\u{202e}");
    }

    #[test]
    fn escaped_json_is_same_document() {
        let value = serde_json::json!({"cap": "x\u{9b}31m\u{7f}\u{202e}é\n"});
        let line = printable_json(&value.to_string());
        assert!(
            line.chars().all(|c| !c.is_control() && !is_steering(c)),
            "{line}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&line).unwrap(),
            value
        );
    }

    #[test]
    fn checks_passphrase_length() {
        let parse = |text: &str| Passphrase::new(Secret::new(text.to_owned())).map(|_| ());
        assert_eq!(parse(""), Ok(()));
        assert_eq!(parse("12345"), Ok(()));
        assert_eq!(
            parse("1234567"),
            Err(PassphraseError::TooShort { length: 7 })
        );
        assert_eq!(parse(&"x".repeat(63)), Ok(()));
        assert_eq!(
            parse(&"x".repeat(64)),
            Err(PassphraseError::TooLong { length: 64 })
        );
        assert_eq!(parse(&"a".repeat(64)), Err(PassphraseError::RawKey));
        assert_eq!(parse("abcdef\0gh"), Err(PassphraseError::Nul));
    }
}
