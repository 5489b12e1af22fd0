//! The security schemes, by name and number.

use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// The security schemes, with protocomm's numbers.
#[derive(Clone, Copy, Debug, derive_more::Display, PartialEq, Eq, PartialOrd, Ord)]
#[display("Security {}", self.number())]
pub enum SecurityScheme {
    /// Plaintext.
    Sec0,
    /// X25519, AES-256-CTR, proof of possession.
    Sec1,
    /// SRP6a, AES-256-GCM.
    Sec2,
}

impl SecurityScheme {
    /// The scheme with this number, if there is one.
    pub fn from_number(number: u64) -> Option<Self> {
        let mut schemes = [Self::Sec0, Self::Sec1, Self::Sec2].into_iter();
        schemes.find(|scheme| u64::from(scheme.number()) == number)
    }

    /// 0, 1 or 2.
    pub const fn number(self) -> u8 {
        match self {
            Self::Sec0 => 0,
            Self::Sec1 => 1,
            Self::Sec2 => 2,
        }
    }

    /// The minimum length of the longest message of the scheme's handshake, in bytes. The public
    /// key of X25519 has 32 bytes, that of SRP 384.
    pub const fn longest_message(self) -> usize {
        match self {
            Self::Sec0 => 6,
            Self::Sec1 => 41,
            Self::Sec2 => 390,
        }
    }
}

impl FromStr for SecurityScheme {
    type Err = UnknownScheme;

    fn from_str(text: &str) -> Result<Self, UnknownScheme> {
        text.parse()
            .ok()
            .and_then(Self::from_number)
            .ok_or(UnknownScheme)
    }
}

impl Serialize for SecurityScheme {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

/// The text is not the number of a security scheme.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("expected 0, 1 or 2")]
pub struct UnknownScheme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_are_numbers_in_json() {
        use SecurityScheme::{Sec0, Sec1, Sec2};
        for (number, scheme) in [(0, Sec0), (1, Sec1), (2, Sec2)] {
            assert_eq!(serde_json::to_value(scheme).unwrap(), number);
            assert_eq!(scheme.number(), number);
            assert_eq!(SecurityScheme::from_number(number.into()), Some(scheme));
        }
        assert_eq!(SecurityScheme::from_number(3), None);
    }
}
