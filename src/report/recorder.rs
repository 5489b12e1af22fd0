//! Records a run for a support bundle: log, transcript, events, result. The record is in memory and has
//! a size limit. It has no secrets, because its sources redact them.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tracing_subscriber::fmt::writer::Tee;

use crate::flows::Event;
use crate::transport::Medium;
use crate::transport::record::Transcript;

/// The record of a run. Its clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder {
    /// The lines of the log.
    pub(super) log: LogLines,
    /// The bytes that went over a transport, redacted.
    pub(super) transcript: LogLines,
    run: Arc<Mutex<RecordedRun>>,
}

/// The events of a run, and its result.
#[derive(Clone, Debug, Default)]
pub(super) struct RecordedRun {
    pub(super) events: Vec<Value>,
    /// The number of events beyond the limit.
    pub(super) dropped: usize,
    /// The keys of the result.
    pub(super) result: Option<Map<String, Value>>,
    /// The medium of the last search.
    pub(super) medium: Option<&'static Medium>,
}

impl Recorder {
    /// Records an event, with its JSON form.
    pub(crate) fn event(&self, event: &Event, object: Value) {
        if let Event::SearchStarted { transport, .. } = event {
            self.run().medium = Some(*transport);
        }
        self.note(object);
    }

    /// Records something else that happened.
    pub(crate) fn note(&self, object: Value) {
        let mut run = self.run();
        if run.events.len() < MAX_EVENTS {
            run.events.push(object);
        } else {
            run.dropped += 1;
        }
    }

    /// Records the keys of the result.
    pub(crate) fn result(&self, keys: Map<String, Value>) {
        self.run().result = Some(keys);
    }

    /// The transport of the last search, if there was one.
    pub(crate) fn searched(&self) -> Option<&'static Medium> {
        self.run().medium
    }

    /// The events and the result so far.
    pub(super) fn so_far(&self) -> RecordedRun {
        self.run().clone()
    }

    fn run(&self) -> std::sync::MutexGuard<'_, RecordedRun> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transcript to a file, to the recorder, or to both; `None` if neither is given.
pub(crate) fn transcript(file: Option<File>, recorder: Option<&Recorder>) -> Option<Transcript> {
    let kept = recorder.map(|recorder| recorder.transcript.clone());
    let to: Box<dyn Write + Send> = match (file, kept) {
        (None, None) => return None,
        (Some(file), None) => Box::new(file),
        (None, Some(kept)) => Box::new(kept),
        (Some(file), Some(kept)) => Box::new(Tee::new(kept, file)),
    };
    Some(Transcript::new(to))
}

/// Lines of text. Above a size limit, it keeps the first and the last ones. Its clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct LogLines(Arc<Mutex<KeptLines>>);

#[derive(Debug, Default)]
struct KeptLines {
    /// A line without its end.
    partial: Vec<u8>,
    first: Vec<String>,
    /// The length of these lines.
    first_bytes: usize,
    last: VecDeque<String>,
    last_bytes: usize,
    /// The number of lines between the two.
    dropped: usize,
}

impl LogLines {
    /// All kept lines. A line with the number of dropped lines is in their place.
    pub(super) fn all(&self) -> Vec<String> {
        let kept = self.kept();
        let gap = (kept.dropped > 0).then(|| format!("[{} lines left out]", kept.dropped));
        let partial = String::from_utf8_lossy(&kept.partial);
        let partial = (!partial.is_empty()).then(|| partial.into_owned());
        let lines = kept.first.iter().cloned().chain(gap);
        lines
            .chain(kept.last.iter().cloned())
            .chain(partial)
            .collect()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, KeptLines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeptLines {
    fn push(&mut self, line: String) {
        if self.last.is_empty() && self.first_bytes + line.len() <= MAX_FIRST_BYTES {
            self.first_bytes += line.len();
            self.first.push(line);
            return;
        }
        self.last_bytes += line.len();
        self.last.push_back(line);
        while self.last_bytes > MAX_LAST_BYTES
            && let Some(oldest) = self.last.pop_front()
        {
            self.last_bytes -= oldest.len();
            self.dropped += 1;
        }
    }
}

impl Write for LogLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.kept();
        kept.partial.extend_from_slice(bytes);
        while let Some(end) = kept.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = kept.partial.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            kept.push(line.trim_end_matches('\n').to_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The size of the lines to keep from the start of a run, in bytes.
const MAX_FIRST_BYTES: usize = 128 * 1024;
/// The size of the lines to keep from its end, in bytes.
const MAX_LAST_BYTES: usize = 1024 * 1024;
/// Enough for a run that polls for hours.
const MAX_EVENTS: usize = 5000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_first_and_last_of_too_many_lines() {
        let mut lines = LogLines::default();
        let count = 30_000;
        for number in 0..count {
            // In pieces, as a formatter writes.
            write!(lines, "{number:05} ").unwrap();
            writeln!(lines, "{}", "x".repeat(94)).unwrap();
        }
        write!(lines, "and half a line").unwrap();
        let all = lines.all();
        let bytes: usize = all.iter().map(String::len).sum();
        assert!(bytes < MAX_FIRST_BYTES + MAX_LAST_BYTES + 100, "{bytes}");
        assert!(all[0].starts_with("00000 x"));
        assert_eq!(all[all.len() - 1], "and half a line");
        assert!(all[all.len() - 2].starts_with("29999 x"));
        let gap = all.iter().position(|line| line.starts_with('[')).unwrap();
        let dropped = count - (all.len() - 2);
        assert_eq!(all[gap], format!("[{dropped} lines left out]"));
    }
}
