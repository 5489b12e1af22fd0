//! `-v` and `-vv`: what the layers below note, on stderr. They note names, sizes and times, never
//! contents, so there is nothing to redact here.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging for the number of `-v`.
pub(super) fn start(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .without_time();
    // Only our own: what a library notes about a connection may hold what travels on it.
    let targets = Targets::new().with_target("espctl", level);
    tracing_subscriber::registry()
        .with(targets)
        .with(lines)
        .init();
}
