//! The flags for reading the log of a board.

use std::time::Duration;

use clap::Args;

use crate::cli::args::inputs::parse_seconds;
use crate::transport::DEFAULT_BAUD;

/// The speed of the serial line.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct SpeedArgs {
    /// Speed of the serial line, in bits a second [default: 115200]
    #[arg(long, value_name = "N", env = "ESPCTL_BAUD", value_parser = clap::value_parser!(u32).range(300..=4_000_000), help_heading = HEADING)]
    baud: Option<u32>,
}

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

impl SpeedArgs {
    pub(in crate::cli) fn log(&self, log: &LogArgs) -> LogLine {
        log.line(self.baud)
    }
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

const HEADING: &str = "Serial line";
