//! Shows the events of a run at the terminal, and asks the person there for what is missing.

use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::color::{is_dumb, is_set};
use super::printer::{Format, Printer};
use super::prompt;
use super::text;
use crate::flows::{Choice, Chosen, Event, Observer, Question, RowName, Stage, Warning};
use crate::secret::Secret;

/// Shows the events of one run. Clones are the same observer.
#[derive(Clone, Debug)]
pub(in crate::cli) struct TerminalObserver {
    printer: Printer,
    can_ask: bool,
    state: Arc<Mutex<State>>,
}

/// What changes during a run.
#[derive(Debug, Default)]
struct State {
    shown: ShownEvents,
    asks_one_passphrase: bool,
    invitation: Option<String>,
    stages: Vec<Stage>,
    warnings: Vec<Warning>,
    found: Option<Event>,
}

/// Which events are printed. A spinner shows progress in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) enum ShownEvents {
    #[default]
    All,
    /// All as text; in JSON only the result.
    AsText,
    /// Warnings as text: espctl may have changed this computer.
    Warnings,
}

impl TerminalObserver {
    /// An observer that shows a spinner and asks, if a person is at the terminal.
    pub(in crate::cli) fn new(printer: Printer, no_input: bool, verbose: u8) -> Self {
        let is_terminal = io::stderr().is_terminal();
        // Log lines would tear a spinner.
        let can_draw = verbose == 0 && printer.format() == Format::Text && !is_dumb();
        if is_terminal && can_draw {
            printer.spinner.unhide();
        }
        Self {
            printer,
            can_ask: is_terminal && io::stdin().is_terminal() && !no_input && !is_set("CI"),
            state: Arc::default(),
        }
    }

    /// Whether a person can be asked.
    pub(in crate::cli) fn can_ask(&self) -> bool {
        self.can_ask
    }

    /// Sets what is printed from here on.
    pub(in crate::cli) fn show_events(&self, shown: ShownEvents) {
        self.state().shown = shown;
    }

    /// Ends the run with the first passphrase that the device could not use.
    pub(in crate::cli) fn ask_one_passphrase(&self) {
        self.state().asks_one_passphrase = true;
    }

    /// Prints this line when the search begins.
    pub(in crate::cli) fn invite(&self, invitation: Option<String>) {
        self.state().invitation = invitation;
    }

    /// The event that a search found a device which announces itself.
    pub(in crate::cli) fn found(&self) -> Option<Event> {
        self.state().found.clone()
    }

    /// The warnings so far.
    pub(in crate::cli) fn warnings(&self) -> Vec<Warning> {
        self.state().warnings.clone()
    }

    /// Asks for a secret that belongs to no device. `None`: there is no person, or no answer.
    pub(in crate::cli) async fn ask_secret(
        &self,
        message: &str,
        help: &str,
    ) -> Option<Secret<String>> {
        if !self.can_ask {
            return None;
        }
        self.printer.spinner.clear();
        prompt::ask_secret(message, help).await
    }

    /// Whether a person confirms.
    pub(in crate::cli) async fn confirm(&self, message: &str) -> bool {
        if !self.can_ask {
            return false;
        }
        self.printer.spinner.clear();
        prompt::confirm(message).await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Observer for TerminalObserver {
    fn event(&self, row: Option<&RowName>, event: &Event) {
        let mut state = self.state();
        let shown = state.shown;
        self.printer
            .print_event(row, event, shown == ShownEvents::All);
        match event {
            Event::Warned { id, .. } => state.warnings.push(*id),
            Event::DeviceFound { transport, .. } if transport.announces() => {
                state.found = Some(event.clone());
            }
            Event::SearchStarted { .. } => {
                if let Some(invitation) = state.invitation.take() {
                    self.printer.print_line(&invitation);
                }
            }
            _ => {}
        }
        if self.printer.format() == Format::Json {
            return;
        }
        let is_warning = matches!(event, Event::Warned { .. });
        if (shown != ShownEvents::Warnings || is_warning)
            && let Some(line) = text::format_event(event, &mut state.stages)
        {
            self.printer.print_line(&line);
        }
        self.printer.spinner.follow(event);
    }

    async fn choose(&self, _row: Option<&RowName>, choice: Choice) -> Chosen {
        if !self.can_ask {
            return Chosen::Nothing;
        }
        self.printer.spinner.clear();
        match choice {
            Choice::Devices(devices) => prompt::choose_device(devices).await,
            Choice::Networks(networks) => prompt::choose_network(networks).await,
        }
    }

    async fn ask(&self, _row: Option<&RowName>, question: &Question) -> Option<Secret<String>> {
        let is_second = matches!(question, Question::NewPassphrase(_));
        if !self.can_ask || is_second && self.state().asks_one_passphrase {
            return None;
        }
        self.printer.spinner.clear();
        prompt::ask(question).await
    }
}
