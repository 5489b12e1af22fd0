//! A serial port that a client has opened: writes bytes and collects everything that was read.
//! Waits end with the expected event or at a time limit.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// An open port.
pub(crate) struct Port {
    file: File,
    received: Arc<Received>,
}

#[derive(Default)]
struct Received {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

impl Port {
    pub(crate) fn open(path: impl AsRef<Path>) -> Self {
        let file = File::options()
            .read(true)
            .write(true)
            .open(path)
            .expect("a port");
        let received = Arc::<Received>::default();
        let (from, to) = (file.try_clone().expect("a port"), Arc::clone(&received));
        thread::spawn(move || to.follow(from));
        Self { file, received }
    }

    pub(crate) fn send(&mut self, text: &str) {
        self.file.write_all(text.as_bytes()).expect("an open port");
    }

    /// Waits until the unread bytes end like this, and returns them.
    #[track_caller]
    pub(crate) fn until(&self, end: &str) -> String {
        self.take_when(end, |bytes| bytes.ends_with(end.as_bytes()))
    }

    /// Waits until the unread bytes contain this, and returns them.
    #[track_caller]
    pub(crate) fn with(&self, text: &str) -> String {
        let expected = text.as_bytes();
        self.take_when(text, |bytes| {
            bytes.windows(expected.len()).any(|part| part == expected)
        })
    }

    /// Waits until this many bytes were read, and returns them.
    #[track_caller]
    pub(crate) fn at_least(&self, bytes: usize) -> Vec<u8> {
        self.take_bytes_when("enough", |read| read.len() >= bytes)
    }

    /// Waits until the line is closed, and returns what was read.
    #[track_caller]
    pub(crate) fn wait_closed(&self) -> String {
        let mut state = self.received.wait_until(|state| state.ended);
        assert!(state.ended, "still open");
        String::from_utf8_lossy(&std::mem::take(&mut state.bytes)).into_owned()
    }

    /// Returns what is read within this time, to show that no other bytes arrive.
    pub(crate) fn within(&self, time: Duration) -> Vec<u8> {
        thread::sleep(time);
        std::mem::take(&mut self.received.state.lock().unwrap().bytes)
    }

    #[track_caller]
    fn take_when(&self, expected: &str, is_there: impl Fn(&[u8]) -> bool) -> String {
        String::from_utf8_lossy(&self.take_bytes_when(expected, is_there)).into_owned()
    }

    #[track_caller]
    fn take_bytes_when(&self, expected: &str, is_there: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let mut state = self
            .received
            .wait_until(|state| state.ended || is_there(&state.bytes));
        let text = String::from_utf8_lossy(&state.bytes);
        assert!(
            is_there(&state.bytes),
            "{expected:?} never arrived: {text:?}"
        );
        std::mem::take(&mut state.bytes)
    }
}

impl Received {
    /// Waits until the condition is met, or the time limit is over.
    fn wait_until(&self, is_met: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let state = self.state.lock().unwrap();
        let waited = self
            .changed
            .wait_timeout_while(state, LIMIT, |state| !is_met(state));
        waited.unwrap().0
    }

    fn follow(&self, mut from: File) {
        let mut buffer = [0; 4096];
        loop {
            // Reading a closed port returns an error or the end of the file.
            let read = from.read(&mut buffer).unwrap_or_default();
            let mut state = self.state.lock().unwrap();
            state.ended = read == 0;
            state.bytes.extend_from_slice(&buffer[..read]);
            self.changed.notify_all();
            if read == 0 {
                return;
            }
        }
    }
}

/// Longer than any wait of a test.
const LIMIT: Duration = Duration::from_mins(2);
