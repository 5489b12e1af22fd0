//! The account of a command: profiles (which cloud) and tokens (which user) on disk. Files and
//! layout are those of esp-rainmaker-cli, so that both programs share their logins. `cloud` makes
//! the calls; `cli` parses the arguments.
//!
//! ```text
//! <folder>/
//!   rainmaker_config.json            without profiles; read while profiles.json is absent
//!   profiles/profiles.json           all profiles
//!   profiles/current_profile         the name of the current profile
//!   profiles/<profile>_config.json   the tokens of one profile
//! ```
//!
//! Older versions had the files of `profiles/` in the folder itself. They are read from there if
//! `profiles/` lacks them, and removed when they are written again.

mod base_url;
mod current_login;
mod error;
mod files;
mod legacy;
pub(crate) mod login;
mod permissions;
mod profile;
mod profiles;
mod tokens;

pub(crate) use base_url::parse_base_url;
pub(crate) use current_login::{CurrentLogin, TokenSource};
pub(crate) use error::AccountError;
pub(crate) use files::Folder;
pub(crate) use permissions::{ExposedPath, Permissions};
pub(crate) use profile::{BrowserLogin, Profile};

#[cfg(test)]
mod tests;
