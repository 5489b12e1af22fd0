//! `qr`: what a label's code says, and a code for a label. Reading and drawing are `qr`'s; the
//! argument that every command reads a payload from is in `argument`.

mod argument;
mod decode;
mod encode;
mod serial;

use clap::{ArgMatches, Subcommand};

pub(super) use self::argument::{payload, port_of};
use self::decode::Decode;
use self::encode::Encode;
use super::drivers::Drivers;
use super::settings::Inputs;
use super::ui::Ui;
use crate::report::Failure;

/// What to do with a code.
#[derive(Debug, Subcommand)]
pub(super) enum Qr {
    /// Say what a label's QR code means: its text, a picture of it, or a log that has it.
    Decode(Decode),
    /// Draw a label's QR code in the terminal, or into a file.
    Encode(Encode),
}

/// Runs `qr …`.
pub(super) async fn run(
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
