//! What espctl is doing and for how long: one line of the terminal that is drawn again and
//! again. Lines that stay are `text`'s.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::output::print_note;
use crate::flows::{Event, SchemeSource, Stage, StageState};

/// A spinner; it draws nothing without a terminal. Clones are the same spinner.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Spinner(ProgressBar);

/// A spinner that draws nothing.
impl Default for Spinner {
    fn default() -> Self {
        Self(ProgressBar::hidden())
    }
}

impl Spinner {
    /// Draws from here on.
    pub(super) fn unhide(&self) {
        self.clear();
        self.0.set_draw_target(ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            self.0.set_style(style);
        }
    }

    /// Draws nothing from here on: another process writes to the same terminal.
    pub(in crate::cli) fn hide(&self) {
        self.0.set_draw_target(ProgressDrawTarget::hidden());
    }

    /// Shows what began with this event, or nothing when something ended.
    pub(super) fn follow(&self, event: &Event) {
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
            // Any other fact is part of what goes on.
            _ => {}
        }
    }

    /// Replaces the lines above the spinner.
    pub(in crate::cli) fn show_above(&self, lines: &[String]) {
        let lines = lines.iter().map(|line| format!("{line}\n"));
        self.0.set_prefix(lines.collect::<String>());
    }

    /// Prints a line that stays.
    pub(super) fn print_above(&self, line: &str) {
        self.0.suspend(|| print_note(line));
    }

    /// Removes the spinner.
    pub(in crate::cli) fn clear(&self) {
        self.0.finish_and_clear();
    }

    /// Shows that this is going on.
    pub(in crate::cli) fn start(&self, what: &str) {
        self.clear();
        self.show_above(&[]);
        self.0.set_message(what.to_owned());
        if !self.0.is_hidden() {
            self.0.reset();
            self.0.enable_steady_tick(TICK);
        }
    }
}

/// Without color, which would have no meaning here.
const TEMPLATE: &str = "{prefix}{spinner} {msg}... {elapsed}";
/// Often enough to look alive.
const TICK: Duration = Duration::from_millis(100);
