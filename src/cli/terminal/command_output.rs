//! What a successful command prints.

use serde_json::{Map, Value};

use super::printer::Printer;
use crate::report::Failure;

/// The result of a command, for people and for machines.
#[derive(Debug)]
pub(in crate::cli) struct CommandOutput {
    lines: Vec<String>,
    keys: Map<String, Value>,
}

impl CommandOutput {
    /// `object` holds the keys of the `result` object.
    pub(in crate::cli) fn new(lines: impl Into<Vec<String>>, object: Value) -> Self {
        let keys = match object {
            Value::Object(keys) => keys,
            _ => Map::new(),
        };
        let lines = lines.into();
        Self { lines, keys }
    }

    /// Prints the lines or the keys. It fails if they cannot be written.
    pub(in crate::cli) fn print(self, printer: &Printer) -> Result<(), Failure> {
        printer.result(&self.lines, self.keys)
    }
}
