//! Every kind of JSON object that espctl prints or logs: its keys in their order, with the types of
//! their values. Scripts rely on these keys, so each is compared with a committed snapshot. What the
//! values mean is tested elsewhere.
//!
//! One line of a snapshot describes one object; `event`, `stage`, `state`, `id` and `transport` are
//! shown with their values. An object like an earlier one of its section is left out, because the
//! number of polls depends on the speed of the machine.

mod account;
mod devices;
mod emulators;
mod local;
mod provision;
mod records;

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::Mutex;
use std::{env, fs, thread};

use serde_json::Value;

use super::doctor::namespace::in_a_computer;
use crate::support::espctl::Output;
use crate::support::usb;

#[test]
fn account_commands_match_snapshot() {
    compare("account.txt", &run_cases(account::CASES));
}

#[test]
fn device_commands_match_snapshot() {
    compare("devices.txt", &run_cases(devices::CASES));
}

#[test]
fn serial_ports_on_usb_match_snapshot() {
    if usb::ports("cli::json_keys::serial_ports_on_usb_match_snapshot").is_entered() {
        compare("usb.txt", &devices::discover_on_usb());
    }
}

#[test]
fn doctor_matches_snapshot() {
    // In a namespace, because each computer has other interfaces.
    let look = |heading: &str, arguments: &[&str]| {
        let output = in_a_computer("ip link set lo up", arguments)?;
        Some(Section::printed(heading, &output))
    };
    let port = ["--port", "/dev/null"];
    let missing = ["--transport", "console", "--port", "/dev/not-there"];
    let sections = [
        look("doctor", &port),
        look("doctor --require", &[&port[..], &["--require"]].concat()),
        look("doctor, no serial port", &missing),
    ];
    let Some(mut sections) = sections.into_iter().collect::<Option<Vec<_>>>() else {
        return;
    };
    sections.push(account::run_doctor());
    compare("doctor.txt", &sections);
}

#[test]
fn emulators_match_snapshot() {
    compare("emulators.txt", &run_cases(emulators::CASES));
}

#[test]
fn local_commands_match_snapshot() {
    compare("local.txt", &run_cases(local::CASES));
}

#[test]
fn provision_matches_snapshot() {
    compare("provision.txt", &run_cases(provision::CASES));
}

#[test]
fn transcripts_and_bundles_match_snapshot() {
    compare("records.txt", &run_cases(records::CASES));
}

/// An event without a section could change unnoticed.
#[test]
fn documented_events_are_in_snapshots() {
    for (page, heading, snapshot) in [
        ("reference/json.md", "## Events of `provision`", "provision"),
        ("reference/json.md", "## Transcripts", "records"),
        ("concepts/emulators.md", "## The log", "emulators"),
        ("guides/emulated-cloud.md", "## The log", "emulators"),
    ] {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = fs::read_to_string(root.join("docs").join(page)).unwrap();
        let snapshot = fs::read_to_string(snapshot_path(&format!("{snapshot}.txt"))).unwrap();
        let lines = page.lines().skip_while(|line| !line.starts_with(heading));
        let table = lines.skip_while(|line| !line.starts_with("| ")).skip(2);
        let rows: Vec<&str> = table.take_while(|line| line.starts_with("| ")).collect();
        assert!(rows.len() > 5, "no table below {heading:?}");
        for row in rows {
            let first_cell = row.split('|').nth(1).unwrap();
            for event in first_cell.split('`').skip(1).step_by(2) {
                let key = format!("event: {event:?}");
                assert!(snapshot.contains(&key), "{event} is in no section");
            }
        }
    }
}

/// Produces sections of a snapshot.
type Case = fn() -> Vec<Section>;

/// The objects of one run or log: a heading, and a line for each kind of object.
struct Section {
    heading: String,
    lines: Vec<String>,
}

impl Section {
    /// The objects that a run printed, in order.
    fn printed(heading: &str, output: &Output) -> Self {
        let exit = output.exit.expect("an end without a signal");
        Self::new(format!("{heading} (exit {exit})"), &output.json())
    }

    /// Removes an event whose presence depends on the speed of the machine.
    fn without(mut self, event: &str) -> Self {
        let key = format!("event: {event:?},");
        self.lines.retain(|line| !line.contains(&key));
        self
    }

    /// The entries of a log, sorted: their order depends on several processes.
    fn logged(heading: &str, entries: &[Value]) -> Self {
        let mut section = Self::new(heading.to_owned(), entries);
        section.lines.sort_unstable();
        section
    }

    fn new(heading: String, objects: &[Value]) -> Self {
        let mut section = Self {
            heading,
            lines: Vec::new(),
        };
        section.add(objects.iter().map(describe_keys));
        section
    }

    fn add(&mut self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            if !self.lines.contains(&line) {
                self.lines.push(line);
            }
        }
    }
}

/// The keys of an object. Elements of a list are described together.
fn describe_keys(object: &Value) -> String {
    let mut keys = Keys::default();
    keys.add(object, "", "");
    let keys = keys.paths.into_iter().map(|(path, types)| {
        let types: Vec<String> = types.into_iter().collect();
        format!("{path}: {}", types.join("|"))
    });
    keys.collect::<Vec<_>>().join(", ")
}

/// The paths of an object in the order of its keys, with the types of the values.
#[derive(Default)]
struct Keys {
    paths: Vec<(String, BTreeSet<String>)>,
    /// Where to insert a new path: behind the path before it.
    next: usize,
}

impl Keys {
    /// Adds the value at `path`, whose last key is `key`.
    fn add(&mut self, value: &Value, path: &str, key: &str) {
        let kind = match value {
            Value::Object(members) if !members.is_empty() => {
                for (key, member) in members {
                    let path = [path, key].join(if path.is_empty() { "" } else { "." });
                    self.add(member, &path, key);
                }
                return;
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    self.add(item, &format!("{path}[]"), "");
                }
                return;
            }
            Value::Object(_) => "{}".to_owned(),
            Value::Array(_) => "[]".to_owned(),
            Value::Null => "null".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Number(_) => "number".to_owned(),
            Value::String(text) if WITH_VALUE.contains(&key) => format!("{text:?}"),
            Value::String(_) => "string".to_owned(),
        };
        let known = self.paths.iter().position(|(known, _)| known == path);
        let place = known.unwrap_or(self.next);
        if known.is_none() {
            self.paths.insert(place, (path.to_owned(), BTreeSet::new()));
        }
        self.paths[place].1.insert(kind);
        self.next = place + 1;
    }
}

/// Runs all cases, several at the same time: they wait more than they compute.
fn run_cases(cases: &[Case]) -> Vec<Section> {
    let queue: VecDeque<(usize, &Case)> = cases.iter().enumerate().collect();
    let (queue, done) = (Mutex::new(queue), Mutex::new(Vec::new()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores * CASES_PER_CORE {
            scope.spawn(|| {
                while let Some((number, case)) = { queue.lock().unwrap().pop_front() } {
                    let sections = case();
                    done.lock().unwrap().push((number, sections));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(number, _)| *number);
    merge_logs(done.into_iter().flat_map(|(_, sections)| sections))
}

/// Combines the sections with the same heading, which are logs.
fn merge_logs(sections: impl Iterator<Item = Section>) -> Vec<Section> {
    let mut merged: Vec<Section> = Vec::new();
    for section in sections {
        match merged.iter_mut().find(|one| one.heading == section.heading) {
            None => merged.push(section),
            Some(same) => {
                same.add(section.lines);
                same.lines.sort_unstable();
            }
        }
    }
    merged
}

/// Compares sections with a snapshot, or rewrites the snapshot.
fn compare(snapshot: &str, sections: &[Section]) {
    let actual: Vec<String> = sections
        .iter()
        .map(|Section { heading, lines }| format!("## {heading}\n{}\n", lines.join("\n")))
        .collect();
    let (actual, path) = (actual.join("\n"), snapshot_path(snapshot));
    if env::var_os(REWRITE).is_some() {
        fs::write(path, actual).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let (before, after) = (
        prefix_with_headings(&expected),
        prefix_with_headings(&actual),
    );
    let gone = before.iter().filter(|line| !after.contains(line));
    let new = after.iter().filter(|line| !before.contains(line));
    let gone = gone.map(|line| format!("- {line}"));
    let changes: Vec<String> = gone.chain(new.map(|line| format!("+ {line}"))).collect();
    assert!(
        expected == actual,
        "{} differs; {REWRITE}=1 rewrites it, and `git diff` also shows a changed order\n{}",
        path.display(),
        changes.join("\n"),
    );
}

/// The lines of a snapshot, each with the heading of its section.
fn prefix_with_headings(text: &str) -> Vec<String> {
    let sections = text.split("## ").skip(1);
    let lines = sections.flat_map(|section| {
        let (heading, lines) = section.split_once('\n').unwrap_or((section, ""));
        let lines = lines.lines().filter(|line| !line.is_empty());
        lines.map(move |line| format!("{heading}: {line}"))
    });
    lines.collect()
}

fn snapshot_path(snapshot: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/json_keys");
    folder.join(snapshot)
}

/// The keys whose values are as fixed as the keys themselves.
const WITH_VALUE: [&str; 5] = ["event", "id", "stage", "state", "transport"];
/// With more, devices would not answer in time.
const CASES_PER_CORE: usize = 6;
/// The variable that rewrites the snapshots.
const REWRITE: &str = "ESPCTL_TEST_REWRITE_JSON_KEYS";
