//! `qr`: what a label's code says, and a code for a label. Reading and drawing are `qr`'s; the
//! argument that every command reads a payload from is in `argument`.

mod decode;
mod encode;

use clap::{ArgMatches, Subcommand};

use self::decode::Decode;
use self::encode::Encode;
use crate::cli::args::drivers::Drivers;
use crate::cli::args::inputs::Inputs;
use crate::cli::terminal::Ui;
use crate::report::Failure;

/// What to do with a code.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Qr {
    /// Say what a label's QR code means: its text, a picture of it, or a log that has it.
    Decode(Decode),
    /// Draw a label's QR code in the terminal, or into a file.
    Encode(Encode),
}

/// Runs `qr …`.
pub(in crate::cli) async fn run(
    command: &Qr,
    matches: &ArgMatches,
    ui: &Ui,
    drivers: &Drivers,
) -> Result<(), Failure> {
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    let mut inputs = Inputs::new(matches);
    ui.result_only();
    match command {
        Qr::Decode(args) => decode::run(args, &mut inputs, ui, drivers).await,
        Qr::Encode(args) => encode::run(args, &mut inputs, ui, drivers).await,
    }
}
