//! The log: on standard error, in a file, and in the record of a run. The layers log names, sizes and
//! times, never contents, so there is nothing to redact here.

use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::sync::Mutex;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::recorder::Recorder;

/// Starts logging: to standard error at level `verbose`, to a file at least at level 1, to a recorder at
/// the highest level.
pub(crate) fn init_logging(verbose: u8, file: Option<File>, recorder: Option<&Recorder>) {
    let terminal = (verbose > 0).then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .without_time()
            .with_filter(of_this_crate(verbose))
    });
    let file = file.map(|file| {
        tracing_subscriber::fmt::layer()
            .with_writer(Mutex::new(file))
            .with_ansi(false)
            .with_filter(of_this_crate(verbose.max(1)))
    });
    let kept = recorder.map(|recorder| {
        let lines = recorder.log.clone();
        tracing_subscriber::fmt::layer()
            .with_writer(move || lines.clone())
            .with_ansi(false)
            .with_filter(of_this_crate(u8::MAX))
    });
    if terminal.is_some() || file.is_some() || kept.is_some() {
        tracing_subscriber::registry()
            .with(terminal)
            .with(file)
            .with(kept)
            .init();
    }
}

/// Selects the events of this crate only, because those of libraries can have the contents of a
/// connection.
fn of_this_crate(verbose: u8) -> Targets {
    let level = match verbose {
        0 | 1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    Targets::new().with_target("espctl", level)
}
