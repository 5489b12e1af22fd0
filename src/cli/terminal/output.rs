//! Lines on stdout and stderr.

use std::io::{self, Write};

use serde_json::Value;

use crate::ident::printable_json;

/// One object with the keys of all objects, in this order. Null has none.
pub(in crate::cli) fn merge_objects(objects: impl IntoIterator<Item = Value>) -> Value {
    let objects = objects.into_iter().filter_map(|object| match object {
        Value::Object(keys) => Some(keys),
        _ => None,
    });
    Value::Object(objects.flatten().collect())
}

/// Prints a line of JSON on stdout, as it is: without color, and with all its characters.
pub(in crate::cli) fn print_json(value: &Value) -> io::Result<()> {
    let line = printable_json(&value.to_string());
    write_line(&mut io::stdout().lock(), &line)
}

/// Prints a line on stderr. If stderr is closed, the line is lost.
pub(in crate::cli) fn print_note(line: &str) {
    let _closed: io::Result<()> = write_line(&mut anstream::stderr().lock(), line);
}

/// Writes a line in one piece, because two processes may share a terminal.
pub(super) fn write_line(to: &mut impl Write, line: &str) -> io::Result<()> {
    write_bytes(to, format!("{line}\n").as_bytes())
}

/// Writes bytes as they are. A closed pipe is no error: its reader has ended, and the run goes on.
pub(in crate::cli) fn write_bytes(to: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    match to.write_all(bytes).and_then(|()| to.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
