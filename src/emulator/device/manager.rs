//! The provisioning manager (`NP/src/manager.c`): which state it is in, and what the radio is
//! doing meanwhile. Not the messages, which are the endpoints'.
//!
//! There is no timer here. What was begun is kept with the moment it began, and every question
//! is answered from that and the present moment, so that a test can ask about any moment.

mod conduct;
mod scan;

use std::time::Duration;

use tokio::time::Instant;

use self::scan::Scan;
use super::StopReason;
use super::firmware::Rules;
use super::outage::Outage;
use super::world::{AccessPoint, Attempt, Failure, TimeScale, World};
use crate::emulator::flash::StoredConfig;

pub(super) use self::conduct::Conduct;
use self::conduct::RadioLoss;
pub(super) use self::scan::ScanRequest;

/// The manager and the station that it drives.
#[derive(Debug)]
pub(super) struct Manager {
    world: World,
    scale: TimeScale,
    auto_stop: bool,
    conduct: Conduct,
    /// Credentials that wait for an apply.
    stored: Option<StoredConfig>,
    /// Whether the state machine is at its start: before an apply, or after a reset.
    started: bool,
    /// What the last apply began. It outlives a reset, because the reported state does.
    trial: Option<Trial>,
    scan: Option<Scan>,
    /// When a client was first told that the device is connected.
    reported: Option<Instant>,
    /// How much of what happens without a client has been told by [`Manager::news`].
    told: Told,
}

/// What has been told of the current trial.
#[derive(Debug, Default)]
struct Told {
    joined: bool,
    failures: u32,
    reset: bool,
}

/// What happens while nobody asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum News {
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
    pub(super) fn new(world: World, scale: TimeScale, auto_stop: bool, conduct: Conduct) -> Self {
        Self {
            world,
            scale,
            auto_stop,
            conduct,
            stored: None,
            started: true,
            trial: None,
            scan: None,
            reported: None,
            told: Told::default(),
        }
    }

    /// What its firmware does and does not.
    pub(super) fn rules(&self) -> Rules {
        self.conduct.rules
    }

    /// As after a power cycle.
    pub(super) fn restart(&mut self) {
        *self = Self::new(
            self.world.clone(),
            self.scale,
            self.auto_stop,
            self.conduct.clone(),
        );
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
        self.told = Told::default();
        let attempt = match self.conduct.failure {
            Some(failure) => Attempt::Fails(failure),
            None => self.world.join(&config.ssid, config.passphrase.expose()),
        };
        self.trial = Some(Trial {
            begins: later(now, self.scale.of(CONNECT_DELAY)),
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
            _ if self.conduct.refuses_reset => Err(WrongState),
            State::CredentialsReceived if !self.conduct.always_resets => Err(WrongState),
            State::Fail | State::CredentialsReceived => {
                // The station stops trying, too.
                if let Some(trial) = &mut self.trial {
                    trial.frozen.get_or_insert(now);
                }
                self.started = true;
                Ok(())
            }
            State::Started if self.conduct.rules.resets_at_start => Ok(()),
            State::Started | State::Success | State::Stopping => Err(WrongState),
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
        let joined = self.joined_at().filter(|_| !self.started);
        if let Some(joined) = joined
            && self.conduct.radio_loss == Some(RadioLoss::ForEver)
        {
            return Some((joined, StopReason::Vanished));
        }
        if !self.auto_stop {
            return None;
        }
        if let Some(reported) = self.reported {
            let at = later(reported, self.scale.of(CLEANUP_DELAY));
            return Some((at, StopReason::Provisioned));
        }
        let at = later(joined?, self.scale.of(AUTO_STOP));
        Some((at, StopReason::NobodyAsked))
    }

    /// What has happened since this was last asked, and when.
    pub(super) fn news(&mut self, now: Instant) -> Vec<(Instant, News)> {
        let mut news = Vec::new();
        let Some(trial) = &self.trial else {
            return news;
        };
        match &trial.attempt {
            Attempt::Joins(point) => {
                if let Some(at) = self.joined_at().filter(|at| *at <= now)
                    && !std::mem::replace(&mut self.told.joined, true)
                {
                    news.push((at, News::Joined(point.ssid.clone())));
                }
            }
            Attempt::Fails(failure) => {
                // Without an application that counts them, firmware tells the first.
                let last = self.conduct.application_resets_after.unwrap_or(1);
                let Some(reason) = self.reason(trial, *failure) else {
                    return news;
                };
                let end = trial.frozen.map_or(now, |frozen| frozen.min(now));
                while self.told.failures < last {
                    let next = self.told.failures.saturating_add(1);
                    let at = self.failure_at(trial, next);
                    if at > end {
                        return news;
                    }
                    self.told.failures = next;
                    news.push((at, News::Failed(reason)));
                }
                if let Some(at) = self.application_reset_at()
                    && !std::mem::replace(&mut self.told.reset, true)
                {
                    news.push((at, News::ApplicationReset));
                }
            }
        }
        news
    }

    /// When there will be something for [`Manager::news`], as far as that is settled.
    pub(super) fn next_news(&self) -> Option<Instant> {
        let trial = self.trial.as_ref()?;
        let at = match &trial.attempt {
            Attempt::Joins(_) if self.told.joined => return None,
            Attempt::Joins(_) => self.joined_at()?,
            Attempt::Fails(failure) => {
                self.reason(trial, *failure)?;
                let last = self.conduct.application_resets_after.unwrap_or(1);
                if self.told.failures >= last {
                    return None;
                }
                self.failure_at(trial, self.told.failures.saturating_add(1))
            }
        };
        trial.frozen.is_none_or(|frozen| at <= frozen).then_some(at)
    }

    /// When the way to the device is lost and found again, as far as the current trial has that.
    pub(super) fn outage(&self) -> Option<Outage> {
        let trial = self.trial.as_ref()?;
        let joined = self.joined_at()?;
        let until = match self.conduct.radio_loss? {
            RadioLoss::ForAWhile => {
                let away = later(trial.begins, self.scale.of(CHANNEL_CHANGE));
                Some(away.max(joined))
            }
            RadioLoss::ForEver => None,
        };
        Some(Outage {
            from: trial.begins,
            until,
        })
    }

    /// Looks for networks. The answer is how long the radio needs from now on.
    pub(super) fn scan(&mut self, now: Instant, request: ScanRequest) -> Duration {
        if self.scan.as_ref().is_some_and(|scan| !scan.finished(now)) {
            // As firmware: success at once, even for a blocking request.
            return Duration::ZERO;
        }
        let stuck = self.state(now) != State::Started;
        let scan = Scan::begin(now, request, self.scale, stuck);
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
            Attempt::Joins(point) => match self.joined_at() {
                Some(at) if at <= now => Station::Connected(point.clone()),
                _ => Station::Connecting,
            },
            Attempt::Fails(failure) => self.failing(trial, *failure, now),
        }
    }

    /// Where a trial is that cannot succeed.
    fn failing(&self, trial: &Trial, failure: Failure, now: Instant) -> Station {
        let Some(reason) = self.reason(trial, failure) else {
            return Station::Connecting;
        };
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
            Failure::AuthExpired if self.conduct.rules.knows_auth_expire => Some(Reason::AuthError),
            Failure::AuthExpired | Failure::Unrelated => {
                (self.attempts() > 0).then_some(trial.stale)
            }
            Failure::Endless => None,
        }
    }

    fn attempts(&self) -> u32 {
        self.conduct.attempts(self.world.attempts)
    }

    /// When a trial fails for the n-th time, which is after its last attempt and again with every
    /// one that the application adds.
    fn failure_at(&self, trial: &Trial, number: u32) -> Instant {
        let attempts = self.attempts().max(1);
        let before = attempts.saturating_add(number).saturating_sub(1);
        let each = self.scale.of(self.world.failed_attempt);
        later(trial.begins, each.saturating_mul(before))
    }

    /// When the application takes the manager back to its start, if the client does not before.
    fn application_reset_at(&self) -> Option<Instant> {
        let trial = self.trial.as_ref()?;
        let Attempt::Fails(failure) = &trial.attempt else {
            return None;
        };
        self.reason(trial, *failure)?;
        let at = self.failure_at(trial, self.conduct.application_resets_after?);
        trial.frozen.is_none_or(|frozen| at <= frozen).then_some(at)
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
