//! `emulate`: plays the other side on this computer, for tests and for trying things without a
//! board. Which sides there are; what they say and do is `emulator`'s, and their flags are in
//! `emulate/`.

mod cloud;
mod device;

use std::fs::File;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

use clap::Subcommand;
use serde_json::Value;

use self::device::EmulateDevice;
use crate::cli::terminal::{self, Ui};
use crate::report::{ErrorId, Failure, remedies};

/// Which other side to play.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Emulate {
    /// Play a RainMaker cloud with one account, without the internet.
    Cloud(Box<cloud::EmulateCloud>),
    /// Play a device that waits to be provisioned, or to be mapped, without a board.
    Device(Box<EmulateDevice>),
}

/// Plays the other side until it ends.
pub(in crate::cli) async fn run(command: Emulate, ui: &Ui) -> Result<(), Failure> {
    match command {
        Emulate::Cloud(args) => cloud::run(&args).await,
        Emulate::Device(args) => device::run(&args, ui).await,
    }
}

/// A port that is not to be had.
fn cannot_listen(asked: SocketAddr, error: &std::io::Error) -> Failure {
    let message = format!("cannot listen on {asked}");
    let failure = Failure::new(ErrorId::CannotListen, message).cause(error);
    match error.kind() {
        ErrorKind::AddrInUse => failure.remedy(&remedies::FREE_PORT),
        ErrorKind::PermissionDenied => failure.remedy(&remedies::HIGH_PORT),
        _ => failure,
    }
}

fn print(line: &Value) -> Result<(), Failure> {
    terminal::print_json(line).map_err(|error| Failure::output_lost(&error))
}

/// For its owner alone: passphrases will be in it.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    // Appending, because several devices may share it.
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    file.set_len(0)?;
    Ok(file)
}

fn unusable(flag: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    let message = format!("{flag}: cannot use {}", path.display());
    Failure::new(ErrorId::UnreadableFile, message).cause(error)
}
