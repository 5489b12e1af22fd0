//! stub
use super::failure::Failure;
use clap::Subcommand;
/// x
#[derive(Debug, Subcommand)]
pub(super) enum Emulate {
    /// x
    Device,
}
pub(super) async fn run(_a: Emulate) -> Result<(), Failure> {
    Ok(())
}
