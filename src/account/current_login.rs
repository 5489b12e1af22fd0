//! The login in effect: tokens that the caller has, or those on disk.

use super::error::AccountError;
use super::files::Folder;
use super::profile::Profile;
use crate::cloud::Tokens;

/// A login, and where its tokens are from.
#[derive(Debug)]
pub(crate) struct CurrentLogin {
    pub profile: Profile,
    pub tokens: Tokens,
    pub source: TokenSource,
}

/// Where tokens are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenSource {
    /// The caller: never renewed, never written.
    Caller,
    /// A login on disk.
    Stored,
}

impl Folder {
    /// The login of a profile. The caller's tokens replace those on disk.
    pub(crate) fn read_login(
        &self,
        profile: Profile,
        replacement: Option<Tokens>,
    ) -> Result<CurrentLogin, AccountError> {
        let (tokens, source) = match replacement {
            Some(tokens) => (Some(tokens), TokenSource::Caller),
            None => (self.read_tokens(&profile)?, TokenSource::Stored),
        };
        match tokens {
            Some(tokens) => Ok(CurrentLogin {
                profile,
                tokens,
                source,
            }),
            None => Err(AccountError::NotLoggedIn {
                has_login_page: profile.browser.is_some(),
                profile: profile.name.to_string(),
            }),
        }
    }
}
