//! The provisioning manager (`NP/src/manager.c`): which state it is in, and what the radio is
//! doing meanwhile. Not the messages, which are the endpoints'.
//!
//! There is no timer here. What was begun is kept with the moment it began, and every question
//! is answered from that and the present moment, so that a test can ask about any moment.

use std::time::Duration;

use tokio::time::Instant;

use super::StopReason;
use super::world::{AccessPoint, Attempt, Failure, TimeScale, World};
use crate::secret::Secret;

/// The manager and the station that it drives.
#[derive(Debug)]
pub(super) struct Manager {
    world: World,
    scale: TimeScale,
    auto_stop: bool,
    stored: Option<StoredConfig>,
    /// Whether the state machine is at its start: before an apply, or after a reset.
    started: bool,
    /// What the last apply began. It outlives a reset, because the reported state does.
    trial: Option<Trial>,
    scan: Option<Scan>,
    /// When a client was first told that the device is connected.
    reported: Option<Instant>,
    joined_seen: bool,
}

/// Credentials that wait for an apply.
#[derive(Clone, Debug)]
pub(super) struct StoredConfig {
    pub(super) ssid: Vec<u8>,
    pub(super) passphrase: Secret<Vec<u8>>,
}

/// What a command is refused with: every refusal of the manager reads as an internal error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WrongState;

/// The states that a host can tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Started,
    CredentialsReceived,
    Success,
    Fail,
    Stopping,
}

/// What the manager says of the station.
#[derive(Clone, Debug)]
pub(super) enum Station {
    Connecting,
    AttemptFailed { remaining: u32 },
    Connected(AccessPoint),
    Failed(Reason),
}

/// The two reasons that the protocol can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    AuthError,
    NetworkNotFound,
}

/// One apply and what comes of it.
#[derive(Debug)]
struct Trial {
    /// When the station is told to connect.
    begins: Instant,
    attempt: Attempt,
    /// What an earlier trial left in the manager's reason field, which a failure of an unrelated
    /// kind shows again.
    stale: Reason,
    /// When it was broken off.
    frozen: Option<Instant>,
}

impl Manager {
    pub(super) fn new(world: World, scale: TimeScale, auto_stop: bool) -> Self {
        Self {
            world,
            scale,
            auto_stop,
            stored: None,
            started: true,
            trial: None,
            scan: None,
            reported: None,
            joined_seen: false,
        }
    }

    pub(super) fn store(&mut self, config: StoredConfig) {
        self.stored = Some(config);
    }

    /// Tries the stored credentials. They are used up either way.
    pub(super) fn apply(&mut self, now: Instant) -> Result<(), WrongState> {
        let config = self.stored.take().ok_or(WrongState)?;
        if self.state(now) != State::Started {
            return Err(WrongState);
        }
        let stale = match self.station(now) {
            Station::Failed(reason) => reason,
            _ => self
                .trial
                .as_ref()
                .map_or(Reason::AuthError, |trial| trial.stale),
        };
        // "Scan done" is handled at the start only: a scan that is under way never ends now.
        if let Some(scan) = &mut self.scan {
            scan.freeze(now);
        }
        self.started = false;
        self.joined_seen = false;
        self.trial = Some(Trial {
            begins: later(now, self.scale.of(CONNECT_DELAY)),
            attempt: self.world.join(&config.ssid, config.passphrase.expose()),
            stale,
            frozen: None,
        });
        Ok(())
    }

    /// Tells a client how joining goes. To hear that it went well begins the end.
    pub(super) fn report(&mut self, now: Instant) -> Station {
        let station = self.station(now);
        if matches!(station, Station::Connected(_)) {
            self.reported.get_or_insert(now);
        }
        station
    }

    /// Back to the start: after a failure, or when there already. What is reported stays.
    pub(super) fn reset(&mut self, now: Instant) -> Result<(), WrongState> {
        match self.state(now) {
            State::Fail | State::Started => {
                self.started = true;
                Ok(())
            }
            State::CredentialsReceived | State::Success | State::Stopping => Err(WrongState),
        }
    }

    /// Provisioning anew, which only an application allows that keeps the service up.
    pub(super) fn reprovision(&mut self, now: Instant) -> Result<(), WrongState> {
        if self.auto_stop {
            return Err(WrongState);
        }
        if let Some(trial) = &mut self.trial {
            trial.frozen.get_or_insert(now);
        }
        self.started = true;
        Ok(())
    }

    /// When the service goes down, as far as that is settled.
    pub(super) fn stops_at(&self) -> Option<(Instant, StopReason)> {
        if !self.auto_stop {
            return None;
        }
        if let Some(reported) = self.reported {
            let at = later(reported, self.scale.of(CLEANUP_DELAY));
            return Some((at, StopReason::Provisioned));
        }
        let joined = self.joined_at().filter(|_| !self.started)?;
        let at = later(joined, self.scale.of(AUTO_STOP));
        Some((at, StopReason::NobodyAsked))
    }

    /// The network that the device has joined since this was last asked, and when.
    pub(super) fn newly_joined(&mut self, now: Instant) -> Option<(Instant, Vec<u8>)> {
        let at = self.joined_at().filter(|at| *at <= now)?;
        let Attempt::Joins(point) = &self.trial.as_ref()?.attempt else {
            return None;
        };
        if std::mem::replace(&mut self.joined_seen, true) {
            return None;
        }
        Some((at, point.ssid.clone()))
    }

    /// Looks for networks. The answer is how long the radio needs from now on.
    pub(super) fn scan(&mut self, now: Instant, request: ScanRequest) -> Duration {
        if self.scan.as_ref().is_some_and(|scan| !scan.finished(now)) {
            // As firmware: success at once, even for a blocking request.
            return Duration::ZERO;
        }
        let stuck = self.state(now) != State::Started;
        let scan = Scan {
            begun: now,
            grouped: request.group_channels > 0,
            dwell: self.scale.of(request.dwell()),
            pause: self.scale.of(request.pause_per_channel()),
            frozen: stuck.then_some(now),
        };
        let whole = scan.whole();
        self.scan = Some(scan);
        if stuck { NEVER } else { whole }
    }

    /// Whether no scan is under way: true before the first one.
    pub(super) fn scan_finished(&self, now: Instant) -> bool {
        self.scan.as_ref().is_none_or(|scan| scan.finished(now))
    }

    /// What the last scan has found by now, strongest first.
    pub(super) fn seen(&self, now: Instant) -> Vec<&AccessPoint> {
        let Some(scan) = &self.scan else {
            return Vec::new();
        };
        let mut seen: Vec<_> = self
            .world
            .access_points
            .iter()
            .filter(|point| scan.has_visited(point.channel, now))
            .collect();
        seen.sort_by_key(|point| std::cmp::Reverse(point.rssi));
        seen.truncate(MAX_SCAN_ENTRIES);
        seen
    }

    fn state(&self, now: Instant) -> State {
        if self.auto_stop && self.reported.is_some() {
            return State::Stopping;
        }
        if self.started {
            return State::Started;
        }
        match self.station(now) {
            Station::Connecting | Station::AttemptFailed { .. } => State::CredentialsReceived,
            Station::Connected(_) => State::Success,
            Station::Failed(_) => State::Fail,
        }
    }

    fn station(&self, now: Instant) -> Station {
        // The initial value, before any apply.
        let Some(trial) = &self.trial else {
            return Station::Connecting;
        };
        let now = trial.frozen.map_or(now, |frozen| frozen.min(now));
        match &trial.attempt {
            Attempt::Joins(point) => match self.joined_at() {
                Some(at) if at <= now => Station::Connected(point.clone()),
                _ => Station::Connecting,
            },
            Attempt::Fails(failure) => self.failing(trial, *failure, now),
        }
    }

    /// Where a trial is that cannot succeed.
    fn failing(&self, trial: &Trial, failure: Failure, now: Instant) -> Station {
        let each = self.scale.of(self.world.failed_attempt);
        let completed = now
            .checked_duration_since(trial.begins)
            .map_or(0, |elapsed| {
                elapsed
                    .as_nanos()
                    .checked_div(each.as_nanos())
                    .unwrap_or(u128::MAX)
            });
        let completed = u32::try_from(completed).unwrap_or(u32::MAX);
        let reason = match failure {
            Failure::NotFound => Reason::NetworkNotFound,
            Failure::WrongPassphrase => Reason::AuthError,
            Failure::Unrelated if self.world.attempts == 0 => return Station::Connecting,
            Failure::Unrelated => trial.stale,
        };
        if completed == 0 {
            Station::Connecting
        } else if let Some(remaining @ 1..) = self.world.attempts.checked_sub(completed) {
            Station::AttemptFailed { remaining }
        } else {
            Station::Failed(reason)
        }
    }

    /// When the current trial gets its address, if it does.
    fn joined_at(&self) -> Option<Instant> {
        let trial = self.trial.as_ref()?;
        if !matches!(trial.attempt, Attempt::Joins(_)) {
            return None;
        }
        let at = later(trial.begins, self.scale.of(self.world.join));
        (trial.frozen.is_none_or(|frozen| at <= frozen)).then_some(at)
    }
}

/// What a client wants of a scan.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScanRequest {
    pub(super) passive: bool,
    pub(super) group_channels: u8,
    pub(super) period_ms: u32,
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
struct Scan {
    begun: Instant,
    grouped: bool,
    dwell: Duration,
    pause: Duration,
    /// When the manager stopped listening to it, for good.
    frozen: Option<Instant>,
}

impl Scan {
    fn whole(&self) -> Duration {
        self.until(if self.grouped { 13 } else { 14 })
    }

    fn until(&self, channel: u8) -> Duration {
        self.dwell
            .saturating_add(self.pause)
            .saturating_mul(u32::from(channel))
    }

    fn finished(&self, now: Instant) -> bool {
        self.frozen.is_none() && now.saturating_duration_since(self.begun) >= self.whole()
    }

    fn freeze(&mut self, now: Instant) {
        if !self.finished(now) {
            self.frozen.get_or_insert(now);
        }
    }

    /// Channel by channel, results come in one after the other; otherwise all at the end.
    fn has_visited(&self, channel: u8, now: Instant) -> bool {
        if !self.grouped {
            return self.finished(now);
        }
        let now = self.frozen.map_or(now, |frozen| frozen.min(now));
        channel <= 13 && now.saturating_duration_since(self.begun) >= self.until(channel)
    }
}

/// A moment that may lie beyond what the clock can say: then it is far enough.
fn later(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait)
        .or_else(|| from.checked_add(NEVER))
        .unwrap_or(from)
}

/// As good as for ever, and still within what a clock can add.
pub(super) const NEVER: Duration = Duration::from_hours(365 * 24);
/// `esp_timer_start_once(wifi_connect_timer, …)`: the answer leaves before the channel changes.
const CONNECT_DELAY: Duration = Duration::from_secs(1);
/// `cleanup_delay`.
const CLEANUP_DELAY: Duration = Duration::from_secs(1);
/// `CONFIG_NETWORK_PROV_AUTOSTOP_TIMEOUT`.
const AUTO_STOP: Duration = Duration::from_secs(30);
/// `vTaskDelay(120 / portTICK_PERIOD_MS)` after each group of channels.
const GROUP_PAUSE: Duration = Duration::from_millis(120);
/// `CONFIG_NETWORK_PROV_SCAN_MAX_ENTRIES`.
const MAX_SCAN_ENTRIES: usize = 16;

#[cfg(test)]
mod tests;
