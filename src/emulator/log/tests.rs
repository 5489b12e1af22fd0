//! What a log writes and shows, and the sink that other tests read.

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use super::*;
use crate::security::SecurityScheme;

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
fn line_has_event_time_and_connection() {
    let sink = Shared::default();
    let mut log = Log::default().lines_to(Box::new(sink.clone()));
    log.connection = Some(7);
    log.write(&Entry::Strike { count: 2 });
    log.write_at(log.started, &Entry::Locked);
    let lines = sink.lines();
    assert_eq!(lines[0]["event"], "strike");
    assert_eq!(lines[0]["count"], 2);
    assert_eq!(lines[0]["connection"], 7);
    assert!(lines[0]["ms"].is_u64());
    assert_eq!(lines[1], serde_json::json!({"ms": 0, "event": "locked"}));
}

/// A log that shows its lines, and where they arrive.
fn shown() -> (Log, Receiver<String>) {
    let (sender, lines) = channel();
    let reader = move |line: &str| sender.send(line.to_owned()).unwrap();
    (Log::default().shown_to(Box::new(reader)), lines)
}

#[test]
fn lines_for_people_have_no_passphrase_and_no_escape_sequence() {
    let (mut log, lines) = shown();
    log.write(&Entry::WifiSet {
        ssid: "a\u{1b}[31m".to_owned(),
        ssid_hex: String::new(),
        passphrase: "correct horse battery".to_owned(),
        passphrase_hex: "636f7272656374".to_owned(),
    });
    assert_eq!(lines.recv().unwrap(), r"credentials for a\u{1b}[31m stored");
}

#[test]
fn lines_for_people_have_the_optional_parts_that_are_there() {
    let secured = |username: Option<&str>| Entry::Secured {
        scheme: SecurityScheme::Sec2,
        username: username.map(str::to_owned),
        pop: None,
    };
    let failed = |reason| Entry::ProvEvent {
        name: ProvEvent::CredFail,
        reason,
    };
    for (entry, line) in [
        (
            secured(Some("wifiprov")),
            "secured with Security 2 as wifiprov",
        ),
        (secured(None), "secured with Security 2"),
        (failed(Some("auth_error")), "event cred_fail: auth_error"),
        (failed(None), "event cred_fail"),
        (Entry::Reset { accepted: true }, "reset"),
        (Entry::Reset { accepted: false }, "reset refused"),
    ] {
        assert_eq!(entry.to_string(), line);
    }
}

#[test]
fn log_gives_up_a_sink_that_fails() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::from(std::io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (log, lines) = shown();
    let mut log = log.lines_to(Box::new(Full));
    log.write(&Entry::Locked);
    log.write(&Entry::Locked);
    let locked = "locked until restart";
    let lost = "the log file cannot be written, and ends here";
    assert_eq!(lines.try_iter().collect::<Vec<_>>(), [locked, lost, locked]);
}
