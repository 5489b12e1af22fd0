//! `emulate`: plays the other side on this computer, for tests and for trying things without a
//! board. Which sides there are; what they say and do is `emulator`'s, and their flags are in
//! `emulate/`.

mod cloud;
mod device;

use async_trait::async_trait;
use std::fs::File;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;

use self::device::EmulateDevice;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::{self};
use crate::cli::workplace::Workplace;
use crate::report::{ErrorId, Failure, remedies};

/// Which other side to play.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Emulate {
    /// Play a RainMaker cloud with one account, without the internet.
    Cloud(Box<cloud::EmulateCloud>),
    /// Play a device that waits to be provisioned, or to be mapped, without a board.
    Device(Box<EmulateDevice>),
}

#[async_trait(?Send)]
impl Subcommand for Emulate {
    fn is_output_private(&self) -> bool {
        true
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        match self {
            Self::Cloud(args) => cloud::run(args).await,
            Self::Device(args) => device::run(args, &workplace.printer).await,
        }
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
