//! The log of an emulated device or cloud: JSON lines for a file, and text lines for people. The owner of
//! a [`Log`] provides the file and the reader.
//!
//! The file of a device contains everything that the device received, **also the Wi-Fi passphrase**, as
//! text and as hexadecimal digits, and the secret key of a user mapping: it is a test instrument, and
//! tests have invented secrets. The text lines (the `Display` of an entry) never contain them.

mod entry;

use std::fmt::Display;
use std::io::Write;

use serde::Serialize;
use tokio::time::Instant;

pub(super) use self::entry::optional;
pub(crate) use self::entry::{DeviceEvent, ProvEvent};
use crate::ident::printable;

/// Receives the text line of each entry, without control characters.
pub type Reader = Box<dyn FnMut(&str) + Send>;

/// Writes entries as JSON lines, each with the milliseconds since the creation of the log and the number
/// of its connection, and shows them to one reader.
#[derive(derive_more::Debug, Default)]
pub struct Log {
    started: Started,
    /// The number of the open connection.
    pub(super) connection: Option<u64>,
    device: Option<String>,
    /// Whether a service began and has not ended.
    has_service: bool,
    #[debug(skip)]
    sink: Option<Box<dyn Write + Send>>,
    #[debug(skip)]
    reader: Option<Reader>,
}

impl Log {
    /// Writes JSON lines to `sink`, and flushes each. A device's lines contain secrets: see the module.
    #[must_use]
    pub fn with_sink(mut self, sink: Box<dyn Write + Send>) -> Self {
        self.sink = Some(sink);
        self
    }

    /// Adds this name to every line, for a log that several devices share.
    #[must_use]
    pub fn with_device_name(mut self, name: String) -> Self {
        self.device = Some(name);
        self
    }

    /// Also shows every entry to `reader`.
    #[must_use]
    pub fn with_reader(mut self, reader: Reader) -> Self {
        self.reader = Some(reader);
        self
    }

    /// Logs an event of this moment. An entry has its JSON by `Serialize`, and its text line by `Display`;
    /// the log escapes that.
    pub fn write(&mut self, entry: &(impl Serialize + Display)) {
        self.write_line(Instant::now(), self.connection, entry);
    }

    /// Logs an event of the provisioning component without a reason.
    pub(super) fn write_prov_event(&mut self, name: ProvEvent) {
        self.write(&DeviceEvent::ProvEvent { name, reason: None });
    }

    /// Logs an earlier event without a client.
    pub fn write_at(&mut self, when: Instant, entry: &(impl Serialize + Display)) {
        self.write_line(when, None, entry);
    }

    fn write_line(
        &mut self,
        when: Instant,
        connection: Option<u64>,
        entry: &(impl Serialize + Display),
    ) {
        self.show(&entry.to_string());
        let elapsed = when.saturating_duration_since(self.started.0);
        let line = LogLine {
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
        // A full disk does not change the behavior of an emulator, but it is reported.
        if !matches!(written, Ok(Ok(()))) {
            self.sink = None;
            self.show("the log file cannot be written, and ends here");
        }
    }

    /// Begins a service. The log records its end, also if a signal or a dropped future ends it.
    pub(super) fn begin_service(&mut self) {
        self.has_service = true;
    }

    /// Logs that a connection ended.
    pub(super) fn close_connection(&mut self, why: &str) {
        let why = why.to_owned();
        self.write(&DeviceEvent::ConnectionClosed { why });
        self.connection = None;
    }

    /// Logs that the service ended, and before that a connection that is still open.
    pub(super) fn end_service(&mut self, why: &str) {
        if self.connection.is_some() {
            self.close_connection(why);
        }
        let why = why.to_owned();
        self.write(&DeviceEvent::ServiceStopped { why });
        self.has_service = false;
    }

    fn show(&mut self, line: &str) {
        if let Some(reader) = &mut self.reader {
            reader(&printable(line.as_bytes()));
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if self.has_service {
            self.end_service("interrupted");
        }
    }
}

/// The moment of its creation.
#[derive(Debug)]
struct Started(Instant);

impl Default for Started {
    fn default() -> Self {
        Self(Instant::now())
    }
}

#[derive(Serialize)]
struct LogLine<'a, E> {
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
