//! The flags about a serial line: which port, and how fast.

use std::sync::Arc;

use clap::Args;

use crate::flows::find::Target;
use crate::transport::{Address, TransportKind};

/// Where a board is plugged in.
#[derive(Args, Clone, Debug)]
pub(super) struct SerialArgs {
    /// Serial port of the board, such as /dev/ttyUSB0 or COM3 [default: the only one on USB]
    #[arg(long, value_name = "PATH", env = "ESPCTL_PORT", value_parser = clap::builder::NonEmptyStringValueParser::new(), help_heading = HEADING)]
    port: Option<String>,

    /// Speed of the serial line, in bits a second [default: 115200]
    #[arg(long, value_name = "N", env = "ESPCTL_BAUD", value_parser = clap::value_parser!(u32).range(300..=4_000_000), help_heading = HEADING)]
    baud: Option<u32>,
}

impl SerialArgs {
    /// Whether it is said which port.
    pub(super) fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// Has the search keep to them, where it is one for a serial line.
    pub(super) fn apply(&self, target: &mut Target) {
        if target.kind != TransportKind::Console {
            return;
        }
        target.baud = self.baud;
        if let Some(port) = &self.port {
            target.address = Some(Address::Serial {
                path: Arc::from(port.as_str()),
            });
        }
    }
}

const HEADING: &str = "Serial line";
