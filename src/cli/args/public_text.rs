//! Free text of arguments that other people may read.

use std::fmt;
use std::ops::Deref;

/// Free text that other people may read in a support bundle: names and addresses, never a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct PublicText(String);

impl From<String> for PublicText {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<PublicText> for String {
    fn from(PublicText(text): PublicText) -> Self {
        text
    }
}

impl Deref for PublicText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PublicText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
