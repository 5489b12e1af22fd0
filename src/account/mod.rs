//! The account of a command: profiles (which cloud) and tokens (which user) on disk. Files and
//! layout are those of esp-rainmaker-cli, so that both programs share their logins. `cloud` makes
//! the calls; `cli` parses the arguments.
//!
//! ```text
//! <folder>/
//!   rainmaker_config.json            before there were profiles: read while profiles.json is absent
//!   profiles/profiles.json           which profiles there are
//!   profiles/current_profile         the name of one of them
//!   profiles/<profile>_config.json   the tokens of one profile
//! ```
//!
//! Older versions had the files of `profiles/` in the folder itself. They are read from there if
//! `profiles/` lacks them, and removed when they are written again.

mod base_url;
mod error;
mod files;
mod folder;
mod legacy;
mod login;
mod profile;
mod profiles;
mod rights;

pub(crate) use base_url::base_url;
pub(crate) use error::AccountError;
pub(crate) use folder::Folder;
pub(crate) use profile::{BrowserLogin, Profile};
pub(crate) use rights::{Exposed, Rights};

#[cfg(test)]
mod tests;
