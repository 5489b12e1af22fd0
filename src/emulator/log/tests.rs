//! The lines of a log, and a sink that other tests read.

use std::io;
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
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn line_has_event_time_and_connection() {
    let sink = Shared::default();
    let mut log = Log::default().with_sink(Box::new(sink.clone()));
    log.connection = Some(7);
    log.write(&DeviceEvent::Strike { count: 2 });
    log.write_at(log.started.0, &DeviceEvent::Locked);
    let lines = sink.lines();
    assert_eq!(lines[0]["event"], "strike");
    assert_eq!(lines[0]["count"], 2);
    assert_eq!(lines[0]["connection"], 7);
    assert!(lines[0]["ms"].is_u64());
    assert_eq!(lines[1], serde_json::json!({"ms": 0, "event": "locked"}));
}

/// A log, and the lines that it shows.
fn shown() -> (Log, Receiver<String>) {
    let (sender, lines) = channel();
    let reader = move |line: &str| sender.send(line.to_owned()).unwrap();
    (Log::default().with_reader(Box::new(reader)), lines)
}

#[test]
fn text_lines_have_no_passphrase_and_no_escape_sequence() {
    let (mut log, lines) = shown();
    log.write(&DeviceEvent::WifiSet {
        ssid: "a\u{1b}[31m".to_owned(),
        ssid_hex: String::new(),
        passphrase: "correct horse battery".to_owned(),
        passphrase_hex: "636f7272656374".to_owned(),
    });
    assert_eq!(lines.recv().unwrap(), r"credentials for a\u{1b}[31m stored");
}

#[test]
fn text_lines_have_optional_parts() {
    let secured = |username: Option<&str>| DeviceEvent::Secured {
        scheme: SecurityScheme::Sec2,
        username: username.map(str::to_owned),
        pop: None,
    };
    let failed = |reason| DeviceEvent::ProvEvent {
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
        (DeviceEvent::Reset { accepted: true }, "reset"),
        (DeviceEvent::Reset { accepted: false }, "reset refused"),
    ] {
        assert_eq!(entry.to_string(), line);
    }
}

#[test]
fn log_stops_writing_to_failed_sink() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::StorageFull))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (log, lines) = shown();
    let mut log = log.with_sink(Box::new(Full));
    log.write(&DeviceEvent::Locked);
    log.write(&DeviceEvent::Locked);
    let locked = "locked until restart";
    let lost = "the log file cannot be written, and ends here";
    assert_eq!(lines.try_iter().collect::<Vec<_>>(), [locked, lost, locked]);
}
