//! Waits for another process.

use std::thread;
use std::time::{Duration, Instant};

/// Waits until `is_so` returns true, at most two minutes.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Longer than any wait of a test on a loaded computer.
const LIMIT: Duration = Duration::from_mins(2);
