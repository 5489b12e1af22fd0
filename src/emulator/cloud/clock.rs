//! The clock of the cloud: that of the computer, which tests can advance instead of waiting for minutes.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that never goes back, even if that of the computer does.
#[derive(Debug)]
pub(super) struct Clock {
    started: Instant,
    /// Since 1970, with all advances.
    at_start: Duration,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "a token expires at a time of day"
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
