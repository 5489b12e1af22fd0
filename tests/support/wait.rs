//! Waiting for what another process does.

use std::thread;
use std::time::{Duration, Instant};

/// Waits until `is_so` returns true, two minutes at most.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// No wait of a test takes as long, however loaded the computer is.
const LIMIT: Duration = Duration::from_mins(2);
