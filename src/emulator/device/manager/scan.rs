//! A Wi-Fi scan of the device: which channels the radio has visited by when, and when it is over.
//! Not what is in the air there, which is the world's.

use std::time::Duration;

use tokio::time::Instant;

use crate::emulator::device::world::TimeScale;
use crate::proto::network_provisioning::CmdScanWifiStart;

/// A scan, under way or over.
#[derive(Debug)]
pub(super) struct Scan {
    begun: Instant,
    grouped: bool,
    /// With the pause after every group, in which the device serves its own access point, spread
    /// evenly.
    per_channel: Duration,
    /// When the manager stopped listening to it, for good.
    frozen: Option<Instant>,
}

impl Scan {
    /// One that begins now; `stuck` if the manager does not listen to the radio.
    pub(super) fn begin(
        now: Instant,
        command: CmdScanWifiStart,
        scale: TimeScale,
        stuck: bool,
    ) -> Self {
        let dwell_ms = match (command.period_ms, command.passive) {
            (0, false) => 120,
            (0, true) => 360,
            (period, _) => period,
        };
        let dwell = scale.of(Duration::from_millis(dwell_ms.into()));
        // A C cast to uint8_t.
        let [group_channels, ..] = command.group_channels.to_le_bytes();
        let pause = GROUP_PAUSE.checked_div(group_channels.into());
        Self {
            begun: now,
            grouped: group_channels > 0,
            per_channel: dwell.saturating_add(scale.of(pause.unwrap_or_default())),
            frozen: stuck.then_some(now),
        }
    }

    pub(super) fn whole(&self) -> Duration {
        self.until(if self.grouped { 13 } else { 14 })
    }

    fn until(&self, channel: u8) -> Duration {
        self.per_channel.saturating_mul(channel.into())
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
