//! What the host does later, in order of time. Not what it is.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::emulator::device::TimeScale;

/// Something for later. Numbers say what it was about: if that is over, so is this.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timer {
    /// Those are heard whose turn in the interval it is, if this discovery goes on.
    Advertisements { discovery: u64, phase: Duration },
    /// Nobody is connected within the time for it.
    ConnectFails { device: usize, attempt: u64 },
    /// A `Disconnect` takes effect.
    Disconnect { device: usize, connection: u64 },
    /// Devices that were not seen for long are forgotten.
    Forget,
    /// A link is lost as it came.
    Lost { device: usize, connection: u64 },
    /// An operation was not answered.
    NoAnswer { device: usize, operation: u64 },
    /// Pairing is over.
    Paired { device: usize, connection: u64 },
    /// The services are known.
    Resolve { device: usize, connection: u64 },
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Timers {
    waiting: BTreeMap<(Instant, u64), Timer>,
    number: u64,
}

impl Timers {
    pub(super) fn add(&mut self, wait: Duration, timer: Timer) {
        let now = Instant::now();
        let when = now.checked_add(wait).unwrap_or(now);
        self.number = self.number.saturating_add(1);
        self.waiting.insert((when, self.number), timer);
    }

    /// When the next is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.keys().next().map(|(when, _)| *when)
    }

    /// One that is due.
    pub(super) fn take(&mut self, now: Instant) -> Option<Timer> {
        let first = self.waiting.first_entry()?;
        let (when, _) = first.key();
        (*when <= now).then(|| first.remove())
    }
}

/// A wait of the host, on a clock that the device's scale is for as well; never less than what a
/// busy computer needs.
pub(super) fn scaled(scale: TimeScale, wait: Duration, least: Duration) -> Duration {
    scale.of(wait).max(least.min(wait))
}
