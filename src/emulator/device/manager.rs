//! The provisioning manager (`NP/src/manager.c`): which state it is in, and what the radio is
//! doing meanwhile. Not the messages, which are the endpoints'.
//!
//! There is no timer here. What was begun is kept with the moment it began, and every question
//! is answered from that and the present moment, so that a test can ask about any moment.

mod scan;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use self::scan::Scan;
use super::StopReason;
use super::firmware::Rules;
use super::outage::Outage;
use super::scenario::Scenario;
use super::settings::DeviceSettings;
use super::world::{AccessPoint, Attempt, Failure};
use crate::emulator::flash::StoredConfig;
use crate::proto::network_provisioning::CmdScanWifiStart;

/// The manager and the station that it drives.
#[derive(Debug)]
pub(super) struct Manager {
    settings: Arc<DeviceSettings>,
    /// Credentials that wait for an apply.
    stored: Option<StoredConfig>,
    /// Whether the state machine is at its start: before an apply, or after a reset.
    started: bool,
    /// What the last apply began. It outlives a reset, because the reported state does.
    trial: Option<Trial>,
    scan: Option<Scan>,
    /// When a client was first told that the device is connected.
    reported: Option<Instant>,
    /// How many events of the current trial [`Manager::take_events`] has returned.
    reported_events: usize,
}

/// What happens in a trial without a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ManagerEvent {
    /// The application took the manager back to its start.
    ApplicationReset,
    /// `CRED_FAIL`.
    Failed(Reason),
    /// `CRED_SUCCESS`.
    Joined(Vec<u8>),
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

/// The two reasons that the protocol has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
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
    pub(super) fn new(settings: Arc<DeviceSettings>) -> Self {
        Self {
            settings,
            stored: None,
            started: true,
            trial: None,
            scan: None,
            reported: None,
            reported_events: 0,
        }
    }

    pub(super) fn rules(&self) -> Rules {
        self.settings.rules()
    }

    fn scaled(&self, wait: Duration) -> Duration {
        self.settings.time_scale.of(wait)
    }

    /// As after a power cycle.
    pub(super) fn restart(&mut self) {
        *self = Self::new(Arc::clone(&self.settings));
    }

    pub(super) fn store(&mut self, config: StoredConfig) {
        self.stored = Some(config);
    }

    /// Tries the stored credentials. They are used up either way; those that are being tried come
    /// back, to be written down.
    pub(super) fn apply(&mut self, now: Instant) -> Result<StoredConfig, WrongState> {
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
        self.reported_events = 0;
        let world = &self.settings.world;
        let mut scenarios = self.settings.scenarios.iter();
        let attempt = match scenarios.find_map(|scenario| scenario.failure()) {
            Some(failure) => Err(failure),
            None => world.join(&config.ssid, config.passphrase.expose()),
        };
        self.trial = Some(Trial {
            begins: later(now, self.scaled(CONNECT_DELAY)),
            attempt,
            stale,
            frozen: None,
        });
        Ok(config)
    }

    /// Tells a client how joining goes. To hear that it went well begins the end.
    pub(super) fn report(&mut self, now: Instant) -> Station {
        let station = self.station(now);
        if matches!(station, Station::Connected(_)) {
            self.reported.get_or_insert(now);
        }
        station
    }

    /// Back to the start: after a failure, and in newer firmware when there already. What is
    /// reported stays.
    pub(super) fn reset(&mut self, now: Instant) -> Result<(), WrongState> {
        match self.state(now) {
            _ if self.settings.acts_out(Scenario::ResetRefused) => Err(WrongState),
            State::CredentialsReceived if !self.settings.acts_out(Scenario::ResetAccepted) => {
                Err(WrongState)
            }
            State::Fail | State::CredentialsReceived => {
                self.go_to_start(now);
                Ok(())
            }
            State::Started if self.rules().resets_at_start => Ok(()),
            State::Started | State::Success | State::Stopping => Err(WrongState),
        }
    }

    /// Provisioning anew, which only an application allows that keeps the service up.
    pub(super) fn reprovision(&mut self, now: Instant) -> Result<(), WrongState> {
        if self.settings.auto_stop {
            return Err(WrongState);
        }
        self.go_to_start(now);
        Ok(())
    }

    /// The station also stops trying.
    fn go_to_start(&mut self, now: Instant) {
        if let Some(trial) = &mut self.trial {
            trial.frozen.get_or_insert(now);
        }
        self.started = true;
    }

    /// When the service goes down, as far as that is settled.
    pub(super) fn stops_at(&self) -> Option<(Instant, StopReason)> {
        let joined = self.joined_at().filter(|_| !self.started);
        if let Some(joined) = joined
            && self.settings.acts_out(Scenario::ServiceGone)
        {
            return Some((joined, StopReason::Vanished));
        }
        if !self.settings.auto_stop {
            return None;
        }
        if let Some(reported) = self.reported {
            let at = later(reported, self.scaled(CLEANUP_DELAY));
            return Some((at, StopReason::Provisioned));
        }
        let at = later(joined?, self.scaled(AUTO_STOP));
        Some((at, StopReason::NobodyAsked))
    }

    /// What has happened since the last call, and when.
    pub(super) fn take_events(&mut self, now: Instant) -> Vec<(Instant, ManagerEvent)> {
        let events = self.events().into_iter().filter(|(at, _)| *at <= now);
        let events: Vec<_> = events.skip(self.reported_events).collect();
        self.reported_events = self.reported_events.saturating_add(events.len());
        events
    }

    /// When there will be something for [`Manager::take_events`], as far as that is settled.
    pub(super) fn next_event(&self) -> Option<Instant> {
        let events = self.events();
        events.get(self.reported_events).map(|(at, _)| *at)
    }

    /// Everything that happens in the current trial, in order.
    fn events(&self) -> Vec<(Instant, ManagerEvent)> {
        let Some(trial) = &self.trial else {
            return Vec::new();
        };
        let mut events = Vec::new();
        match &trial.attempt {
            Ok(point) => {
                let joined = ManagerEvent::Joined(point.ssid.clone());
                events.extend(self.joined_at().map(|at| (at, joined)));
            }
            Err(failure) => {
                if let Some(reason) = self.reason(trial, *failure) {
                    // Without an application that counts them, firmware reports the first.
                    let last = self.application_resets_after().unwrap_or(1);
                    events.extend((1..=last).map(|number| {
                        let failed = ManagerEvent::Failed(reason);
                        (self.failure_at(trial, number), failed)
                    }));
                }
                let reset_at = self.application_reset_at();
                events.extend(reset_at.map(|at| (at, ManagerEvent::ApplicationReset)));
            }
        }
        events.retain(|(at, _)| trial.frozen.is_none_or(|frozen| *at <= frozen));
        events
    }

    /// When the way to the device is lost and found again, as far as the current trial has that.
    pub(super) fn outage(&self) -> Option<Outage> {
        let trial = self.trial.as_ref()?;
        let joined = self.joined_at()?;
        let until = if self.settings.acts_out(Scenario::ServiceGone) {
            None
        } else if self.settings.acts_out(Scenario::ChannelChange) {
            let away = later(trial.begins, self.scaled(CHANNEL_CHANGE));
            Some(away.max(joined))
        } else {
            return None;
        };
        Some(Outage {
            from: trial.begins,
            until,
        })
    }

    /// Looks for networks. The answer is how long the radio needs from now on.
    pub(super) fn scan(&mut self, now: Instant, command: CmdScanWifiStart) -> Duration {
        if self.scan.as_ref().is_some_and(|scan| !scan.finished(now)) {
            // As firmware: success at once, even for a blocking request.
            return Duration::ZERO;
        }
        let stuck = self.state(now) != State::Started;
        let scan = Scan::begin(now, command, self.settings.time_scale, stuck);
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
        let points = self.settings.world.access_points.iter();
        let seen = points.filter(|point| scan.has_visited(point.channel, now));
        let mut seen: Vec<_> = seen.collect();
        seen.sort_by_key(|point| std::cmp::Reverse(point.rssi));
        seen.truncate(MAX_SCAN_ENTRIES);
        seen
    }

    fn state(&self, now: Instant) -> State {
        if self.settings.auto_stop && self.reported.is_some() {
            return State::Stopping;
        }
        if self.started {
            return State::Started;
        }
        match self.station(now) {
            Station::Connecting | Station::AttemptFailed { .. } => State::CredentialsReceived,
            Station::Connected(_) => State::Success,
            Station::Failed(_) if self.application_reset_at().is_some_and(|at| at <= now) => {
                State::Started
            }
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
            Ok(point) => match self.joined_at() {
                Some(at) if at <= now => Station::Connected(point.clone()),
                _ => Station::Connecting,
            },
            Err(failure) => self.failing(trial, *failure, now),
        }
    }

    /// Where a trial is that cannot succeed.
    fn failing(&self, trial: &Trial, failure: Failure, now: Instant) -> Station {
        let Some(reason) = self.reason(trial, failure) else {
            return Station::Connecting;
        };
        let each = self.scaled(self.settings.world.failed_attempt);
        let elapsed = now.checked_duration_since(trial.begins);
        let completed =
            elapsed.map_or(Some(0), |time| time.as_nanos().checked_div(each.as_nanos()));
        let completed = completed.and_then(|count| u32::try_from(count).ok());
        let completed = completed.unwrap_or(u32::MAX);
        if completed == 0 {
            Station::Connecting
        } else if let Some(remaining @ 1..) = self.attempts().checked_sub(completed) {
            Station::AttemptFailed { remaining }
        } else {
            Station::Failed(reason)
        }
    }

    /// What a failure is told as; `None` where the device tries for ever.
    fn reason(&self, trial: &Trial, failure: Failure) -> Option<Reason> {
        match failure {
            Failure::NotFound => Some(Reason::NetworkNotFound),
            Failure::WrongPassphrase => Some(Reason::AuthError),
            Failure::AuthExpired if self.rules().knows_auth_expire => Some(Reason::AuthError),
            Failure::AuthExpired | Failure::Unrelated => {
                (self.attempts() > 0).then_some(trial.stale)
            }
            Failure::Endless => None,
        }
    }

    /// How many attempts the firmware makes, 0 for one or endless ones.
    fn attempts(&self) -> u32 {
        if !self.rules().counts_attempts {
            0
        } else if self.settings.acts_out(Scenario::AttemptsCountdown) {
            5
        } else {
            self.settings.world.attempts
        }
    }

    /// After how many failures the application takes the manager back to its start.
    fn application_resets_after(&self) -> Option<u32> {
        if self.settings.acts_out(Scenario::AppResets) {
            Some(1)
        } else if self.settings.acts_out(Scenario::AppNeverResets) {
            None
        } else {
            self.rules().application_resets_after
        }
    }

    /// When a trial fails for the n-th time, which is after its last attempt and again with every
    /// one that the application adds.
    fn failure_at(&self, trial: &Trial, number: u32) -> Instant {
        let attempts = self.attempts().max(1);
        let before = attempts.saturating_add(number).saturating_sub(1);
        let each = self.scaled(self.settings.world.failed_attempt);
        later(trial.begins, each.saturating_mul(before))
    }

    /// When the application takes the manager back to its start, if the client does not before.
    fn application_reset_at(&self) -> Option<Instant> {
        let trial = self.trial.as_ref()?;
        let failure = trial.attempt.as_ref().err()?;
        self.reason(trial, *failure)?;
        let at = self.failure_at(trial, self.application_resets_after()?);
        trial.frozen.is_none_or(|frozen| at <= frozen).then_some(at)
    }

    /// When the current trial gets its address, if it does.
    fn joined_at(&self) -> Option<Instant> {
        let trial = self.trial.as_ref()?;
        trial.attempt.as_ref().ok()?;
        let at = later(trial.begins, self.scaled(self.settings.world.join));
        (trial.frozen.is_none_or(|frozen| at <= frozen)).then_some(at)
    }
}

/// A moment that may lie beyond what the clock can say: then it is far enough.
pub(super) fn later(from: Instant, wait: Duration) -> Instant {
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
/// How long a station takes to find an access point that went to another channel.
const CHANNEL_CHANGE: Duration = Duration::from_secs(2);
/// `CONFIG_NETWORK_PROV_SCAN_MAX_ENTRIES`.
const MAX_SCAN_ENTRIES: usize = 16;

#[cfg(test)]
mod tests;
