//! `-v`, `-vv`, `--log-file` and the log of a support bundle: what the layers below note. They note
//! names, sizes and times, never contents, so there is nothing to redact here.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::sync::Mutex;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::bundle::Recording;

/// Starts logging for the number of `-v`. A file gets at least what one `-v` shows, a recording
/// everything.
pub(super) fn start(verbose: u8, file: Option<File>, recording: Option<&Recording>) {
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
    let kept = recording.map(|recording| {
        let lines = recording.log();
        tracing_subscriber::fmt::layer()
            .with_writer(move || lines.clone())
            .with_ansi(false)
            .with_filter(ours(u8::MAX))
    });
    if terminal.is_some() || file.is_some() || kept.is_some() {
        tracing_subscriber::registry()
            .with(terminal)
            .with(file)
            .with(kept)
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
