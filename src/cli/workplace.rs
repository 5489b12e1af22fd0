//! What every subcommand works with.

use clap::{ArgMatches, Command};

use super::args::drivers::Drivers;
use super::args::inputs::Inputs;
use super::interrupt::Interrupts;
use super::terminal::{Printer, TerminalObserver};

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
        Inputs::new(&self.matches)
    }
}
