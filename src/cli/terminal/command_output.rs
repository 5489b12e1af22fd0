//! What a successful command prints.

use serde_json::{Map, Value, json};

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

/// One object with the keys of all objects, in this order.
pub(in crate::cli) fn merge_objects(objects: impl IntoIterator<Item = Value>) -> Value {
    let objects = objects.into_iter().filter_map(|object| match object {
        Value::Object(keys) => Some(keys),
        _ => None,
    });
    Value::Object(objects.flatten().collect())
}
