//! The flags for reading the log of a board.

use std::time::Duration;

use clap::Args;

use crate::cli::args::inputs::parse_seconds;
use crate::transport::DEFAULT_BAUD;

/// The limit for reading a board's log.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct LogArgs {
    /// How long a board's log may be without its QR code, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_LOG_TIMEOUT", value_parser = parse_seconds, default_value = "60", help_heading = HEADING)]
    log_timeout: Duration,
}

/// How a board's log is read.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct LogLine {
    pub(in crate::cli) baud: u32,
    pub(in crate::cli) timeout: Duration,
}

impl LogArgs {
    /// The settings for this speed.
    pub(in crate::cli) fn line(&self, baud: Option<u32>) -> LogLine {
        LogLine {
            baud: baud.unwrap_or(DEFAULT_BAUD),
            timeout: self.log_timeout,
        }
    }
}

/// The heading of these flags in help.
pub(in crate::cli) const HEADING: &str = "Serial line";
