//! `qr`: reads and makes the QR codes of labels.

mod board;
mod decode;
mod encode;

use async_trait::async_trait;

use self::decode::Decode;
use self::encode::Encode;
use crate::cli::subcommand::Subcommand;
use crate::cli::workplace::Workplace;
use crate::report::Failure;

/// The commands about QR codes.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Qr {
    /// Explain a label's QR code: its text, a picture of it, or a log that contains it.
    Decode(Decode),
    /// Draw a label's QR code in the terminal, or into a file.
    Encode(Encode),
}

#[async_trait(?Send)]
impl Subcommand for Qr {
    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        match self {
            Self::Decode(args) => args.decode(workplace).await,
            Self::Encode(args) => args.encode(workplace).await,
        }
    }
}
