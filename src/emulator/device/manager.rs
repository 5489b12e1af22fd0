//! The provisioning manager (`NP/src/manager.c`): which state it is in, and what the radio is
//! doing meanwhile. Not the messages, which are the endpoints'.
//!
//! There is no timer here. What was begun is kept with the moment it began, and every question
//! is answered from that and the present moment, so that a test can ask about any moment.

use std::time::Duration;

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::StopReason;
use super::world::{AccessPoint, Attempt, Failure, TimeScale, World};

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
    pub(super) passphrase: Zeroizing<Vec<u8>>,
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
            attempt: self.world.join(&config.ssid, &config.passphrase),
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
mod tests {
    use super::*;

    const RIGHT: &str = "correct horse battery";

    fn manager() -> Manager {
        Manager::new(World::neighbourhood(), TimeScale::REAL, true)
    }

    fn config(ssid: &str, passphrase: &str) -> StoredConfig {
        StoredConfig {
            ssid: ssid.as_bytes().to_vec(),
            passphrase: Zeroizing::new(passphrase.as_bytes().to_vec()),
        }
    }

    fn applied(ssid: &str, passphrase: &str, at: Instant) -> Manager {
        let mut manager = manager();
        manager.store(config(ssid, passphrase));
        manager.apply(at).unwrap();
        manager
    }

    fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    /// The station's state in a word, so that a test reads as a table.
    fn word(station: &Station) -> String {
        match station {
            Station::Connecting => "connecting".to_owned(),
            Station::AttemptFailed { remaining } => format!("{remaining} left"),
            Station::Connected(point) => format!("connected to {}", point.bssid[5]),
            Station::Failed(reason) => format!("{reason:?}"),
        }
    }

    #[test]
    fn before_any_apply_it_says_connecting_and_stops_for_nobody() {
        let mut manager = manager();
        let now = Instant::now() + ms(3_600_000);
        assert_eq!(word(&manager.report(now)), "connecting");
        assert_eq!(manager.stops_at(), None);
    }

    #[test]
    fn an_apply_uses_the_stored_credentials_up() {
        let t = Instant::now();
        let mut manager = manager();
        assert_eq!(manager.apply(t), Err(WrongState));
        manager.store(config("Home", RIGHT));
        assert_eq!(manager.apply(t), Ok(()));
        // A second one while the first is under way fails, and takes its credentials with it.
        manager.store(config("Guest", ""));
        assert_eq!(manager.apply(t), Err(WrongState));
        assert_eq!(manager.stored.as_ref().map(|_| ()), None);
    }

    #[test]
    fn a_good_join_is_seen_after_deferral_and_join_time_and_ends_the_service() {
        let t = Instant::now();
        let mut manager = applied("Home", RIGHT, t);
        assert_eq!(word(&manager.report(t + ms(999))), "connecting");
        assert_eq!(word(&manager.report(t + ms(2199))), "connecting");
        // Nobody asks: thirty seconds from the address.
        let unasked = (t + ms(2200 + 30_000), StopReason::NobodyAsked);
        assert_eq!(manager.stops_at(), Some(unasked));
        assert_eq!(manager.newly_joined(t + ms(2199)), None);
        let joined = Some((t + ms(2200), b"Home".to_vec()));
        assert_eq!(manager.newly_joined(t + ms(5000)), joined);
        assert_eq!(manager.newly_joined(t + ms(5000)), None);
        assert_eq!(word(&manager.report(t + ms(6000))), "connected to 1");
        // The first report counts, not the last.
        assert_eq!(word(&manager.report(t + ms(6500))), "connected to 1");
        let told = (t + ms(7000), StopReason::Provisioned);
        assert_eq!(manager.stops_at(), Some(told));
        // Stopping: nothing is taken any more.
        assert_eq!(manager.reset(t + ms(6600)), Err(WrongState));
        manager.store(config("Home", RIGHT));
        assert_eq!(manager.apply(t + ms(6600)), Err(WrongState));
    }

    #[test]
    fn a_wrong_passphrase_is_tried_as_often_as_the_firmware_tries() {
        let t = Instant::now();
        let mut manager = applied("Home", "wrong horse", t);
        for (at, expected) in [
            (2499, "connecting"),
            (2500, "2 left"),
            (4000, "1 left"),
            (5499, "1 left"),
            (5500, "AuthError"),
            (600_000, "AuthError"),
        ] {
            assert_eq!(word(&manager.report(t + ms(at))), expected, "at {at} ms");
        }
        assert_eq!(manager.stops_at(), None);
    }

    #[test]
    fn a_failure_stays_until_the_next_apply_and_needs_a_reset_before_it() {
        let t = Instant::now();
        let mut manager = applied("Nowhere", RIGHT, t);
        assert_eq!(manager.reset(t + ms(100)), Err(WrongState));
        let failed = t + ms(60_000);
        assert_eq!(word(&manager.report(failed)), "NetworkNotFound");
        manager.store(config("Home", RIGHT));
        assert_eq!(manager.apply(failed), Err(WrongState));
        assert_eq!(manager.reset(failed), Ok(()));
        assert_eq!(word(&manager.report(failed)), "NetworkNotFound");
        // At the start already: succeeds as well, since 1.2.1.
        assert_eq!(manager.reset(failed), Ok(()));
        manager.store(config("Home", RIGHT));
        assert_eq!(manager.apply(failed), Ok(()));
        assert_eq!(word(&manager.report(failed)), "connecting");
        assert_eq!(word(&manager.report(failed + ms(2200))), "connected to 1");
    }

    #[test]
    fn an_unrelated_failure_shows_the_reason_that_was_there() {
        let t = Instant::now();
        let end = ms(60_000);
        let mut manager = applied("Office", RIGHT, t);
        assert_eq!(word(&manager.report(t + end)), "AuthError");
        let mut manager = applied("Nowhere", RIGHT, t);
        manager.reset(t + end).unwrap();
        manager.store(config("Office", RIGHT));
        manager.apply(t + end).unwrap();
        assert_eq!(word(&manager.report(t + end * 2)), "NetworkNotFound");
    }

    #[test]
    fn without_a_number_of_attempts_an_unrelated_failure_never_ends() {
        let t = Instant::now();
        let mut world = World::neighbourhood();
        world.attempts = 0;
        for (ssid, passphrase, expected) in [
            ("Office", RIGHT, "connecting"),
            ("Home", "wrong horse", "AuthError"),
            ("Nowhere", "", "NetworkNotFound"),
        ] {
            let mut manager = Manager::new(world.clone(), TimeScale::REAL, true);
            manager.store(config(ssid, passphrase));
            manager.apply(t).unwrap();
            assert_eq!(word(&manager.report(t + ms(2499))), "connecting");
            assert_eq!(word(&manager.report(t + ms(900_000))), expected);
        }
    }

    #[test]
    fn reprovisioning_is_for_applications_that_stay_up() {
        let t = Instant::now();
        let mut manager = applied("Home", RIGHT, t);
        assert_eq!(manager.reprovision(t + ms(9000)), Err(WrongState));

        let mut manager = Manager::new(World::neighbourhood(), TimeScale::REAL, false);
        manager.store(config("Home", RIGHT));
        manager.apply(t).unwrap();
        assert_eq!(word(&manager.report(t + ms(9000))), "connected to 1");
        assert_eq!(manager.stops_at(), None);
        assert_eq!(manager.reprovision(t + ms(9000)), Ok(()));
        // A stale "connected", as firmware.
        assert_eq!(word(&manager.report(t + ms(9000))), "connected to 1");
        manager.store(config("Nowhere", RIGHT));
        assert_eq!(manager.apply(t + ms(9000)), Ok(()));
        assert_eq!(word(&manager.report(t + ms(9000))), "connecting");
    }

    #[test]
    fn a_scan_takes_its_time_and_finds_the_strongest_first() {
        let t = Instant::now();
        let mut manager = manager();
        let whole = ScanRequest {
            passive: false,
            group_channels: 0,
            period_ms: 100,
        };
        assert!(manager.scan_finished(t));
        assert_eq!(manager.scan(t, whole), ms(1400));
        assert_eq!(manager.scan(t + ms(5), whole), Duration::ZERO);
        assert!(!manager.scan_finished(t + ms(1399)));
        assert!(manager.seen(t + ms(1399)).is_empty());
        assert!(manager.scan_finished(t + ms(1400)));
        let strengths: Vec<i8> = manager
            .seen(t + ms(1400))
            .iter()
            .map(|point| point.rssi)
            .collect();
        assert_eq!(strengths, [-44, -51, -58, -63, -67, -72, -80]);
    }

    #[test]
    fn channel_by_channel_results_come_in_one_after_the_other() {
        let t = Instant::now();
        let mut manager = manager();
        let grouped = ScanRequest {
            passive: false,
            group_channels: 5,
            period_ms: 96,
        };
        // 96 ms and a fifth of 120 ms for each of 13 channels.
        assert_eq!(manager.scan(t, grouped), ms(13 * 120));
        let seen = |after: u64| manager.seen(t + ms(after)).len();
        assert_eq!(seen(119), 0);
        assert_eq!(seen(120), 1);
        assert_eq!(seen(6 * 120), 4);
        assert!(!manager.scan_finished(t + ms(6 * 120)));
        assert_eq!(seen(13 * 120), 7);
    }

    #[test]
    fn no_more_than_sixteen_are_reported() {
        let t = Instant::now();
        let mut world = World::neighbourhood();
        while world.access_points.len() < 40 {
            world.access_points.push(world.access_points[0].clone());
        }
        let mut manager = Manager::new(world, TimeScale::REAL, true);
        let takes = manager.scan(
            t,
            ScanRequest {
                passive: true,
                group_channels: 0,
                period_ms: 0,
            },
        );
        assert_eq!(takes, ms(14 * 360));
        assert_eq!(manager.seen(t + takes).len(), 16);
    }

    #[test]
    fn a_scan_after_an_apply_never_ends_and_leaves_the_manager_stuck() {
        let t = Instant::now();
        let request = ScanRequest {
            passive: false,
            group_channels: 0,
            period_ms: 10,
        };
        let mut manager = applied("Nowhere", RIGHT, t);
        assert_eq!(manager.scan(t + ms(10), request), NEVER);
        let failed = t + ms(60_000);
        assert!(!manager.scan_finished(failed));
        manager.reset(failed).unwrap();
        // Even after the reset: "already running".
        assert_eq!(manager.scan(failed, request), Duration::ZERO);
        assert!(!manager.scan_finished(failed + NEVER));
    }

    #[test]
    fn an_apply_leaves_a_scan_that_is_under_way_without_an_end() {
        let t = Instant::now();
        let mut manager = manager();
        manager.scan(
            t,
            ScanRequest {
                passive: false,
                group_channels: 0,
                period_ms: 100,
            },
        );
        manager.store(config("Home", RIGHT));
        manager.apply(t + ms(1000)).unwrap();
        assert!(!manager.scan_finished(t + ms(100_000)));
    }
}
