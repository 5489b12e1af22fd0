//! Lines on stdout and stderr.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::ident::printable_json;

/// An object with one key, for a result.
pub(in crate::cli) fn keys_of(name: &str, value: &impl Serialize) -> Map<String, Value> {
    let mut keys = Map::new();
    keys.insert(name.to_owned(), json!(value));
    keys
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

/// Writes a line in one piece, because two processes may share a terminal. A closed pipe is no error:
/// its reader has ended, and the run goes on.
pub(super) fn write_line(to: &mut impl Write, line: &str) -> io::Result<()> {
    let written = to
        .write_all(format!("{line}\n").as_bytes())
        .and_then(|()| to.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}
