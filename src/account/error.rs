//! What can be wrong with accounts on disk. No message holds anything of a file's content.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::base_url::InvalidUrl;

/// Why a profile or its tokens could not be had or kept.
#[derive(Debug, Error)]
pub(crate) enum AccountError {
    /// `global` and `china` are always there.
    #[error("{0} is built in, and cannot be added or removed")]
    BuiltIn(String),
    /// Names that differ in case only share a file on some systems.
    #[error("there is a profile {0} already")]
    Exists(String),
    /// It is part of a file's name.
    #[error("a profile's name has 1 to 50 letters, digits and _-.#")]
    InvalidName,
    /// Not where a cloud can be.
    #[error("the base URL {0}")]
    InvalidUrl(#[from] InvalidUrl),
    /// A file that is left as it is.
    #[error("{} {reason}", path.display())]
    Malformed {
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file that is there, and cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// No such profile.
    #[error("there is no profile {name}")]
    Unknown {
        /// As it was asked for, made printable.
        name: String,
        known: Vec<String>,
    },
    /// A file that cannot be written or removed.
    #[error("cannot write to {}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}
