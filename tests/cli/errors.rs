//! Every error id, produced by the binary: a command line and, where it takes one, a device that
//! makes it happen. An id without a case fails here, and so does a case without an id.
//!
//! If no device can produce an error, the table has the reason and the unit test that produces
//! it.

mod account;
pub(super) mod arranged;
mod device;
mod line;
mod mapping;

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use serde_json::json;

use self::arranged::text;
use crate::support::espctl::{Output, espctl};

/// How an id comes about.
enum Case {
    /// This run ends with it.
    Run(fn() -> Output),
    /// Why the binary cannot be made to, and where it is produced instead.
    Below(&'static str, &'static str),
}
use Case::{Below, Run};

/// The table, which has a file for each kind of id.
fn cases() -> impl Iterator<Item = &'static (&'static str, Case)> {
    let tables = [account::CASES, device::CASES, line::CASES, mapping::CASES];
    tables.into_iter().flatten()
}

#[test]
fn every_error_id_is_produced() {
    let listed = espctl(["explain", "--format", "json"]).output().exits(0);
    let errors = listed.result()["errors"].as_array().unwrap().clone();
    let ids: BTreeSet<&str> = errors.iter().map(|error| text(&error["id"])).collect();
    let cases: BTreeSet<&str> = cases().map(|(id, _)| *id).collect();
    assert_eq!(ids, cases, "the ids of `explain` and those of this table");
    assert_eq!(self::cases().count(), cases.len(), "two cases of one id");

    // Most of them wait for something, so all at once.
    let wrong: Vec<String> = thread::scope(|scope| {
        let checks: Vec<_> = self::cases()
            .filter_map(|(id, case)| match case {
                Run(run) => Some(scope.spawn(move || (id, run()))),
                Below(..) => None,
            })
            .collect();
        checks
            .into_iter()
            .map(|check| check.join().unwrap())
            .filter_map(|(id, output)| {
                let error = errors.iter().find(|error| error["id"] == **id).unwrap();
                let exits = error["exits"].as_array().unwrap();
                let see = format!("see: espctl explain {id}");
                let fits = output.exit.is_some_and(|exit| exits.contains(&json!(exit)))
                    && output.stderr.lines().last() == Some(&see);
                (!fits).then(|| format!("{id}, exit {exits:?}, but:\n{output}"))
            })
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n====\n"));
}

#[test]
fn errors_without_binary_test_have_a_unit_test() {
    let source = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/report/advice/tests.rs"
    ));
    let source = source.unwrap();
    for (id, case) in cases() {
        if let Below(why, test) = case {
            assert!(why.len() > 20, "{id}: {why}");
            assert!(
                source.contains(&format!("fn {test}()")),
                "{id}: no test {test}"
            );
            assert!(
                source.contains(&format!("\"{id}\"")),
                "{id} is not in {test}"
            );
        }
    }
}
