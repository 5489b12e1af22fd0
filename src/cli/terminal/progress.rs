//! What goes on right now, with the time it has taken so far: one line on a terminal that is
//! drawn over itself. Not the lines that stay, which are `text`'s.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::flows::{Event, SchemeSource, Stage, StageState};

/// A spinner, or nothing where nobody watches.
#[derive(Debug, Default)]
pub(super) struct Spinner {
    watched: bool,
    bar: Option<ProgressBar>,
}

impl Spinner {
    pub(super) fn new(watched: bool) -> Self {
        Self { watched, bar: None }
    }

    /// Shows what began with this event, or nothing when something ended.
    pub(super) fn follow(&mut self, event: &Event) {
        match event {
            Event::SearchStarted { .. } => self.start("Looking for the device"),
            Event::DeviceFound { .. } => self.start("Connecting"),
            Event::Connected { .. } => self.start("Reading what the device is"),
            // What was probed is told when it is secured.
            Event::SchemeChosen { source, .. } if *source != SchemeSource::Probed => {
                self.start("Securing the session");
            }
            Event::WifiScanStarted => self.start("Scanning for Wi-Fi networks"),
            Event::ContactLost => self.start("Looking for the device again"),
            Event::ContactRegained => self.start(Stage::ConfirmWifi.title()),
            Event::Stage {
                title,
                state: StageState::Started,
                ..
            } => self.start(title),
            Event::ChallengeRequested => self.start("Fetching a challenge from the account"),
            Event::MappingWaits { .. } => self.start("Waiting for the account"),
            Event::Mapped { .. }
            | Event::MappingDeferred { .. }
            | Event::SchemeChosen { .. }
            | Event::Secured { .. }
            | Event::Stage { .. }
            | Event::ThreadJoined { .. }
            | Event::VersionRead { .. }
            | Event::WifiJoined { .. }
            | Event::WifiScanned { .. } => self.clear(),
            Event::ChallengeMissed { .. }
            | Event::ChallengeResponseDisabled { .. }
            | Event::ChallengeSigned { .. }
            | Event::DeviceSeen { .. }
            | Event::MappingPolled { .. }
            | Event::MappingStarted { .. }
            | Event::ThreadSent { .. }
            | Event::UserSent { .. }
            | Event::Warned { .. }
            | Event::WifiApplied
            | Event::WifiJoining { .. }
            | Event::WifiReset { .. }
            | Event::WifiRetried { .. }
            | Event::WifiSent { .. } => {}
        }
    }

    /// Begins to show what was heard so far.
    pub(super) fn listen(&mut self) {
        self.start("Listening");
        if let (Some(bar), Ok(style)) = (&self.bar, ProgressStyle::with_template(LIST)) {
            bar.set_style(style);
        }
    }

    /// Draws these lines over those before.
    pub(super) fn show(&self, lines: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(lines.to_owned());
        }
    }

    /// Prints while the spinner is out of the way.
    pub(super) fn above(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the spinner away.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Shows that this goes on.
    pub(super) fn start(&mut self, what: &'static str) {
        self.clear();
        if !self.watched {
            return;
        }
        let bar = ProgressBar::new_spinner().with_message(what);
        if let Ok(style) = ProgressStyle::with_template(LINE) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        self.bar = Some(bar);
    }
}

/// No colour: there is nothing that it could say.
const LINE: &str = "{spinner} {msg}... {elapsed}";
/// Lines above it.
const LIST: &str = "{msg}\n{spinner} Listening... {elapsed}";
/// Often enough to look alive.
const TICK: Duration = Duration::from_millis(100);
