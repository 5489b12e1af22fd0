//! A Wi-Fi scan of the device: the channels that the radio has visited at a moment, and the end of the
//! scan.

use std::time::Duration;

use tokio::time::Instant;

use crate::emulator::device::world::TimeScale;
use crate::proto::network_provisioning::CmdScanWifiStart;

/// A running or finished scan.
#[derive(Debug)]
pub(super) struct Scan {
    began_at: Instant,
    is_grouped: bool,
    /// With a share of the pause after each group, in which the device serves its own access point.
    per_channel: Duration,
    /// When the manager stopped handling its results, for good.
    ignored_since: Option<Instant>,
}

impl Scan {
    /// Begins a scan now; `is_stuck` if the manager does not handle its results.
    pub(super) fn begin(
        now: Instant,
        command: CmdScanWifiStart,
        scale: TimeScale,
        is_stuck: bool,
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
            began_at: now,
            is_grouped: group_channels > 0,
            per_channel: dwell.saturating_add(scale.of(pause.unwrap_or_default())),
            ignored_since: is_stuck.then_some(now),
        }
    }

    pub(super) fn duration(&self) -> Duration {
        self.time_until(if self.is_grouped { 13 } else { 14 })
    }

    fn time_until(&self, channel: u8) -> Duration {
        self.per_channel.saturating_mul(channel.into())
    }

    pub(super) fn is_finished(&self, now: Instant) -> bool {
        self.ignored_since.is_none()
            && now.saturating_duration_since(self.began_at) >= self.duration()
    }

    /// Ignores the further results of a running scan.
    pub(super) fn ignore_results(&mut self, now: Instant) {
        if !self.is_finished(now) {
            self.ignored_since.get_or_insert(now);
        }
    }

    /// Whether the results of a channel are available. A scan in groups adds them channel by channel, any
    /// other at its end.
    pub(super) fn has_visited(&self, channel: u8, now: Instant) -> bool {
        if !self.is_grouped {
            return self.is_finished(now);
        }
        let now = self.ignored_since.map_or(now, |since| since.min(now));
        channel <= 13 && now.saturating_duration_since(self.began_at) >= self.time_until(channel)
    }
}

/// `vTaskDelay(120 / portTICK_PERIOD_MS)` after each group of channels.
const GROUP_PAUSE: Duration = Duration::from_millis(120);
