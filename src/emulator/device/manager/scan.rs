//! A Wi-Fi scan of the device: which channels the radio has visited by when, and when it is over.
//! Not what is in the air there, which is the world's.

use std::time::Duration;

use tokio::time::Instant;

use crate::emulator::device::world::TimeScale;

/// What a client wants of a scan.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct ScanRequest {
    pub(in super::super) passive: bool,
    pub(in super::super) group_channels: u8,
    pub(in super::super) period_ms: u32,
}

impl ScanRequest {
    fn dwell(self) -> Duration {
        match (self.period_ms, self.passive) {
            (0, false) => Duration::from_millis(120),
            (0, true) => Duration::from_millis(360),
            (period, _) => Duration::from_millis(period.into()),
        }
    }

    /// After every group the device serves its own access point; spread evenly here.
    fn pause_per_channel(self) -> Duration {
        match u32::from(self.group_channels) {
            0 => Duration::ZERO,
            channels => GROUP_PAUSE.checked_div(channels).unwrap_or_default(),
        }
    }
}

/// A scan, under way or over.
#[derive(Debug)]
pub(super) struct Scan {
    begun: Instant,
    grouped: bool,
    dwell: Duration,
    pause: Duration,
    /// When the manager stopped listening to it, for good.
    frozen: Option<Instant>,
}

impl Scan {
    /// One that begins now; `stuck` where the manager does not listen to the radio.
    pub(super) fn begin(now: Instant, request: ScanRequest, scale: TimeScale, stuck: bool) -> Self {
        Self {
            begun: now,
            grouped: request.group_channels > 0,
            dwell: scale.of(request.dwell()),
            pause: scale.of(request.pause_per_channel()),
            frozen: stuck.then_some(now),
        }
    }

    pub(super) fn whole(&self) -> Duration {
        self.until(if self.grouped { 13 } else { 14 })
    }

    fn until(&self, channel: u8) -> Duration {
        self.dwell
            .saturating_add(self.pause)
            .saturating_mul(u32::from(channel))
    }

    pub(super) fn finished(&self, now: Instant) -> bool {
        self.frozen.is_none() && now.saturating_duration_since(self.begun) >= self.whole()
    }

    pub(super) fn freeze(&mut self, now: Instant) {
        if !self.finished(now) {
            self.frozen.get_or_insert(now);
        }
    }

    /// Channel by channel, results come in one after the other; otherwise all at the end.
    pub(super) fn has_visited(&self, channel: u8, now: Instant) -> bool {
        if !self.grouped {
            return self.finished(now);
        }
        let now = self.frozen.map_or(now, |frozen| frozen.min(now));
        channel <= 13 && now.saturating_duration_since(self.begun) >= self.until(channel)
    }
}

/// `vTaskDelay(120 / portTICK_PERIOD_MS)` after each group of channels.
const GROUP_PAUSE: Duration = Duration::from_millis(120);
