//! `-v`, `-vv` and `--log-file`: what the layers below note, on stderr or in a file. They note
//! names, sizes and times, never contents, so there is nothing to redact here.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::sync::Mutex;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging for the number of `-v`. A file gets at least what one `-v` shows.
pub(super) fn start(verbose: u8, file: Option<File>) {
    let terminal = (verbose > 0).then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .without_time()
            .with_filter(ours(verbose))
    });
    let file = file.map(|file| {
        tracing_subscriber::fmt::layer()
            .with_writer(Mutex::new(file))
            .with_ansi(false)
            .with_filter(ours(verbose.max(1)))
    });
    if terminal.is_some() || file.is_some() {
        tracing_subscriber::registry()
            .with(terminal)
            .with(file)
            .init();
    }
}

/// Only our own: what a library notes about a connection may hold what travels on it.
fn ours(verbose: u8) -> Targets {
    let level = match verbose {
        0 | 1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    Targets::new().with_target("espctl", level)
}
