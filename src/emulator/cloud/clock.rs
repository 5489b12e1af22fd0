//! The cloud's own time of day: the computer's, and what a test has moved it by, so that nothing
//! that takes minutes has to be waited for.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// It never goes back, whatever the computer's does.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    /// Since 1970, and by how much it was moved.
    at_start: Duration,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "a token has its end as a time of day"
    )]
    pub(super) fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            started: Instant::now(),
            // Before 1970 it is 1970.
            at_start: since_1970.unwrap_or_default(),
        }
    }

    /// Since 1970.
    pub(super) fn now(&self) -> Duration {
        self.at_start.saturating_add(self.started.elapsed())
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.at_start = self.at_start.saturating_add(by).min(LATEST);
    }
}

/// About seven thousand years after 1970: HTTP has no date beyond the year 9999.
const LATEST: Duration = Duration::from_hours(24 * 365 * 7000);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_stays_within_the_dates_of_http() {
        let mut clock = Clock::new();
        clock.advance(Duration::MAX);
        let date = httpdate::fmt_http_date(UNIX_EPOCH + clock.now());
        assert!(date.contains(" 8965 "), "{date}");
    }
}
