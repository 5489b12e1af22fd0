//! What comes of a prompt.

use std::io;

use inquire::InquireError;

/// The answer to a prompt.
pub(super) type Answer<T> = Result<T, Unanswered>;

/// Why a prompt has no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// Esc: the person skips this question.
    GivenUp,
    /// Ctrl-C: the person ends the run.
    Interrupted,
    /// The terminal cannot be used.
    Lost(io::Error),
}

impl From<io::Error> for Unanswered {
    fn from(error: io::Error) -> Self {
        Self::Lost(error)
    }
}

impl From<InquireError> for Unanswered {
    fn from(error: InquireError) -> Self {
        match error {
            InquireError::OperationCanceled => Self::GivenUp,
            InquireError::OperationInterrupted => Self::Interrupted,
            InquireError::IO(error) => Self::Lost(error),
            other => Self::Lost(io::Error::other(other)),
        }
    }
}
