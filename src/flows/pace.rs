//! Every interval and limit of the flows, in one place.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::provisioner::{Protocomm, ScanIntervals};
use crate::session::Secured;
use crate::transport::Limits;

/// Intervals and limits. Only tests shorten the intervals.
#[derive(Clone, Debug)]
pub struct Pace {
    /// How long to look for a device.
    pub search: Duration,
    /// The limits of single exchanges.
    pub limits: Limits,
    /// From the answer to Apply to the first question how joining goes. Devices start joining
    /// 1000 ms after Apply and say "connecting" until then.
    pub first_status: Duration,
    /// Between the first questions; grows up to `slowest_status`.
    pub status: Duration,
    /// Between later questions.
    pub slowest_status: Duration,
    /// How long a device may say "connecting".
    pub join: Duration,
    /// How long one answer about joining may take: less than other answers, because a radio that
    /// changes channel loses some.
    pub status_answer: Duration,
    /// How long to look for a device that was lost while it joined. Its hotspot is back within
    /// seconds, or it has joined and needs none.
    pub reconnect: Duration,
    /// Between two attempts to find it again.
    pub reconnect_interval: Duration,
    /// How long a device may take to forget the credentials, when we are leaving.
    pub reset: Duration,
    /// How long to offer credentials again to a device that cannot be made to forget the last.
    pub set_retry: Duration,
    /// Before a scan that the driver refused is asked for once more.
    pub scan_retry: Duration,
    /// Between two questions whether a scan has finished.
    pub scan_poll: Duration,
    /// How long a scan may take.
    pub scan: Duration,
    /// How long a challenge shall live, from being fetched to being handed in.
    pub challenge: Duration,
    /// How much of that a prepared one must have left to be used.
    pub challenge_left: Duration,
    /// Between two attempts to reach the account.
    pub account_retry: Duration,
    /// How long the account waits for a node to confirm a mapping.
    pub mapping: Duration,
    /// Before the account is first asked again how that goes.
    pub mapping_status: Duration,
    /// Between later questions.
    pub slowest_mapping_status: Duration,
}

impl Pace {
    /// A device with a session, at this pace.
    pub fn protocomm(&self, secured: Secured) -> Protocomm {
        let scan = ScanIntervals {
            retry: self.scan_retry,
            poll: self.scan_poll,
            limit: self.scan,
        };
        Protocomm::new(secured, scan, self.status_answer)
    }

    /// The waits between two questions how joining goes.
    pub(crate) fn status_intervals(&self) -> ExponentialBackoff {
        growing(self.status, 1.25, self.slowest_status)
    }

    /// The waits between two questions how a mapping by secret key goes.
    pub(crate) fn mapping_status_intervals(&self) -> ExponentialBackoff {
        growing(self.mapping_status, 1.5, self.slowest_mapping_status)
    }
}

/// Waits without an end, each longer than the one before until `longest`.
fn growing(first: Duration, factor: f32, longest: Duration) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_factor(factor)
        .with_max_delay(longest)
        .without_max_times()
        .build()
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            search: Duration::from_secs(5),
            limits: Limits::default(),
            first_status: Duration::from_secs(1),
            status: Duration::from_millis(250),
            slowest_status: Duration::from_secs(1),
            join: Duration::from_mins(1),
            status_answer: Duration::from_secs(3),
            reconnect: Duration::from_secs(20),
            reconnect_interval: Duration::from_millis(500),
            reset: Duration::from_secs(3),
            set_retry: Duration::from_secs(15),
            scan_retry: Duration::from_secs(1),
            scan_poll: Duration::from_millis(300),
            scan: Duration::from_secs(20),
            challenge: CHALLENGE_LIFE,
            challenge_left: Duration::from_mins(1),
            account_retry: Duration::from_secs(2),
            mapping: Duration::from_mins(1),
            mapping_status: Duration::from_millis(500),
            slowest_mapping_status: Duration::from_secs(5),
        }
    }
}

/// How long a challenge is valid: what clients of this API ask for.
pub(super) const CHALLENGE_LIFE: Duration = Duration::from_mins(6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_by_their_factor_up_to_the_longest() {
        let pace = Pace::default();
        for (mut intervals, factor, first, longest) in [
            (
                pace.status_intervals(),
                1.25,
                pace.status,
                pace.slowest_status,
            ),
            (
                pace.mapping_status_intervals(),
                1.5,
                pace.mapping_status,
                pace.slowest_mapping_status,
            ),
        ] {
            let mut expected = first;
            for _ in 0..1000 {
                let interval = intervals.next().expect("they do not end");
                let difference = interval.abs_diff(expected);
                assert!(
                    difference < Duration::from_millis(1),
                    "{interval:?} {expected:?}"
                );
                expected = expected.mul_f64(factor).min(longest);
            }
            assert_eq!(intervals.next(), Some(longest));
        }
    }
}
