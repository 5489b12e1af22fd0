//! The intervals and time limits of the flows.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use crate::provisioner::{Protocomm, ScanIntervals};
use crate::session::Secured;
use crate::transport::Limits;

/// Intervals and time limits. Only tests shorten the intervals.
#[derive(Clone, Debug)]
pub struct Timing {
    /// The duration of a search for devices.
    pub search: Duration,
    /// The time limits of single exchanges.
    pub limits: Limits,
    /// The wait between the answer to Apply and the first poll. A device starts to join 1000 ms after
    /// Apply, and reports "connecting" until then.
    pub first_status: Duration,
    /// The first interval between polls of joining; it grows up to `slowest_status`.
    pub status: Duration,
    /// The longest interval between polls of joining.
    pub slowest_status: Duration,
    /// The time limit for joining.
    pub join: Duration,
    /// The time limit of an answer to a poll of joining. It is shorter than that of other answers,
    /// because a radio that changes its channel loses some.
    pub status_answer: Duration,
    /// The time limit for reconnecting to a device that was lost while it joined. Its hotspot is back
    /// within seconds, or closed because the device has joined.
    pub reconnect: Duration,
    /// The interval between attempts to reconnect.
    pub reconnect_interval: Duration,
    /// The time limit of a reset at the end of a run.
    pub reset: Duration,
    /// The time limit for sending credentials again to a device that espctl cannot reset.
    pub set_retry: Duration,
    /// The wait before the second request for a scan, after the device rejected the first.
    pub wifi_scan_retry: Duration,
    /// The interval between polls of a scan.
    pub wifi_scan_poll: Duration,
    /// The time limit of a scan.
    pub wifi_scan: Duration,
    /// The lifetime of a challenge, which espctl requests from the account.
    pub challenge: Duration,
    /// The part of its lifetime that a prepared challenge must have left to be used.
    pub challenge_left: Duration,
    /// The interval between attempts to reach the account.
    pub account_retry: Duration,
    /// The time that the account waits for a node to confirm a mapping.
    pub mapping: Duration,
    /// The first interval between polls of a mapping.
    pub mapping_status: Duration,
    /// The longest interval between polls of a mapping.
    pub slowest_mapping_status: Duration,
}

impl Timing {
    /// A device with a session, with these intervals and limits.
    pub fn protocomm(&self, secured: Secured) -> Protocomm {
        let scan = ScanIntervals {
            retry: self.wifi_scan_retry,
            poll: self.wifi_scan_poll,
            limit: self.wifi_scan,
        };
        Protocomm::new(secured, scan, self.status_answer)
    }

    /// The intervals between polls of joining.
    pub(crate) fn status_intervals(&self) -> ExponentialBackoff {
        make_intervals(self.status, 1.25, self.slowest_status)
    }

    /// The intervals between polls of a mapping by secret key.
    pub(crate) fn mapping_status_intervals(&self) -> ExponentialBackoff {
        make_intervals(self.mapping_status, 1.5, self.slowest_mapping_status)
    }
}

/// An endless sequence of intervals that grow by `factor` up to `longest`.
fn make_intervals(first: Duration, factor: f32, longest: Duration) -> ExponentialBackoff {
    ExponentialBuilder::new()
        .with_min_delay(first)
        .with_factor(factor)
        .with_max_delay(longest)
        .without_max_times()
        .build()
}

impl Default for Timing {
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
            wifi_scan_retry: Duration::from_secs(1),
            wifi_scan_poll: Duration::from_millis(300),
            wifi_scan: Duration::from_secs(20),
            challenge: CHALLENGE_LIFE,
            challenge_left: Duration::from_mins(1),
            account_retry: Duration::from_secs(2),
            mapping: Duration::from_mins(1),
            mapping_status: Duration::from_millis(500),
            slowest_mapping_status: Duration::from_secs(5),
        }
    }
}

/// The lifetime of a challenge: the value that other clients of this API request.
pub(super) const CHALLENGE_LIFE: Duration = Duration::from_mins(6);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_grow_by_factor_up_to_longest() {
        let timing = Timing::default();
        for (mut intervals, factor, first, longest) in [
            (
                timing.status_intervals(),
                1.25,
                timing.status,
                timing.slowest_status,
            ),
            (
                timing.mapping_status_intervals(),
                1.5,
                timing.mapping_status,
                timing.slowest_mapping_status,
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
