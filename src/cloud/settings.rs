//! Which cloud, and how to talk to it.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use url::Url;

/// Which cloud, and how to talk to it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Ends in `/v1/`.
    pub base_url: Url,
    /// Certificates to trust besides the system's, as PEM.
    pub ca_cert: Option<Vec<u8>>,
    /// Whether secrets may travel over plain HTTP to another computer.
    pub allow_plain_http: bool,
    /// How long to wait, and how often to ask.
    pub limits: Limits,
}

/// Every wait of a call.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Until a connection is there.
    pub connect: Duration,
    /// Until an answer is there, connecting included.
    pub answer: Duration,
    /// How often to ask again where that is safe.
    pub retries: usize,
    /// Before the first of these; doubled for each that follows.
    pub pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(15),
            retries: 2,
            pause: Duration::from_millis(500),
        }
    }
}

impl Limits {
    /// The pause before each retry: the first one, then twice the one before.
    pub(super) fn pauses(&self) -> ExponentialBackoff {
        ExponentialBuilder::new()
            .with_min_delay(self.pause)
            .without_max_delay()
            .with_max_times(self.retries)
            .build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_doubles_before_each_retry() {
        let limits = Limits {
            retries: 4,
            pause: Duration::from_secs(40),
            ..Limits::default()
        };
        let pauses: Vec<u64> = limits.pauses().map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [40, 80, 160, 320]);
        let never = Limits {
            retries: 0,
            ..limits
        };
        assert_eq!(never.pauses().count(), 0);
    }
}
