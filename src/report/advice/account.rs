//! The id and the advice for an error of the account's files.

use std::error::Error as _;

use crate::account::AccountError;
use crate::account::login::BrowserError;
use crate::report::context::Context;
use crate::report::error_table::ErrorId;
use crate::report::failure::Failure;
use crate::report::remedies::{
    BASE_URL, CHECK_PERMISSIONS, CORRECT_FILE, END_LOCK_HOLDER, LOGIN_URL, REMOVE_PROFILE,
    SET_CONFIG_DIR, WITHOUT_BROWSER,
};
use crate::report::shell::quote_word;

impl Failure {
    /// A profile or a login that could not be read or stored.
    pub(crate) fn of_account(error: &AccountError, context: &Context) -> Self {
        let new = |id| Self::new(id, error.to_string());
        let failure = match error {
            AccountError::BuiltIn(_) | AccountError::InvalidName => new(ErrorId::InvalidProfile),
            AccountError::Exists(_) => new(ErrorId::InvalidProfile).hint(REMOVE_PROFILE),
            AccountError::InvalidUrl(_) => new(ErrorId::InvalidProfile).hint(BASE_URL),
            AccountError::Malformed { .. } => new(ErrorId::AccountFiles).hint(CORRECT_FILE),
            AccountError::Locked { .. } => new(ErrorId::AccountFiles).hint(END_LOCK_HOLDER),
            AccountError::NotLoggedIn {
                profile,
                has_login_page,
            } => {
                let mut login = vec!["--profile".to_owned(), quote_word(profile)];
                if !has_login_page {
                    login.extend(["--user-name", "NAME"].map(str::to_owned));
                }
                let context = Context {
                    login,
                    ..context.clone()
                };
                Self::in_context(ErrorId::LoginRequired, error.to_string(), &context)
            }
            AccountError::Unreadable { .. } | AccountError::Unwritable { .. } => {
                new(ErrorId::AccountFiles)
                    .hint(CHECK_PERMISSIONS)
                    .hint(SET_CONFIG_DIR)
            }
            AccountError::Unknown { available, .. } => new(ErrorId::UnknownProfile)
                .hints([format!("available profiles: {}", available.join(", "))]),
        };
        let causes = error.source().map(ToString::to_string);
        // An error that only wraps another one repeats its words.
        let causes = causes.filter(|cause| !failure.message.contains(cause.as_str()));
        Self {
            causes: causes.into_iter().collect(),
            ..failure
        }
    }

    /// A login with the browser that failed.
    pub(crate) fn of_browser_login(error: &BrowserError, context: &Context) -> Self {
        let new = |id| Self::new(id, error.to_string());
        match error {
            BrowserError::Cloud(error) => {
                Self::of_cloud(error, "logging in with the browser", context)
            }
            BrowserError::InvalidAddress { .. } => new(ErrorId::NoLoginPage).hint(LOGIN_URL),
            BrowserError::NoPage { .. } => new(ErrorId::NoLoginPage),
            BrowserError::NoPort => new(ErrorId::CannotListen).hint(WITHOUT_BROWSER),
            BrowserError::Refused { .. } => new(ErrorId::LoginRefused),
            BrowserError::TimedOut { .. } => new(ErrorId::LoginTimedOut),
        }
    }
}
