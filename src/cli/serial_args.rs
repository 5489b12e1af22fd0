//! The flags about a serial line: which port, and how fast.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::settings::parse_seconds;
use crate::flows::find::Target;
use crate::transport::{Address, DEFAULT_BAUD, TransportKind};

/// Where a board is plugged in.
#[derive(Args, Clone, Debug)]
pub(super) struct SerialArgs {
    /// Serial port of the board, such as /dev/ttyUSB0 or COM3 [default: the only one on USB]
    #[arg(long, value_name = "PATH", env = "ESPCTL_PORT", value_parser = clap::builder::NonEmptyStringValueParser::new(), help_heading = HEADING)]
    port: Option<String>,

    #[command(flatten)]
    speed: SpeedArgs,
}

/// How fast it is.
#[derive(Args, Clone, Debug)]
pub(super) struct SpeedArgs {
    /// Speed of the serial line, in bits a second [default: 115200]
    #[arg(long, value_name = "N", env = "ESPCTL_BAUD", value_parser = clap::value_parser!(u32).range(300..=4_000_000), help_heading = HEADING)]
    baud: Option<u32>,
}

/// How a board's log is read.
#[derive(Args, Clone, Debug)]
pub(super) struct LogArgs {
    /// How long a board's log may be without its QR code, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_LOG_TIMEOUT", value_parser = parse_seconds, default_value = "60", help_heading = HEADING)]
    log_timeout: Duration,
}

/// A line that is to be read for its log.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogLine {
    pub(super) baud: u32,
    pub(super) patience: Duration,
}

impl SpeedArgs {
    pub(super) fn log(&self, log: &LogArgs) -> LogLine {
        LogLine {
            baud: self.baud.unwrap_or(DEFAULT_BAUD),
            patience: log.log_timeout,
        }
    }
}

impl SerialArgs {
    /// How its log is read.
    pub(super) fn log(&self, log: &LogArgs) -> LogLine {
        self.speed.log(log)
    }

    /// Whether it is said which port.
    pub(super) fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// Has the search keep to them, where it is one for a serial line; `otherwise` is the port where
    /// none is given.
    pub(super) fn apply(&self, otherwise: Option<&str>, target: &mut Target) {
        if target.kind != TransportKind::Console {
            return;
        }
        target.baud = self.speed.baud;
        if let Some(port) = self.port.as_deref().or(otherwise) {
            target.address = Some(Address::Serial {
                path: Arc::from(port),
            });
        }
    }
}

const HEADING: &str = "Serial line";
