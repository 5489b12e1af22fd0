//! Errors of the account files. No message contains any part of a file's content.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::base_url::InvalidUrl;

/// Why a profile or its tokens could not be read or written.
#[derive(Debug, Error)]
pub(crate) enum AccountError {
    /// `global` and `china` cannot be added or removed.
    #[error("{0} is built in and cannot be added or removed")]
    BuiltIn(String),
    /// The name exists, or differs only in case: such names share a file on some systems.
    #[error("profile {0} already exists")]
    Exists(String),
    /// The name is not valid as a part of a file name.
    #[error("a profile's name has 1 to 50 letters, digits and _-.#")]
    InvalidName,
    /// The base URL is not valid.
    #[error("the base URL {0}")]
    InvalidUrl(#[from] InvalidUrl),
    /// Another program has held the lock for too long.
    #[error("another program holds the lock {}", path.display())]
    Locked { path: PathBuf },
    /// The file has invalid content, and is not changed.
    #[error("{} {reason}", path.display())]
    Malformed {
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The profile has no login.
    #[error("not logged in to the profile {profile}")]
    NotLoggedIn {
        profile: String,
        /// Whether its cloud has a page for logging in.
        has_login_page: bool,
    },
    /// The file exists but cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// There is no profile of this name.
    #[error("there is no profile {name}")]
    Unknown {
        /// The requested name, printable.
        name: String,
        available: Vec<String>,
    },
    /// The file cannot be written or removed.
    #[error("cannot write to {}", path.display())]
    Unwritable { path: PathBuf, source: io::Error },
}
