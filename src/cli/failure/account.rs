//! What to do about an error of the account's files. The match has no wildcard, as in the file
//! above it.

use std::error::Error as _;

use super::{Advice, Failure, advice};
use crate::account::AccountError;
use crate::cli::error_id::ErrorId;

impl Failure {
    /// A profile or a login that could not be had or kept.
    pub(in crate::cli) fn of_account(error: &AccountError) -> Self {
        let Advice { exit, id, hints } = advise(error);
        let causes = error.source().map(ToString::to_string);
        // An error that is only another one's shell has its source's words already.
        let causes = causes.filter(|cause| !error.to_string().contains(cause.as_str()));
        Self {
            exit,
            hints,
            causes: causes.into_iter().collect(),
            ..Self::new(id, error.to_string())
        }
    }
}

fn advise(error: &AccountError) -> Advice {
    match error {
        AccountError::BuiltIn(_) | AccountError::InvalidName => advice(ErrorId::InvalidProfile, []),
        AccountError::Exists(_) => advice(
            ErrorId::InvalidProfile,
            ["remove it first (`espctl profile remove`), or choose another name"],
        ),
        AccountError::InvalidUrl(_) => advice(
            ErrorId::InvalidProfile,
            ["such as https://rainmaker.example.com; v1/ is added where it is missing"],
        ),
        AccountError::Malformed { .. } => advice(
            ErrorId::AccountFiles,
            ["correct the file, or move it away and log in again; it was left as it is"],
        ),
        AccountError::Unreadable { .. } | AccountError::Unwritable { .. } => advice(
            ErrorId::AccountFiles,
            ["check its permissions; RM_USER_CONFIG_DIR names another folder"],
        ),
        AccountError::Unknown { known, .. } => {
            let mut advice = advice(
                ErrorId::UnknownProfile,
                ["choose one with --profile, ESPCTL_PROFILE or `espctl profile switch`"],
            );
            advice
                .hints
                .insert(0, format!("there are: {}", known.join(", ")));
            advice
        }
    }
}
