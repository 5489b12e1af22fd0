//! What every subcommand works with.

use clap::{ArgMatches, Command};

use super::args::account::describe_save_error;
use super::args::drivers::Drivers;
use super::args::inputs::Inputs;
use super::interrupt::Interrupts;
use super::terminal::{Printer, TerminalObserver, print_note};
use crate::cloud::Client;

/// The surroundings of one subcommand.
#[derive(Debug)]
pub(super) struct Workplace {
    /// The drivers and protocols of this program.
    pub(super) drivers: Drivers,
    /// The arguments of the innermost subcommand.
    pub(super) matches: ArgMatches,
    /// All commands, with their flags.
    pub(super) tree: Command,
    pub(super) printer: Printer,
    pub(super) observer: TerminalObserver,
    pub(super) interrupts: Interrupts,
}

impl Workplace {
    /// The sources of the arguments' values.
    pub(super) fn inputs(&self) -> Inputs<'_> {
        Inputs::new(&self.matches, print_note)
    }

    /// Prints a warning if a renewed login could not be saved.
    pub(super) fn warn_if_not_saved(&self, client: &Client) {
        if let Some(error) = describe_save_error(client) {
            self.printer.print_note(&format!("warning: {error}"));
        }
    }
}
