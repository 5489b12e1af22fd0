//! How well a line is used: beside what the bytes themselves need, at ten bits each, little time may
//! pass.

use std::time::Duration;

use super::{HOME, at, on_a_line};
use crate::support::device::fresh_path;
use crate::support::line_time::{Exchange, exchanges};

#[test]
fn the_line_is_busy_while_there_is_something_to_say() {
    let mut best: Vec<Exchange> = Vec::new();
    // Other tests run at the same time: of each exchange, the fastest counts. Usually the first
    // run is enough.
    for _ in 0..40 {
        let run = of_a_run();
        if best.is_empty() {
            best = run;
        } else {
            assert_eq!(best.len(), run.len());
            for (best, new) in best.iter_mut().zip(run) {
                best.took = best.took.min(new.took);
            }
        }
        if ratio(&best) <= MOST {
            return;
        }
    }
    panic!("{:.2} times what the bytes need", ratio(&best));
}

/// Of a whole run up to Apply: how often is asked for the status depends on how long joining takes.
fn of_a_run() -> Vec<Exchange> {
    let device = on_a_line(&[]);
    let transcript = fresh_path("transcript");
    let path = transcript.to_str().unwrap();
    let line = [&["--pop", device.pop(), "--transcript", path], &HOME[..]].concat();
    at(&device, &["provision", "--no-cloud"], &line).exits(0);
    let session = device.told("session_opened")[0]["session"]
        .as_u64()
        .unwrap();
    let told = std::fs::read_to_string(transcript).unwrap();
    let mut exchanges = exchanges(&told, session);
    exchanges.truncate(UP_TO_APPLY);
    assert_eq!(exchanges.len(), UP_TO_APPLY, "{told}");
    exchanges
}

fn ratio(exchanges: &[Exchange]) -> f64 {
    let sum = |of: fn(&Exchange) -> Duration| exchanges.iter().map(of).sum::<Duration>();
    sum(|one| one.took).as_secs_f64() / sum(|one| one.needs).as_secs_f64()
}

/// Version, two messages of the handshake, Set, Apply.
const UP_TO_APPLY: usize = 5;
/// A board hears a chunk when nothing came for ten bytes' time, or after 120 bytes.
const MOST: f64 = 1.3;
