//! How far the value of an argument may be repeated to other people. The type of the value decides: new
//! free text is withheld unless its author chooses to show it. Values of other types, such as numbers and
//! paths, are shown; a test lists these types.

use std::any::TypeId;
use std::fmt;
use std::ops::Deref;

use clap::Arg;

use crate::secret::Secret;

/// Free text that other people may read in a support bundle: names and addresses, never a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct PublicText(String);

/// How far the value of an argument may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Exposure {
    /// Other people may read it.
    Public,
    /// Free text that may contain anything, credentials included.
    Withheld,
    /// A credential.
    Secret,
}

impl Exposure {
    /// By the type of the argument's value.
    pub(in crate::cli) fn of(argument: &Arg) -> Self {
        let value = argument.get_value_parser().type_id();
        let is_one_of = |types: &[TypeId]| types.iter().any(|listed| value == *listed);
        if is_one_of(&[
            TypeId::of::<Secret<String>>(),
            TypeId::of::<(String, Secret<String>)>(),
        ]) {
            Self::Secret
        } else if is_one_of(&[TypeId::of::<String>()]) {
            Self::Withheld
        } else {
            Self::Public
        }
    }
}

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

impl PartialEq<str> for PublicText {
    fn eq(&self, text: &str) -> bool {
        self.0 == text
    }
}

impl fmt::Display for PublicText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
