//! `qr`: what a label's code says, and a code for a label. Reading and drawing are `qr`'s; the
//! argument that every command reads a payload from is in `argument`.

mod decode;
mod encode;

use async_trait::async_trait;

use self::decode::Decode;
use self::encode::Encode;
use crate::cli::subcommand::Subcommand;
use crate::cli::workplace::Workplace;
use crate::report::Failure;

/// What to do with a code.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Qr {
    /// Say what a label's QR code means: its text, a picture of it, or a log that has it.
    Decode(Decode),
    /// Draw a label's QR code in the terminal, or into a file.
    Encode(Encode),
}

#[async_trait(?Send)]
impl Subcommand for Qr {
    fn is_output_private(&self) -> bool {
        true
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let (printer, drivers) = (&workplace.printer, &workplace.drivers);
        let mut inputs = workplace.inputs();
        match self {
            Self::Decode(args) => decode::run(args, &mut inputs, printer, drivers).await,
            Self::Encode(args) => encode::run(args, &mut inputs, printer, drivers).await,
        }
    }
}
