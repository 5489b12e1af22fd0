//! `--support-bundle`: one file about a run that is worth attaching to a report. What the run leaves
//! behind is kept by `recording` while it goes on; here it is put together when it has ended, well or
//! badly, with what doctor says. No secret is in it: nothing goes in that may not be logged or
//! printed as an event, and of the command line only what is known to be harmless.

mod mail;
mod place;
mod recording;
mod run_line;
mod system;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{ArgMatches, Command};
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout};

use self::recording::Told;
pub(super) use self::recording::{Recording, transcript};
use self::run_line::RunLine;
use super::doctor::after::{Reach, findings};
use super::drivers::Drivers;
use super::error_id::ErrorId;
use super::exit::Exit;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::settings::{Existing, create_private};
use super::ui::{Color, Ui};
use super::usage;
use crate::ident::printable_json;

/// A file that is there already, and what it will say.
#[derive(Debug)]
pub(super) struct Bundle {
    file: File,
    path: PathBuf,
    line: RunLine,
    recording: Recording,
    began: Instant,
    began_at: SystemTime,
}

/// What becomes of a command's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It may be read by others.
    Kept,
    /// It shows what it exists to show, secrets included, or is long and always the same.
    LeftOut,
}

/// What doctor says, or why it says nothing.
pub(super) type Findings = Result<Vec<Value>, &'static str>;

impl Bundle {
    /// Takes the place before anything is touched.
    pub(super) fn begin(
        path: &Path,
        mut tree: Command,
        matches: &ArgMatches,
    ) -> Result<Self, Failure> {
        // Flags of every command are known to the innermost one, too.
        tree.build();
        place::refuse_shared(path, &tree, matches)?;
        Self::at(path, RunLine::of(&tree, matches))
    }

    fn at(path: &Path, line: RunLine) -> Result<Self, Failure> {
        Ok(Self {
            file: create_private(path, "--support-bundle", Existing::Replaced)?,
            path: path.to_owned(),
            line,
            recording: Recording::default(),
            began: Instant::now(),
            began_at: now(),
        })
    }

    /// Where what happens is taken down.
    pub(super) fn recording(&self) -> &Recording {
        &self.recording
    }

    /// Has doctor look at what the run had to do with, and at nothing else. A signal ends that.
    pub(super) async fn look(
        &self,
        reach: Reach,
        matches: &ArgMatches,
        ui: &Ui,
        interrupts: &mut Interrupts,
        drivers: &Drivers,
    ) -> Findings {
        ui.wait("Looking at this computer for the support bundle");
        let medium = self.recording.so_far().medium;
        let looking = async { Ok(timeout(LOOK, findings(reach, medium, matches, drivers)).await) };
        let outcome = interrupts.or(looking).await;
        ui.stop_waiting();
        match outcome {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err("it did not end in time"),
            Err(_) => Err("it was interrupted"),
        }
    }

    /// Writes it, and says so. That it cannot be written changes nothing of how the run ended.
    pub(super) fn write(
        mut self,
        answer: Answer,
        failure: Option<&Failure>,
        findings: &Findings,
        ui: &Ui,
    ) {
        let text = self.text(answer, failure, findings);
        let path = self.path.display().to_string();
        match self.write_text(&text) {
            Ok(()) => ui.say(&format!(
                "The support bundle is in {path}: no secret is in it, but names and addresses are"
            )),
            Err(error) => super::ui::note(&format!(
                "warning: the support bundle cannot be written to {path}: {error}"
            )),
        }
    }

    fn write_text(&mut self, text: &str) -> io::Result<()> {
        self.file.write_all(text.as_bytes())?;
        self.file.flush()
    }

    fn text(&self, answer: Answer, failure: Option<&Failure>, findings: &Findings) -> String {
        let happened = self.recording.so_far();
        let mut text = HEAD.to_owned();
        let mut section = |name: &str, lines: Vec<String>| {
            text.push_str("\n## ");
            text.push_str(name);
            text.push('\n');
            for line in lines {
                // A line of the log may begin as it likes.
                if line.starts_with("## ") {
                    text.push(' ');
                }
                text.push_str(&line);
                text.push('\n');
            }
        };
        section("run", vec![line(&self.run(failure))]);
        section("system", vec![line(&system::described())]);
        section(
            "result",
            vec![line(&self.result(answer, failure, &happened))],
        );
        section(
            "doctor",
            match findings {
                Ok(found) => found.iter().map(line).collect(),
                Err(why) => vec![line(&json!({"skipped": why}))],
            },
        );
        section(
            "timings",
            timings(&happened.events).iter().map(line).collect(),
        );
        let dropped = (happened.dropped > 0).then(|| json!({"left_out": happened.dropped}));
        let events = happened.events.iter().chain(&dropped);
        section("events", events.map(line).collect());
        section("transcript", self.recording.transcript.all());
        section("log", self.recording.log.all());
        mail::shortened(&text)
    }

    fn run(&self, failure: Option<&Failure>) -> Value {
        let exit = failure.map_or(Exit::Done, |failure| failure.exit);
        json!({
            "program": concat!("espctl ", env!("CARGO_PKG_VERSION")),
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
            "command": self.line.command,
            "environment": self.line.environment,
            "began": httpdate::fmt_http_date(self.began_at),
            "took_ms": millis(self.began.elapsed()),
            "exit": exit.code(),
            "meaning": exit.meaning(),
        })
    }

    fn result(&self, answer: Answer, failure: Option<&Failure>, told: &Told) -> Value {
        let mut object = Map::new();
        object.insert("ok".to_owned(), failure.is_none().into());
        if let Some(failure) = failure {
            let retold =
                |lines: &[String]| lines.iter().map(|line| self.line.retold(line)).collect();
            let failure = Failure {
                message: self.line.retold(&failure.message),
                doing: failure.doing.clone(),
                causes: retold(&failure.causes),
                hints: retold(&failure.hints),
                ..*failure
            };
            object.insert("error".to_owned(), failure.to_json());
        }
        match (answer, &told.result) {
            (Answer::Kept, Some(keys)) => object.extend(keys.clone()),
            (Answer::LeftOut, Some(_)) => {
                object.insert("left_out".to_owned(), "what this command prints".into());
            }
            (_, None) => {}
        }
        Value::Object(object)
    }
}

/// A bundle for a command line that was not understood, so that none of an earlier run is taken for
/// this one's. Such a line is not repeated, nor what is wrong with it: it may be part of a secret.
pub(super) fn of_no_run(arguments: &[OsString]) {
    let Some(path) = place::of_line(arguments) else {
        return;
    };
    let ui = Ui::new(usage::format_of(arguments), Color::Auto);
    let message = "the command line was not understood (not shown: it may hold a secret)";
    let failure = Failure::new(ErrorId::Usage, message);
    match Bundle::at(&path, RunLine::of_nothing()) {
        Ok(bundle) => bundle.write(
            Answer::LeftOut,
            Some(&failure),
            &Err("there was no run"),
            &ui,
        ),
        Err(failure) => super::ui::note(&format!("warning: {}", failure.message)),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "for whoever compares it with other logs; nothing is decided by it"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

/// How long each step took: those of every run, and the stages of provisioning.
fn timings(events: &[Value]) -> Vec<Value> {
    let at = |event: &Value| event.get("elapsed_ms").and_then(Value::as_u64);
    let is = |event: &Value, name: &str| event.get("event").is_some_and(|event| event == name);
    let of_every_run = STEPS.into_iter().filter_map(|(step, begin, end)| {
        let mut events = events.iter();
        let since = at(events.find(|event| is(event, begin))?)?;
        let ended = events.find(|event| is(event, end)).and_then(at);
        let took = ended.map(|ended| ended.saturating_sub(since));
        Some(json!({"step": step, "began_ms": since, "took_ms": took}))
    });
    let stages = events.iter().filter(|event| is(event, "stage"));
    let stages = stages.filter_map(|event| {
        let took = event.get("took_ms")?;
        let (name, outcome) = (event.get("stage")?, event.get("state")?);
        Some(json!({"stage": name, "state": outcome, "took_ms": took, "ended_ms": at(event)}))
    });
    of_every_run.chain(stages).collect()
}

fn line(value: &Value) -> String {
    printable_json(&value.to_string())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What took time in any run: from which event to which.
const STEPS: [(&str, &str, &str); 5] = [
    ("search", "search_started", "device_found"),
    ("connect", "device_found", "connected"),
    ("identify", "connected", "scheme_chosen"),
    ("secure", "scheme_chosen", "secured"),
    ("scan", "wifi_scan_started", "wifi_scanned"),
];
/// Of all that doctor looks at. Each part has a limit of its own below it.
const LOOK: Duration = Duration::from_secs(3);
const HEAD: &str = "\
espctl support bundle, form 1. Made for a report about espctl; read it before you pass it on.
In it: names of Wi-Fi networks, names and addresses of devices and of this computer's interfaces, node ids,
paths of files, user names (of e-mail addresses the first letter and the domain).
Not in it: passphrases, proofs of possession, passwords, tokens, keys, QR payloads, bytes of `device call`.
A section begins with `## `; its lines are JSON objects, those of the log plain text.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_ended_have_their_time_and_the_last_has_none() {
        let event = |name: &str, ms: u64| json!({"event": name, "elapsed_ms": ms});
        let mut events = vec![
            event("search_started", 10),
            event("device_found", 110),
            event("connected", 150),
            event("scheme_chosen", 160),
        ];
        events.push(json!({
            "event": "stage", "elapsed_ms": 200, "stage": "send_wifi", "state": "done", "took_ms": 7,
        }));
        let told = timings(&events);
        let took: Vec<_> = told.iter().map(|one| one["took_ms"].as_u64()).collect();
        assert_eq!(took, [Some(100), Some(40), Some(10), None, Some(7)]);
        assert_eq!(told[3]["step"], "secure");
        assert_eq!(told[4]["stage"], "send_wifi");
        assert_eq!(timings(&[]), Vec::<Value>::new());
    }
}
