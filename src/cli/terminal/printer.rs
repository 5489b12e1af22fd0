//! Prints results and failures, as text or as one JSON object a line, and records them for a support
//! bundle. Text and JSON are two views of the same events; secrets are in neither.

use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::output::{merge_objects, print_json, print_note, write_line};
use super::spinner::Spinner;
use crate::flows::{Event, RowName};
use crate::report::{Failure, Recorder};

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines: one object a line on stdout.
    Json,
}

/// Prints everything that a command has to show. Clones print to the same terminal.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Printer {
    format: Format,
    began: Instant,
    recorder: Option<Recorder>,
    /// The line of the terminal that shows progress.
    pub(in crate::cli) spinner: Spinner,
    /// Keys for the `result` object of a failure.
    reported: Arc<Mutex<Value>>,
}

impl Printer {
    /// A printer without a spinner. It starts the clock of `elapsed_ms`.
    pub(in crate::cli) fn new(format: Format) -> Self {
        Self {
            format,
            began: Instant::now(),
            recorder: None,
            spinner: Spinner::default(),
            reported: Arc::default(),
        }
    }

    /// Records everything that machines could read.
    #[must_use]
    pub(in crate::cli) fn recorded(self, recorder: Option<Recorder>) -> Self {
        Self { recorder, ..self }
    }

    /// The record of the run.
    pub(in crate::cli) fn recorder(&self) -> Option<&Recorder> {
        self.recorder.as_ref()
    }

    /// Shows that espctl waits for this, unless it ends at once.
    pub(in crate::cli) async fn show_wait<T>(
        &self,
        what: &str,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        if let Ok(done) = timeout(UNNOTICED, work.as_mut()).await {
            return done;
        }
        self.spinner.start(what);
        let done = work.await;
        self.spinner.clear();
        done
    }

    /// Shows that espctl waits for the cloud.
    pub(in crate::cli) async fn show_call<T>(&self, call: impl Future<Output = T>) -> T {
        self.show_wait("Waiting for the cloud", call).await
    }

    /// The format of results.
    pub(in crate::cli) fn format(&self) -> Format {
        self.format
    }

    /// Seconds since the start, to the hundredth.
    pub(in crate::cli) fn elapsed(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 100.0).round() / 100.0
    }

    /// Prints a line for people on stderr; nothing in JSON.
    pub(in crate::cli) fn print_line(&self, line: &str) {
        if self.format == Format::Text {
            self.print_note(line);
        }
    }

    /// Prints a line for people on stderr, in any format.
    pub(in crate::cli) fn print_note(&self, line: &str) {
        self.spinner.print_above(line);
    }

    /// Prints something that the user has to act on: a line, or an event with these keys.
    pub(in crate::cli) fn announce(&self, event: &str, line: &str, keys: Value) {
        if let Some(recorder) = &self.recorder {
            // The keys may be secret.
            recorder.note(self.object(event, []));
        }
        match self.format {
            Format::Text => self.print_line(line),
            Format::Json => print_object(&self.object(event, [keys])),
        }
    }

    /// Records an event of a flow and, if `is_shown`, prints it in JSON.
    pub(super) fn print_event(&self, row: Option<&RowName>, event: &Event, is_shown: bool) {
        let is_shown = is_shown && self.format == Format::Json;
        if !is_shown && self.recorder.is_none() {
            return;
        }
        let keys = serde_json::to_value(event).unwrap_or_default();
        let row = row.map_or(Value::Null, |row| json!({ "device": row.as_str() }));
        let object = self.object("", [keys, row]);
        if is_shown {
            print_object(&object);
        }
        if let Some(recorder) = &self.recorder {
            recorder.event(event, object);
        }
    }

    /// Prints the result of a run that succeeded: text lines, or the keys of the `result` object. It
    /// fails if they cannot be written.
    pub(in crate::cli) fn result(&self, lines: &[String], keys: Value) -> Result<(), Failure> {
        self.spinner.clear();
        self.record_result(&keys);
        let printed = match self.format {
            Format::Text => write_line(&mut anstream::stdout().lock(), &lines.join("\n")),
            Format::Json => print_json(&self.object("result", [json!({ "ok": true }), keys])),
        };
        printed.map_err(|error| Failure::output_lost(&error))
    }

    /// Prints what a run found that will fail: text lines now, or keys of the `result` object that the
    /// failure prints.
    pub(in crate::cli) fn report(&self, lines: &[String], keys: Value) -> Result<(), Failure> {
        if self.format == Format::Text {
            return self.result(lines, keys);
        }
        self.record_result(&keys);
        *self.reported() = keys;
        Ok(())
    }

    /// Prints how a run failed.
    pub(in crate::cli) fn failure(&self, failure: &Failure) {
        self.spinner.clear();
        if self.format == Format::Json {
            let keys = json!({ "ok": false, "error": failure });
            return print_object(&self.object("result", [keys, self.reported().clone()]));
        }
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        print_note(&format!("{red}error:{red:#} {}", failure.message));
        if let Some(step) = &failure.step {
            print_note(&format!("  while: {step}"));
        }
        for cause in &failure.causes {
            print_note(&format!("  cause: {cause}"));
        }
        for hint in &failure.hints {
            print_note(&format!("hint: {hint}"));
        }
        print_note(&format!("see: espctl explain {}", failure.id));
    }

    fn reported(&self) -> MutexGuard<'_, Value> {
        self.reported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record_result(&self, keys: &Value) {
        if let (Some(recorder), Value::Object(keys)) = (&self.recorder, keys) {
            recorder.result(keys.clone());
        }
    }

    /// The keys that every line of JSON has, and these.
    fn object<const N: usize>(&self, event: &str, keys: [Value; N]) -> Value {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let head = json!({ "schema": SCHEMA, "event": event, "elapsed_ms": elapsed });
        merge_objects(std::iter::once(head).chain(keys))
    }
}

/// Prints an object that is not the result of a success. If it cannot be written, the result cannot
/// either, or the exit code remains.
fn print_object(object: &Value) {
    let _lost: io::Result<()> = print_json(object);
}

/// A wait that ends sooner needs no spinner.
const UNNOTICED: Duration = Duration::from_millis(500);
/// Raised when a key changes its meaning or is removed.
const SCHEMA: u32 = 1;
