//! Whether output is colored. Color never carries meaning.

use std::io::{self, IsTerminal as _};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;

/// When output is colored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Color {
    Always,
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Never,
}

impl Color {
    /// Makes this the rule for everything that the process prints from here on.
    pub(in crate::cli) fn apply(self) {
        match self {
            Self::Always => ColorChoice::Always,
            // anstream reads any value as force; 0 means that nothing is forced.
            Self::Auto if variable_is("CLICOLOR_FORCE", "0") && !is_color_terminal() => {
                ColorChoice::Never
            }
            Self::Auto => ColorChoice::Auto,
            Self::Never => ColorChoice::Never,
        }
        .write_global();
    }
}

/// Whether stderr is colored.
pub(super) fn has_color() -> bool {
    AutoStream::choice(&io::stderr()) != ColorChoice::Never
}

/// Whether both streams are terminals that can show colors.
fn is_color_terminal() -> bool {
    let terminals = io::stdout().is_terminal() && io::stderr().is_terminal();
    terminals && std::env::var_os("TERM").is_some() && !is_dumb()
}

/// Whether the terminal cannot redraw a line.
pub(super) fn is_dumb() -> bool {
    variable_is("TERM", "dumb")
}

fn variable_is(variable: &str, value: &str) -> bool {
    std::env::var_os(variable).is_some_and(|found| found == value)
}

/// Whether an environment variable has a value.
pub(super) fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}
