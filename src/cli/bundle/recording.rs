//! What a run leaves behind for a report while it goes on: log, transcript, events, result. It is
//! kept in memory, up to a limit, and holds what may be read by others alone: what is taken down is
//! redacted by those who tell it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use crate::flows::Event;
use crate::transport::Medium;
use crate::transport::record::Transcript;

/// What is kept. Its copies are the same one.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Recording {
    /// What the layers note.
    pub(super) log: Lines,
    /// What went over a transport.
    pub(super) transcript: Lines,
    told: Arc<Mutex<Told>>,
}

/// What the flows told, and what was answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) events: Vec<Value>,
    /// Of the events after so many.
    pub(super) dropped: usize,
    /// The keys of the result.
    pub(super) result: Option<Map<String, Value>>,
    /// Where a device was looked for.
    pub(super) medium: Option<&'static Medium>,
}

impl Recording {
    /// Takes an event down, as it is told to machines.
    pub(in crate::cli) fn event(&self, event: &Event, object: Value) {
        if let Event::SearchStarted { transport, .. } = event {
            self.told().medium = Some(*transport);
        }
        self.note(object);
    }

    /// Takes down something else that happened.
    pub(in crate::cli) fn note(&self, object: Value) {
        let mut told = self.told();
        if told.events.len() < MOST_EVENTS {
            told.events.push(object);
        } else {
            told.dropped += 1;
        }
    }

    /// Takes down the keys of the result.
    pub(in crate::cli) fn result(&self, keys: Map<String, Value>) {
        self.told().result = Some(keys);
    }

    /// Where the log goes.
    pub(in crate::cli) fn log(&self) -> Lines {
        self.log.clone()
    }

    /// Everything so far, but for log and transcript.
    pub(super) fn so_far(&self) -> Told {
        self.told().clone()
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transcript that goes to a file, to the recording, to both, or is not wanted.
pub(in crate::cli) fn transcript(
    file: Option<File>,
    recording: Option<&Recording>,
) -> Option<Transcript> {
    let kept = recording.map(|recording| recording.transcript.clone());
    let to: Box<dyn Write + Send> = match (file, kept) {
        (None, None) => return None,
        (Some(file), None) => Box::new(file),
        (None, Some(kept)) => Box::new(kept),
        (Some(file), Some(kept)) => Box::new(Both { file, kept }),
    };
    Some(Transcript::new(to))
}

/// Everything goes to the one and to the other.
struct Both {
    file: File,
    kept: Lines,
}

impl Write for Both {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Before the file, which may be full.
        self.kept.write_all(bytes)?;
        self.file.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Lines of text: the first and the last of them, where there are too many. Its copies are the same
/// one.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Lines(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    /// What has no end yet.
    partial: Vec<u8>,
    first: Vec<String>,
    /// How long these are.
    first_bytes: usize,
    last: VecDeque<String>,
    last_bytes: usize,
    /// How many there were between the two.
    dropped: usize,
}

impl Lines {
    /// All that were kept, and a line that says how many were not.
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

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn push(&mut self, line: String) {
        if self.last.is_empty() && self.first_bytes + line.len() <= FIRST {
            self.first_bytes += line.len();
            self.first.push(line);
            return;
        }
        self.last_bytes += line.len();
        self.last.push_back(line);
        while self.last_bytes > LAST
            && let Some(oldest) = self.last.pop_front()
        {
            self.last_bytes -= oldest.len();
            self.dropped += 1;
        }
    }
}

impl Write for Lines {
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

/// Of lines, in bytes: how a run began, and how it ended.
const FIRST: usize = 128 * 1024;
const LAST: usize = 1024 * 1024;
/// Hours of a run that polls.
const MOST_EVENTS: usize = 5000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_lines_the_first_and_the_last_are_kept() {
        let mut lines = Lines::default();
        let count = 30_000;
        for number in 0..count {
            // In pieces, as a formatter writes.
            write!(lines, "{number:05} ").unwrap();
            writeln!(lines, "{}", "x".repeat(94)).unwrap();
        }
        write!(lines, "and half a line").unwrap();
        let all = lines.all();
        let bytes: usize = all.iter().map(String::len).sum();
        assert!(bytes < FIRST + LAST + 100, "{bytes}");
        assert!(all[0].starts_with("00000 x"));
        assert_eq!(all[all.len() - 1], "and half a line");
        assert!(all[all.len() - 2].starts_with("29999 x"));
        let gap = all.iter().position(|line| line.starts_with('[')).unwrap();
        let dropped = count - (all.len() - 2);
        assert_eq!(all[gap], format!("[{dropped} lines left out]"));
    }
}
