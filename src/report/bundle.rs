//! The text of a support bundle: one file about a run, to attach to a report. It has no secret: only
//! data that may be logged or printed as an event goes in, and the face has removed secrets from the
//! command line and the failure.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::exit::Exit;
use super::failure::Failure;
use super::recorder::{RecordedRun, Recorder};
use super::redact_email::redact_emails;
use super::system;
use crate::ident::printable_json;

/// Whether a bundle includes the command's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResultPolicy {
    /// The result has no secrets.
    Include,
    /// The result has secrets, or is long and always the same.
    Omit,
}

/// The findings of `doctor`, or the reason why it did not run.
pub(crate) type Findings = Result<Vec<Value>, &'static str>;

/// How a run was started, and how long it took.
#[derive(Debug)]
pub(crate) struct RunStart<'a> {
    /// The command line, without secrets.
    pub command: &'a str,
    /// The environment variables that espctl read, without secrets.
    pub environment: &'a [String],
    pub began: SystemTime,
    pub took: Duration,
}

/// Composes the text of the bundle.
pub(crate) fn compose_bundle(
    start: &RunStart<'_>,
    recorder: &Recorder,
    policy: ResultPolicy,
    failure: Option<&Failure>,
    findings: &Findings,
) -> String {
    let mut run = recorder.so_far();
    let timings = list_timings(&run.events);
    if run.dropped > 0 {
        run.events.push(json!({"left_out": run.dropped}));
    }
    let skipped = |why: &str| vec![json!({"skipped": why})];
    let findings = findings.clone().unwrap_or_else(skipped);
    let result = describe_result(policy, failure, &run);
    let line = |value: &Value| printable_json(&value.to_string());
    let lines = |values: &[Value]| values.iter().map(line).collect();
    let sections: [(&str, Vec<String>); 8] = [
        ("run", lines(&[describe_run(start, failure)])),
        ("system", lines(&[system::describe_system()])),
        ("result", lines(&[result])),
        ("doctor", lines(&findings)),
        ("timings", lines(&timings)),
        ("events", lines(&run.events)),
        ("transcript", recorder.transcript.all()),
        ("log", recorder.log.all()),
    ];
    // A line of the log could look like a section.
    let space = |line: &str| if line.starts_with("## ") { " " } else { "" };
    let mut text = vec![HEAD.to_owned()];
    for (name, lines) in sections {
        text.push(format!("\n## {name}\n"));
        text.extend(lines.iter().map(|line| format!("{}{line}\n", space(line))));
    }
    redact_emails(&text.concat())
}

fn describe_run(start: &RunStart<'_>, failure: Option<&Failure>) -> Value {
    let exit = failure.map_or(Exit::Done, |failure| failure.exit);
    json!({
        "program": concat!("espctl ", env!("CARGO_PKG_VERSION")),
        "build": if cfg!(debug_assertions) { "debug" } else { "release" },
        "command": start.command,
        "environment": start.environment,
        "began": httpdate::fmt_http_date(start.began),
        "took_ms": u64::try_from(start.took.as_millis()).unwrap_or(u64::MAX),
        "exit": exit.code(),
        "meaning": exit.meaning(),
    })
}

fn describe_result(policy: ResultPolicy, failure: Option<&Failure>, run: &RecordedRun) -> Value {
    let mut object = Map::from_iter([("ok".to_owned(), json!(failure.is_none()))]);
    object.extend(failure.map(|failure| ("error".to_owned(), json!(failure))));
    match (policy, &run.result) {
        (ResultPolicy::Include, Some(keys)) => object.extend(keys.clone()),
        (ResultPolicy::Omit, Some(_)) => {
            object.insert("left_out".to_owned(), "what this command prints".into());
        }
        (_, None) => {}
    }
    Value::Object(object)
}

/// The duration of each step of the run, and of each stage of provisioning.
fn list_timings(events: &[Value]) -> Vec<Value> {
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

/// The steps of a run: name, first event, last event.
const STEPS: [(&str, &str, &str); 5] = [
    ("search", "search_started", "device_found"),
    ("connect", "device_found", "connected"),
    ("identify", "connected", "scheme_chosen"),
    ("secure", "scheme_chosen", "secured"),
    ("scan", "wifi_scan_started", "wifi_scanned"),
];
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
    fn timings_omit_duration_of_unfinished_step() {
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
        let timings = list_timings(&events);
        let took: Vec<_> = timings
            .iter()
            .map(|step| step["took_ms"].as_u64())
            .collect();
        assert_eq!(took, [Some(100), Some(40), Some(10), None, Some(7)]);
        assert_eq!(timings[3]["step"], "secure");
        assert_eq!(timings[4]["stage"], "send_wifi");
        assert_eq!(list_timings(&[]), Vec::<Value>::new());
    }
}
