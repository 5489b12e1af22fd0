//! A run that failed, as every face shows it: message, causes, hints, stable id and exit code.

use serde::Serialize;

use super::context::Context;
use super::error_table::ErrorId;
use super::exit::Exit;

/// The failure of a run. It serializes as the `error` object of the JSON result.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    /// Stable, in kebab case: what scripts compare.
    pub id: ErrorId,
    pub message: String,
    /// The step that failed, and the device.
    #[serde(rename = "while")]
    pub step: Option<String>,
    /// The chain of errors behind the message, outermost first.
    pub causes: Vec<String>,
    /// The advice for this run: imperatives, and facts about its result.
    pub hints: Vec<String>,
    pub exit: Exit,
}

impl Failure {
    /// A failure with the exit code of its id, and the advice for any run.
    pub(crate) fn new(id: ErrorId, message: impl Into<String>) -> Self {
        Self::in_context(id, message, &Context::default())
    }

    /// A failure with the exit code of its id, and the advice for this run.
    pub(crate) fn in_context(id: ErrorId, message: impl Into<String>, context: &Context) -> Self {
        Self {
            id,
            message: message.into(),
            step: None,
            causes: Vec::new(),
            hints: id.entry().hints(context),
            exit: id.entry().exit,
        }
    }

    /// A failure without a message: the caller adds the one of the error.
    pub(super) fn advised(id: ErrorId, context: &Context) -> Self {
        Self::in_context(id, "", context)
    }

    /// Adds a cause.
    #[must_use]
    pub(crate) fn cause(mut self, cause: &dyn std::fmt::Display) -> Self {
        self.causes.push(cause.to_string());
        self
    }

    /// Adds advice that only code can select, or that has data of this run.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        self.hints([hint])
    }

    /// Adds such advice.
    #[must_use]
    pub(super) fn hints<T: Into<String>>(mut self, hints: impl IntoIterator<Item = T>) -> Self {
        self.hints.extend(hints.into_iter().map(Into::into));
        self
    }

    /// Adds such advice before the other advice.
    #[must_use]
    pub(super) fn before<T: Into<String>>(mut self, hints: impl IntoIterator<Item = T>) -> Self {
        self.hints.splice(0..0, hints.into_iter().map(Into::into));
        self
    }

    /// Removes advice that does not apply to this run.
    #[must_use]
    pub(super) fn without(mut self, hint: &str) -> Self {
        self.hints.retain(|other| other != hint);
        self
    }

    /// Replaces the description of the step.
    #[must_use]
    pub(crate) fn during(mut self, step: String) -> Self {
        self.step = Some(step);
        self
    }

    /// An internal error.
    pub(crate) fn fault(error: &anyhow::Error) -> Self {
        Self {
            causes: error.chain().skip(1).map(ToString::to_string).collect(),
            ..Self::new(ErrorId::Fault, error.to_string())
        }
    }

    /// The run succeeded, but its result could not be written.
    pub(crate) fn output_lost(error: &std::io::Error) -> Self {
        Self::new(ErrorId::OutputLost, "the result could not be written").cause(error)
    }

    /// Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Self::new(ErrorId::Interrupted, "interrupted")
    }

    /// A second Ctrl-C.
    pub(crate) fn interrupted_twice() -> Self {
        Self::interrupted()
            .hint("stopped at once: the device keeps the credentials that it received")
    }
}
