//! What an error turned out to be: its id, and the advice for this run.

use super::context::Context;
use super::exit::Exit;
use super::failure::Failure;
use super::hint::Hint;
use super::remedy::Remedy;
use super::table::ErrorId;

/// What an error turned out to be.
#[derive(Debug)]
pub(super) struct Diagnosis {
    id: ErrorId,
    exit: Exit,
    context: Context,
    hints: Vec<Hint>,
}

impl Diagnosis {
    /// With the advice of the table for this run.
    pub(super) fn new(id: ErrorId, context: Context) -> Self {
        Self {
            id,
            exit: id.exit(),
            hints: id.entry().hints(&context),
            context,
        }
    }

    /// With the exit code of the step that was cut short.
    pub(super) fn exit(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Adds what this run knows before the advice.
    pub(super) fn before<T: Into<Hint>>(mut self, hints: impl IntoIterator<Item = T>) -> Self {
        self.hints.splice(0..0, hints.into_iter().map(Into::into));
        self
    }

    /// Adds what this run knows after the advice.
    pub(super) fn after<T: Into<Hint>>(mut self, hints: impl IntoIterator<Item = T>) -> Self {
        self.hints.extend(hints.into_iter().map(Into::into));
        self
    }

    /// Adds advice that only the code knows to be true.
    pub(super) fn remedy(mut self, remedy: &Remedy) -> Self {
        self.hints.push(remedy.hint(&self.context));
        self
    }

    /// Removes advice that something known makes untrue.
    pub(super) fn without(mut self, remedy: &Remedy) -> Self {
        let removed = remedy.hint(&self.context);
        self.hints.retain(|hint| *hint != removed);
        self
    }

    /// The failure, with neither step nor causes.
    pub(super) fn failure(self, message: String) -> Failure {
        Failure {
            exit: self.exit,
            id: self.id,
            message,
            step: None,
            causes: Vec::new(),
            hints: self.hints,
        }
    }
}
