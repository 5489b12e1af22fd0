//! The provisioning manager (`NP/src/manager.c`) and its radio: the state behind the endpoints.
//!
//! It has no timers. It stores when an operation began, and computes its state at any given moment from
//! that, so that a test can check any moment.

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

/// The manager and its Wi-Fi station.
#[derive(Debug)]
pub(super) struct Manager {
    settings: Arc<DeviceSettings>,
    /// Credentials that were set and not applied.
    stored: Option<StoredConfig>,
    /// Whether no apply was accepted since the start, or since the reset by a client.
    is_reset: bool,
    /// The attempts of the last apply. They outlive a reset, because the reported state does.
    trial: Option<Trial>,
    scan: Option<Scan>,
    /// When the device first reported to a client that it is connected.
    success_reported_at: Option<Instant>,
    /// How many events of the current trial [`Manager::take_events`] has returned.
    taken_events: usize,
}

/// An event of a trial without a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ManagerEvent {
    /// The application reset the manager.
    ApplicationReset,
    /// `CRED_FAIL`.
    Failed(Reason),
    /// `CRED_SUCCESS`.
    Joined(Vec<u8>),
}

/// The state of the station that the manager reports.
#[derive(Clone, Debug)]
pub(super) enum Station {
    Connecting,
    AttemptFailed { remaining: u32 },
    Connected(AccessPoint),
    Failed(Reason),
}

/// The reasons for a failure that the protocol has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Reason {
    AuthError,
    NetworkNotFound,
}

/// The attempts to join after an apply, planned when they begin: nothing but a reset changes them.
#[derive(Debug)]
struct Trial {
    /// When the station begins to connect.
    begins_at: Instant,
    /// The states of the station after that, in order.
    steps: Vec<(Instant, Station)>,
    events: Vec<(Instant, ManagerEvent)>,
    /// The reason of an earlier trial, which the manager reports again after an unrelated failure.
    stale_reason: Reason,
}

impl Manager {
    pub(super) fn new(settings: Arc<DeviceSettings>) -> Self {
        Self {
            settings,
            stored: None,
            is_reset: true,
            trial: None,
            scan: None,
            success_reported_at: None,
            taken_events: 0,
        }
    }

    pub(super) fn rules(&self) -> Rules {
        self.settings.rules()
    }

    fn scaled(&self, wait: Duration) -> Duration {
        self.settings.time_scale.of(wait)
    }

    /// Returns to the state after a power cycle.
    pub(super) fn restart(&mut self) {
        *self = Self::new(Arc::clone(&self.settings));
    }

    pub(super) fn store(&mut self, config: StoredConfig) {
        self.stored = Some(config);
    }

    /// Begins to join with the stored credentials, which are used up either way. Returns them, to be
    /// written to the flash memory; `None` if the manager refuses that.
    pub(super) fn apply(&mut self, now: Instant) -> Option<StoredConfig> {
        let config = self.stored.take()?;
        if !self.is_at_start(now) {
            return None;
        }
        let stale_reason = match (self.station(now), &self.trial) {
            (Station::Failed(reason), _) => reason,
            (_, Some(trial)) => trial.stale_reason,
            (_, None) => Reason::AuthError,
        };
        // The manager handles "scan done" only at the start, so a running scan never ends now.
        if let Some(scan) = &mut self.scan {
            scan.ignore_results(now);
        }
        self.is_reset = false;
        self.taken_events = 0;
        let mut scenarios = self.settings.scenarios.iter();
        let outcome = match scenarios.find_map(|scenario| scenario.failure()) {
            Some(failure) => Err(failure),
            None => (self.settings.world).join(&config.ssid, config.passphrase.expose()),
        };
        self.trial = Some(self.plan_trial(now, outcome, stale_reason));
        Some(config)
    }

    fn plan_trial(&self, now: Instant, outcome: Attempt, stale_reason: Reason) -> Trial {
        let begins_at = later(now, self.scaled(CONNECT_DELAY));
        let mut trial = Trial {
            begins_at,
            steps: Vec::new(),
            events: Vec::new(),
            stale_reason,
        };
        let failure = match outcome {
            Ok(point) => {
                let at = later(begins_at, self.scaled(self.settings.world.join));
                trial.events = vec![(at, ManagerEvent::Joined(point.ssid.clone()))];
                trial.steps = vec![(at, Station::Connected(point))];
                return trial;
            }
            Err(failure) => failure,
        };
        let Some(reason) = self.reported_reason(failure, stale_reason) else {
            return trial;
        };
        let each = self.scaled(FAILED_ATTEMPT);
        let failure_at = |number| later(begins_at, each.saturating_mul(number));
        let attempts = self.max_attempts().max(1);
        trial.steps.extend((1..attempts).map(|number| {
            let remaining = attempts.saturating_sub(number);
            (failure_at(number), Station::AttemptFailed { remaining })
        }));
        let failed = (failure_at(attempts), Station::Failed(reason));
        trial.steps.push(failed);
        // Firmware reports only the first failure, unless an application counts them: it adds an attempt
        // after each, and resets the manager after the last.
        let counted = self.application_resets_after();
        let more = counted.unwrap_or(1).saturating_sub(1);
        let last = attempts.saturating_add(more);
        let failed = |number| (failure_at(number), ManagerEvent::Failed(reason));
        trial.events.extend((attempts..=last).map(failed));
        if counted.is_some() {
            let reset = (failure_at(last), ManagerEvent::ApplicationReset);
            trial.events.push(reset);
        }
        trial
    }

    /// Reports the progress of joining to a client. Reporting a success begins the end of the service.
    pub(super) fn report_station(&mut self, now: Instant) -> Station {
        let station = self.station(now);
        if matches!(station, Station::Connected(_)) {
            self.success_reported_at.get_or_insert(now);
        }
        station
    }

    /// Resets the manager after a failure, and in newer firmware also at the start, and ends the attempts of
    /// the station. The reported state remains. Returns whether the manager accepts that.
    pub(super) fn reset(&mut self, now: Instant) -> bool {
        let is_accepted = match self.station(now) {
            _ if self.settings.acts_out(Scenario::ResetRefused) => false,
            _ if self.is_at_start(now) => self.rules().resets_at_start,
            Station::Connecting | Station::AttemptFailed { .. } => {
                self.settings.acts_out(Scenario::ResetAccepted)
            }
            Station::Connected(_) => false,
            Station::Failed(_) => true,
        };
        if is_accepted {
            self.is_reset = true;
            if let Some(trial) = &mut self.trial {
                trial.steps.retain(|(at, _)| *at <= now);
                trial.events.retain(|(at, _)| *at <= now);
            }
        }
        is_accepted
    }

    /// When the service ends, as far as that is decided.
    pub(super) fn stops_at(&self) -> Option<(Instant, StopReason)> {
        let joined = self.joined_at().filter(|_| !self.is_reset);
        if let Some(joined) = joined
            && self.settings.acts_out(Scenario::ServiceGone)
        {
            return Some((joined, StopReason::Vanished));
        }
        if let Some(reported_at) = self.success_reported_at {
            let at = later(reported_at, self.scaled(CLEANUP_DELAY));
            return Some((at, StopReason::Provisioned));
        }
        let at = later(joined?, self.scaled(AUTO_STOP));
        Some((at, StopReason::ResultNotRequested))
    }

    /// Takes the events since the last call, with their times.
    pub(super) fn take_events(&mut self, now: Instant) -> Vec<(Instant, ManagerEvent)> {
        let events = self.events().iter().filter(|(at, _)| *at <= now);
        let events: Vec<_> = events.skip(self.taken_events).cloned().collect();
        self.taken_events = self.taken_events.saturating_add(events.len());
        events
    }

    /// When [`Manager::take_events`] has the next event, as far as that is decided.
    pub(super) fn next_event_at(&self) -> Option<Instant> {
        let next = self.events().get(self.taken_events);
        next.map(|(at, _)| *at)
    }

    /// All events of the current trial, in order.
    fn events(&self) -> &[(Instant, ManagerEvent)] {
        self.trial.as_ref().map_or(&[], |trial| &trial.events)
    }

    fn find_event(&self, is_wanted: impl Fn(&ManagerEvent) -> bool) -> Option<Instant> {
        let mut events = self.events().iter();
        let found = events.find(|(_, event)| is_wanted(event));
        found.map(|(at, _)| *at)
    }

    /// When the application resets the manager, if the client does not before.
    fn application_reset_at(&self) -> Option<Instant> {
        self.find_event(|event| *event == ManagerEvent::ApplicationReset)
    }

    /// When the device gets its address in the current trial, if it does.
    fn joined_at(&self) -> Option<Instant> {
        self.find_event(|event| matches!(event, ManagerEvent::Joined(_)))
    }

    /// When clients cannot reach the device during the current trial, if it has such a time.
    pub(super) fn outage(&self) -> Option<Outage> {
        let trial = self.trial.as_ref()?;
        let joined = self.joined_at()?;
        let from = trial.begins_at;
        if self.settings.acts_out(Scenario::ServiceGone) {
            return Some(Outage { from, until: None });
        }
        let until = Some(later(from, self.scaled(CHANNEL_CHANGE)).max(joined));
        let changes = self.settings.acts_out(Scenario::ChannelChange);
        changes.then_some(Outage { from, until })
    }

    /// Begins a scan. Returns how long the radio needs.
    pub(super) fn scan(&mut self, now: Instant, command: CmdScanWifiStart) -> Duration {
        if !self.is_scan_finished(now) {
            // Firmware reports success at once, even for a blocking request.
            return Duration::ZERO;
        }
        let is_stuck = !self.is_at_start(now);
        let scan = Scan::begin(now, command, self.settings.time_scale, is_stuck);
        let duration = scan.duration();
        self.scan = Some(scan);
        if is_stuck { NEVER } else { duration }
    }

    /// Whether no scan is running: also before the first one.
    pub(super) fn is_scan_finished(&self, now: Instant) -> bool {
        self.scan.as_ref().is_none_or(|scan| scan.is_finished(now))
    }

    /// The access points that the last scan has found by now, strongest first.
    pub(super) fn scan_results(&self, now: Instant) -> Vec<&AccessPoint> {
        let is_found = |point: &&AccessPoint| {
            let scan = self.scan.as_ref();
            scan.is_some_and(|scan| scan.has_visited(point.channel, now))
        };
        let points = self.settings.world.access_points.iter();
        let mut found: Vec<_> = points.filter(is_found).collect();
        found.sort_by_key(|point| std::cmp::Reverse(point.rssi));
        found.truncate(MAX_SCAN_ENTRIES);
        found
    }

    /// Whether the state machine is at its start: before an apply, or after a reset.
    fn is_at_start(&self, now: Instant) -> bool {
        let was_reset = self.application_reset_at().is_some_and(|at| at <= now);
        self.success_reported_at.is_none() && (self.is_reset || was_reset)
    }

    fn station(&self, now: Instant) -> Station {
        let steps = self.trial.iter().flat_map(|trial| &trial.steps);
        let last = steps.take_while(|(at, _)| *at <= now).last();
        // Also the initial value, before any apply.
        last.map_or(Station::Connecting, |(_, station)| station.clone())
    }

    /// The reason that the device reports for a failure; `None` if it retries without end.
    fn reported_reason(&self, failure: Failure, stale_reason: Reason) -> Option<Reason> {
        match failure {
            Failure::NotFound => Some(Reason::NetworkNotFound),
            Failure::WrongPassphrase => Some(Reason::AuthError),
            Failure::AuthExpired if !self.rules().has_auth_expire_retry => Some(Reason::AuthError),
            Failure::AuthExpired | Failure::Unrelated => {
                (self.max_attempts() > 0).then_some(stale_reason)
            }
            Failure::Endless => None,
        }
    }

    /// The limit of attempts; 0 for one, or for endless ones.
    fn max_attempts(&self) -> u32 {
        if !self.rules().counts_attempts {
            0
        } else if self.settings.acts_out(Scenario::AttemptsCountdown) {
            5
        } else {
            ATTEMPTS
        }
    }

    /// The number of failures after which the application resets the manager.
    fn application_resets_after(&self) -> Option<u32> {
        if self.settings.acts_out(Scenario::AppResets) {
            Some(1)
        } else if self.settings.acts_out(Scenario::AppNeverResets) {
            None
        } else {
            self.rules().application_resets_after
        }
    }
}

/// Adds a wait to a moment. A sum beyond the range of the clock becomes a moment far away.
pub(super) fn later(from: Instant, wait: Duration) -> Instant {
    from.checked_add(wait)
        .or_else(|| from.checked_add(NEVER))
        .unwrap_or(from)
}

/// Practically without end, and still within the range of a clock.
pub(super) const NEVER: Duration = Duration::from_hours(365 * 24);
/// `esp_timer_start_once(wifi_connect_timer, …)`: the device sends its answer before the channel changes.
const CONNECT_DELAY: Duration = Duration::from_secs(1);
/// How long a failing attempt takes.
const FAILED_ATTEMPT: Duration = Duration::from_millis(1500);
/// `wifi_conn_attempts`. Without it, there is one attempt if the reason of the failure is known, and else
/// endless ones.
const ATTEMPTS: u32 = 3;
/// `cleanup_delay`.
const CLEANUP_DELAY: Duration = Duration::from_secs(1);
/// `CONFIG_NETWORK_PROV_AUTOSTOP_TIMEOUT`.
const AUTO_STOP: Duration = Duration::from_secs(30);
/// How long a client takes to find an access point on its new channel.
const CHANNEL_CHANGE: Duration = Duration::from_secs(2);
/// `CONFIG_NETWORK_PROV_SCAN_MAX_ENTRIES`.
const MAX_SCAN_ENTRIES: usize = 16;

#[cfg(test)]
mod tests;
