//! Runs a matrix of cases, each a run of the shipped binary: samples the cases, runs them in
//! parallel, and prints how often each exit code occurred. The matrix defines its cases and checks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Instant;

use super::espctl::Output;

/// Samples every eleventh case of a matrix, and enough others that each of the `parts` of all cases
/// occurs at least once.
pub(crate) fn sample<C>(cases: Vec<C>, parts: impl Fn(&C) -> Vec<String>) -> Vec<C> {
    let mut seen = BTreeSet::new();
    let (mut sampled, mut rest) = (Vec::new(), Vec::new());
    for (number, case) in cases.into_iter().enumerate() {
        if number % STRIDE == 0 {
            seen.extend(parts(&case));
            sampled.push(case);
        } else {
            rest.push(case);
        }
    }
    for case in rest {
        let before = seen.len();
        seen.extend(parts(&case));
        if seen.len() > before {
            sampled.push(case);
        }
    }
    sampled
}

/// Runs every case, in this order, and fails with a list of all failures. `run` returns the exit
/// code.
#[expect(
    clippy::print_stdout,
    reason = "a matrix that passes also shows what it did"
)]
pub(crate) fn run_all<C: fmt::Display + Send>(
    name: &str,
    cases: Vec<C>,
    run: impl Fn(&C) -> Result<i32, String> + Sync,
) {
    let began = Instant::now();
    let size = cases.len();
    let queue = Mutex::new(VecDeque::from(cases));
    let failures = Mutex::new(Vec::new());
    let tally = Mutex::new(BTreeMap::<i32, usize>::new());
    thread::scope(|scope| {
        for _ in 0..case_limit() {
            scope.spawn(|| {
                loop {
                    let Some(case) = queue.lock().unwrap().pop_front() else {
                        return;
                    };
                    let _permit = Permit::acquire();
                    match catch_unwind(AssertUnwindSafe(|| run(&case))) {
                        Ok(Ok(exit)) => *tally.lock().unwrap().entry(exit).or_default() += 1,
                        Ok(Err(why)) => failures.lock().unwrap().push(format!("{case}: {why}")),
                        Err(_) => failures.lock().unwrap().push(format!("{case}: see above")),
                    }
                }
            });
        }
    });
    let took = began.elapsed().as_secs();
    let tally = tally.into_inner().unwrap();
    println!("{name}: {size} cases in {took} s; exit codes and how often: {tally:?}");
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {size} cases:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// Permits one case to run. The limit applies to all matrices in this process.
struct Permit;

impl Permit {
    fn acquire() -> Self {
        let is_full = |running: &mut usize| *running >= case_limit();
        let running = RUNNING.lock().unwrap();
        *ENDED.wait_while(running, is_full).unwrap() += 1;
        Self
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *RUNNING.lock().unwrap() -= 1;
        ENDED.notify_one();
    }
}

/// How many cases run at once. A whole matrix, which `cargo test` ignores, can use the whole
/// computer.
fn case_limit() -> usize {
    let is_whole = std::env::args().any(|argument| argument.ends_with("ignored"));
    let per_core = if is_whole {
        WHOLE_CASES_PER_CORE
    } else {
        CASES_PER_CORE
    };
    thread::available_parallelism().map_or(1, usize::from) * per_core
}

static RUNNING: Mutex<usize> = Mutex::new(0);
static ENDED: Condvar = Condvar::new();

/// Returns the exit code of a run that ended by itself with an allowed code. Its result must agree:
/// in success or failure, in the code, and in an error id that has this code.
pub(crate) fn agreed_exit(output: &Output, allowed: &[i32]) -> Result<i32, String> {
    let exit = output.exit.ok_or("ended by a signal")?;
    if output.stderr.contains("panicked") {
        return Err("it panicked".to_owned());
    }
    let result = output.result();
    let error = &result["error"];
    if result["ok"] != (exit == 0) || (exit != 0 && error["exit"] != exit) {
        return Err(format!(
            "the result does not agree with the exit code {exit}"
        ));
    }
    if exit != 0 {
        let id = error["id"].as_str().ok_or("an error without an id")?;
        let documented = exits_of(id).ok_or_else(|| format!("{id} is not documented"))?;
        if !documented.contains(&exit) {
            return Err(format!("{id} is for {documented:?}, and this is {exit}"));
        }
    }
    if !allowed.contains(&exit) {
        return Err(format!("exit {exit}, and not one of {allowed:?}"));
    }
    Ok(exit)
}

/// The documented exit codes of an error id.
fn exits_of(id: &str) -> Option<Vec<i32>> {
    let start = format!("| [`{id}`]");
    let row = ERRORS.lines().find(|line| line.starts_with(&start))?;
    let exits = row.split('|').nth(2)?;
    exits
        .split(',')
        .map(|exit| exit.trim().parse().ok())
        .collect()
}

const ERRORS: &str = include_str!("../../docs/reference/errors.md");
/// Coprime to the number of faults, steps and media, so that every combination occurs.
const STRIDE: usize = 11;
/// A case mostly waits. With more cases at once, answers would be too late.
const CASES_PER_CORE: usize = 4;
/// Eight cases keep two cores busy for a fifth of the time.
const WHOLE_CASES_PER_CORE: usize = 14;
