//! What happened to an emulated device or cloud, in order: as JSON lines for a file, and as lines
//! for people. The owner of a [`Log`] brings the file and the reader.
//!
//! The file of a device holds everything that reached the device, **the Wi-Fi passphrase
//! included**, as text and as hexadecimal digits, and the secret key of a user mapping: it is a
//! test instrument, and the secrets of a test are made up. The lines for people (the `Display` of
//! an entry) never have them.

mod device;
mod entry;

use std::fmt;
use std::io::Write;

use serde::Serialize;
use tokio::time::Instant;

pub(crate) use self::entry::{Entry, ProvEvent};
use crate::ident::printable;

/// One thing that happened: its JSON by `Serialize`, its line for people by `Display`. That line
/// need not be safe to print; the log makes it so.
pub trait LogEntry: Serialize + fmt::Display {}

impl<T: Serialize + fmt::Display> LogEntry for T {}

/// A part of a line for people that is there if the value is.
pub(super) fn optional(before: &str, value: Option<impl fmt::Display>, after: &str) -> String {
    value.map_or_else(String::new, |value| format!("{before}{value}{after}"))
}

/// Receives each entry's line for people, in which nothing can steer a terminal.
pub type Reader = Box<dyn FnMut(&str) + Send>;

/// Writes entries as JSON lines, each with the milliseconds since the log was made and the number
/// of the connection it belongs to, and shows them to one reader.
#[derive(derive_more::Debug)]
pub struct Log {
    started: Instant,
    /// The open connection, to which entries belong.
    pub(super) connection: Option<u64>,
    device: Option<String>,
    /// Whether a service began and has not ended.
    has_service: bool,
    #[debug(skip)]
    sink: Option<Box<dyn Write + Send>>,
    #[debug(skip)]
    reader: Option<Reader>,
}

/// One without a file and without a reader.
impl Default for Log {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            connection: None,
            device: None,
            has_service: false,
            sink: None,
            reader: None,
        }
    }
}

impl Log {
    /// Writes JSON lines to `sink`, each flushed. A device's hold secrets: see the module.
    #[must_use]
    pub fn lines_to(mut self, sink: Box<dyn Write + Send>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Puts this name into every line, for a log that several devices share.
    #[must_use]
    pub fn of_device(mut self, name: String) -> Self {
        self.device = Some(name);
        self
    }

    /// Also shows every entry to `reader`.
    #[must_use]
    pub fn shown_to(mut self, reader: Reader) -> Self {
        self.reader = Some(reader);
        self
    }

    /// Logs what happens now.
    pub fn write(&mut self, entry: &impl LogEntry) {
        self.write_line(Instant::now(), self.connection, entry);
    }

    /// Logs what happened without a client, at `when`.
    pub fn write_at(&mut self, when: Instant, entry: &impl LogEntry) {
        self.write_line(when, None, entry);
    }

    fn write_line(&mut self, when: Instant, connection: Option<u64>, entry: &impl LogEntry) {
        self.show(&entry.to_string());
        let elapsed = when.saturating_duration_since(self.started);
        let line = Line {
            ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            connection,
            device: self.device.as_deref(),
            entry,
        };
        let Some(sink) = &mut self.sink else {
            return;
        };
        let written = serde_json::to_vec(&line).map(|mut bytes| {
            bytes.push(b'\n');
            sink.write_all(&bytes).and_then(|()| sink.flush())
        });
        // A full disk must not change how an emulator behaves, but it must be known.
        if !matches!(written, Ok(Ok(()))) {
            self.sink = None;
            self.show("the log file cannot be written, and ends here");
        }
    }

    fn show(&mut self, line: &str) {
        if let Some(reader) = &mut self.reader {
            reader(&printable(line.as_bytes()));
        }
    }
}

#[derive(Serialize)]
struct Line<'a, E> {
    ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
    #[serde(flatten)]
    entry: &'a E,
}

#[cfg(test)]
pub(crate) mod tests;
