//! `emulate`: plays a device or a cloud on this computer, for tests and for trials without a board.
//! Their behavior is in `emulator`; their flags are in `emulate/`.

mod cloud;
mod device;
mod failures;
mod listen;

use async_trait::async_trait;

use self::cloud::EmulateCloud;
use self::device::EmulateDevice;
use crate::cli::subcommand::Subcommand;
use crate::cli::workplace::Workplace;
use crate::report::Failure;

/// What to play.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Emulate {
    /// Play a RainMaker cloud with one account, without the internet.
    Cloud(Box<EmulateCloud>),
    /// Play a device that waits to be provisioned, or to be mapped, without a board.
    Device(Box<EmulateDevice>),
}

#[async_trait(?Send)]
impl Subcommand for Emulate {
    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        match self {
            Self::Cloud(args) => cloud::play_cloud(args).await,
            Self::Device(args) => device::play_devices(args, workplace).await,
        }
    }
}
