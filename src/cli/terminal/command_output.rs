//! What a successful command prints.

use serde_json::{Value, json};

use super::printer::Printer;
use crate::report::Failure;

/// The result of a command: lines for people, and the keys of the `result` object for machines.
#[derive(Debug)]
pub(in crate::cli) struct CommandOutput {
    lines: Vec<String>,
    keys: Value,
}

impl CommandOutput {
    pub(in crate::cli) fn new(lines: impl Into<Vec<String>>, keys: Value) -> Self {
        let lines = lines.into();
        Self { lines, keys }
    }

    /// The text as a line and as the value of `key`, without white space at its end.
    pub(in crate::cli) fn of_text(key: &str, text: &str) -> Self {
        let text = text.trim_end();
        Self::new([text.to_owned()], json!({ key: text }))
    }

    /// Prints the lines or the keys. It fails if they cannot be written.
    pub(in crate::cli) fn print(self, printer: &Printer) -> Result<(), Failure> {
        printer.result(&self.lines, self.keys)
    }
}
