//! What a log writes and shows, and the sink that other tests read.

use std::sync::{Arc, Mutex, PoisonError};

use super::*;

/// A sink that a test can read while the device writes.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    pub(crate) fn lines(&self) -> Vec<Value> {
        let bytes = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        String::from_utf8(bytes)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn events(&self) -> Vec<String> {
        self.lines()
            .iter()
            .map(|line| line["event"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_has_the_event_its_time_and_its_connection() {
    let sink = Shared::default();
    let mut log = Log::new().lines_to(Box::new(sink.clone()));
    log.set_connection(Some(7));
    log.write(&Entry::Strike { count: 2 });
    log.write_at(log.started, &Entry::Locked);
    let lines = sink.lines();
    assert_eq!(lines[0]["event"], "strike");
    assert_eq!(lines[0]["count"], 2);
    assert_eq!(lines[0]["connection"], 7);
    assert!(lines[0]["ms"].is_u64());
    assert_eq!(lines[1], serde_json::json!({"ms": 0, "event": "locked"}));
}

#[test]
fn people_are_shown_no_passphrase_and_no_escape_sequence() {
    let entry = Entry::WifiSet {
        ssid: "a\u{1b}[31m".to_owned(),
        ssid_hex: String::new(),
        passphrase: "correct horse battery".to_owned(),
        passphrase_hex: "636f7272656374".to_owned(),
    };
    let shown = entry.to_string();
    assert_eq!(shown, r"credentials for a\u{1b}[31m stored");
}

#[test]
fn a_sink_that_fails_is_given_up() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (said, heard) = std::sync::mpsc::channel();
    let mut log = Log::new()
        .lines_to(Box::new(Full))
        .shown_to(Box::new(move |entry| said.send(entry.clone()).unwrap()));
    log.write(&Entry::Locked);
    log.write(&Entry::Locked);
    let heard: Vec<Entry> = heard.try_iter().collect();
    assert_eq!(heard, [Entry::Locked, Entry::LogLost, Entry::Locked]);
}
