//! The settings of a cloud client.

use std::time::Duration;

use backon::ExponentialBuilder;
use url::Url;

/// The settings of a cloud client.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The URL of the API; ends in `/v1/`.
    pub base_url: Url,
    /// Certificates to trust in addition to the system's, as PEM.
    pub ca_cert: Option<Vec<u8>>,
    /// Whether secrets may be sent over plain HTTP to another computer.
    pub allow_plain_http: bool,
    /// Time limits and retries.
    pub limits: Limits,
}

/// The time limits and retries of a call.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The time limit for a connection.
    pub connect: Duration,
    /// The time limit for an answer, including the connection.
    pub answer: Duration,
    /// The maximum number of retries of a call that can be repeated.
    pub retries: usize,
    /// The pause before the first retry. It doubles for each further retry.
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
    /// The pauses before the retries.
    pub(super) fn pauses(&self) -> ExponentialBuilder {
        ExponentialBuilder::new()
            .with_min_delay(self.pause)
            .without_max_delay()
            .with_max_times(self.retries)
    }
}

#[cfg(test)]
mod tests {
    use backon::BackoffBuilder as _;

    use super::*;

    #[test]
    fn pause_doubles_before_each_retry() {
        let limits = Limits {
            retries: 4,
            pause: Duration::from_secs(40),
            ..Limits::default()
        };
        let pauses: Vec<u64> = limits
            .pauses()
            .build()
            .map(|pause| pause.as_secs())
            .collect();
        assert_eq!(pauses, [40, 80, 160, 320]);
        let never = Limits {
            retries: 0,
            ..limits
        };
        assert_eq!(never.pauses().build().count(), 0);
    }
}
