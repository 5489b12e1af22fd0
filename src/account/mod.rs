//! Which account a command acts for: profiles (which cloud) and tokens (which user) on disk, in
//! the files and the layout of esp-rainmaker-cli, so that a login there counts here and the other
//! way round. Not the cloud's calls, which are `cloud`'s, nor what is typed, which is `cli`'s.
//!
//! ```text
//! <folder>/
//!   rainmaker_config.json            before there were profiles: read while profiles.json is absent
//!   profiles/profiles.json           which profiles there are
//!   profiles/current_profile         the name of one of them
//!   profiles/<profile>_config.json   the tokens of one profile
//! ```
//!
//! Files of `profiles/` that lie in the folder itself, where older versions had them, are read
//! where `profiles/` lacks them, and taken away when they have been written anew.

mod base_url;
mod error;
mod files;
mod folder;
mod legacy;
pub(crate) mod login;
mod profile;
mod profiles;
mod rights;
mod tokens;

pub(crate) use base_url::base_url;
pub(crate) use error::AccountError;
pub(crate) use folder::Folder;
pub(crate) use profile::{BrowserLogin, Profile};
pub(crate) use rights::{Exposed, Rights};

#[cfg(test)]
mod tests;
