//! A value that is never printed, and is zeroed when dropped. It protects logs, errors and freed
//! memory, but it is not encryption: a debugger can read it.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

/// A PoP, passphrase, password, token or key.
#[derive(Clone, Default)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Wraps a value. The caller must not keep a copy.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value. Review each use.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<'de, T: Deserialize<'de> + Zeroize> Deserialize<'de> for Secret<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(from).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_value() {
        let secret = Secret::new(String::from("abcd1234"));
        assert_eq!(format!("{secret:?}"), "<redacted>");
        assert_eq!(secret.expose(), "abcd1234");
    }
}
