//! A run that failed, as every face shows it: message, causes, hints, stable id and exit code.

use serde_json::{Value, json};

use super::context::Context;
use super::exit::Exit;
use super::hint::Hint;
use super::remedy::Remedy;
use super::table::ErrorId;

/// The failure of a run.
#[derive(Debug)]
pub(crate) struct Failure {
    pub exit: Exit,
    /// Stable, in kebab case: what scripts compare.
    pub id: ErrorId,
    pub message: String,
    /// The step that failed, and the device.
    pub step: Option<String>,
    /// The chain of errors behind the message, outermost first.
    pub causes: Vec<String>,
    /// The advice for this run.
    pub hints: Vec<Hint>,
}

impl Failure {
    /// A failure with the exit code of its id, and the advice for any run.
    pub(crate) fn new(id: ErrorId, message: impl Into<String>) -> Self {
        Self::in_context(id, message, &Context::default())
    }

    /// A failure with the exit code of its id, and the advice for this run.
    pub(crate) fn in_context(id: ErrorId, message: impl Into<String>, context: &Context) -> Self {
        Self {
            exit: id.exit(),
            id,
            message: message.into(),
            step: None,
            causes: Vec::new(),
            hints: id.entry().hints(context),
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

    /// Adds advice from this run's data.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<Hint>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds advice from this run's data.
    #[must_use]
    pub(super) fn hints<T: Into<Hint>>(mut self, hints: impl IntoIterator<Item = T>) -> Self {
        self.hints.extend(hints.into_iter().map(Into::into));
        self
    }

    /// Adds advice from this run's data, before the other advice.
    #[must_use]
    pub(super) fn before<T: Into<Hint>>(mut self, hints: impl IntoIterator<Item = T>) -> Self {
        self.hints.splice(0..0, hints.into_iter().map(Into::into));
        self
    }

    /// Removes advice that does not apply to this run.
    #[must_use]
    pub(super) fn without(mut self, remedy: &Remedy) -> Self {
        let removed = remedy.hint(&Context::default());
        self.hints.retain(|hint| *hint != removed);
        self
    }

    /// Adds a remedy that applies to this run.
    #[must_use]
    pub(crate) fn remedy(mut self, remedy: &Remedy) -> Self {
        self.hints.push(remedy.hint(&Context::default()));
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

    /// The `error` object of the JSON result.
    pub(crate) fn to_json(&self) -> Value {
        let hints: Vec<String> = self.hints.iter().map(ToString::to_string).collect();
        json!({
            "id": self.id.as_str(),
            "message": self.message,
            "while": self.step,
            "causes": self.causes,
            "hints": hints,
            "exit": self.exit.code(),
        })
    }
}
