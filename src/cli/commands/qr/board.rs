//! The flags for a payload in the log of a board, and how `qr` reads any payload.

use clap::Args;

use crate::cli::args::board_log::{HEADING, LogArgs};
use crate::cli::args::label::{PAYLOAD_ARGUMENT, read_label};
use crate::cli::workplace::Workplace;
use crate::qr::Payload;
use crate::report::Failure;
use crate::secret::Secret;

/// How a payload is read from a board.
#[derive(Args, Debug)]
pub(super) struct BoardArgs {
    /// Speed of the serial line, in bits a second [default: 115200]
    #[arg(long, value_name = "N", env = "ESPCTL_BAUD", value_parser = clap::value_parser!(u32).range(300..=4_000_000), help_heading = HEADING)]
    baud: Option<u32>,

    #[command(flatten)]
    log: LogArgs,
}

impl BoardArgs {
    /// Reads the payload of the argument, from a board or from another source.
    pub(super) async fn read_label(
        &self,
        argument: &Secret<String>,
        workplace: &Workplace,
    ) -> Result<Payload, Failure> {
        let (line, drivers) = (self.log.line(self.baud), &workplace.drivers);
        let mut inputs = workplace.inputs();
        read_label(argument, PAYLOAD_ARGUMENT, line, &mut inputs, drivers).await
    }
}
