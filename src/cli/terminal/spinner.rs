//! Shows what the program is doing and for how long: one line of the terminal that is drawn again and
//! again. Lines that stay are `text`'s.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::output::print_note;
use crate::flows::{Event, SchemeSource, Stage, StageState};

/// A spinner; it draws nothing without a terminal.
#[derive(Debug, Default)]
pub(super) struct Spinner {
    is_drawn: bool,
    bar: Option<ProgressBar>,
}

impl Spinner {
    pub(super) fn new(is_drawn: bool) -> Self {
        Self {
            is_drawn,
            bar: None,
        }
    }

    /// Shows what began with this event, or nothing when something ended.
    pub(super) fn follow(&mut self, event: &Event) {
        match event {
            Event::SearchStarted { .. } => self.start("Looking for the device"),
            Event::DeviceFound { .. } => self.start("Connecting"),
            Event::Connected { .. } => self.start("Reading what the device is"),
            // A probed scheme is reported after the handshake.
            Event::SchemeChosen { source, .. } if *source != SchemeSource::Probed => {
                self.start("Securing the session");
            }
            Event::WifiScanStarted => self.start("Scanning for Wi-Fi networks"),
            Event::ContactLost => self.start("Looking for the device again"),
            Event::ContactRegained => self.start(&Stage::ConfirmWifi.to_string()),
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
            | Event::ThreadJoined(_)
            | Event::VersionRead { .. }
            | Event::WifiJoined(_)
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

    /// Starts to show a list that grows.
    pub(super) fn start_list(&mut self) {
        self.start("Listening");
        if let (Some(bar), Ok(style)) = (&self.bar, ProgressStyle::with_template(LIST)) {
            bar.set_style(style);
        }
    }

    /// Replaces the lines of the list.
    pub(super) fn show(&self, lines: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(lines.to_owned());
        }
    }

    /// Prints a line above the spinner.
    pub(super) fn print_above(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| print_note(line)),
            None => print_note(line),
        }
    }

    /// Removes the spinner.
    pub(super) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Shows that this is going on.
    pub(super) fn start(&mut self, what: &str) {
        self.clear();
        if !self.is_drawn {
            return;
        }
        let bar = ProgressBar::new_spinner().with_message(what.to_owned());
        if let Ok(style) = ProgressStyle::with_template(LINE) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(TICK);
        self.bar = Some(bar);
    }
}

/// Without color, which would have no meaning here.
const LINE: &str = "{spinner} {msg}... {elapsed}";
/// Lines above it.
const LIST: &str = "{msg}\n{spinner} Listening... {elapsed}";
/// Often enough to look alive.
const TICK: Duration = Duration::from_millis(100);
