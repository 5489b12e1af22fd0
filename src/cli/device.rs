//! `device`: talk to one device without provisioning it.

use clap::{ArgMatches, Args, Subcommand};

use super::device_args::{Asked, DeviceArgs};
use super::failure::Failure;
use super::settings::Inputs;
use super::ui::{Ui, keys_of, network_table, version_line};
use crate::flows::{Doing, FlowError, Network, connect, wifi};

/// What to ask the device.
#[derive(Debug, Subcommand)]
pub(super) enum Device {
    /// Firmware version and capabilities. Needs no secret.
    Info(Info),
    /// The Wi-Fi networks that the device sees.
    Wifi(Wifi),
}

/// Arguments of `device info`.
#[derive(Args, Debug)]
pub(super) struct Info {
    #[command(flatten)]
    device: DeviceArgs,
}

/// Arguments of `device wifi`.
#[derive(Args, Debug)]
pub(super) struct Wifi {
    #[command(flatten)]
    device: DeviceArgs,
}

/// Runs `device …`.
pub(super) async fn run(
    command: &Device,
    matches: &ArgMatches,
    ui: &mut Ui,
) -> Result<(), Failure> {
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    let mut inputs = Inputs::new(matches);
    let device = match command {
        Device::Info(Info { device }) | Device::Wifi(Wifi { device }) => device,
    };
    let asked = device.resolve(None, &mut inputs).await?;
    let outcome = match command {
        Device::Info(_) => {
            ui.answer_only();
            info(&asked, ui).await
        }
        Device::Wifi(_) => {
            ui.result_only();
            list_wifi(&asked, ui).await
        }
    };
    outcome.map_err(|error| Failure::of_flow(&error, &asked.label, asked.target.kind))
}

async fn info(asked: &Asked, ui: &mut Ui) -> Result<(), FlowError> {
    let opened = connect::open(&asked.target, &asked.pace, ui).await?;
    let version = &opened.version;
    let security = version
        .sec_ver
        .map_or_else(|| "not announced".to_owned(), |n| n.to_string());
    let lines = [
        version_line(version),
        format!("Security: {security}"),
        format!(
            "PoP needed: {}",
            match version.pop_required {
                Some(true) => "yes",
                Some(false) => "no",
                None => "not announced",
            }
        ),
    ];
    let keys = keys_of("version", version);
    opened
        .connection
        .close()
        .await
        .map_err(|source| FlowError::Session {
            doing: Doing::ReadingVersion,
            source,
        })?;
    ui.result(&lines, keys);
    Ok(())
}

async fn list_wifi(asked: &Asked, ui: &mut Ui) -> Result<(), FlowError> {
    let opened = connect::open(&asked.target, &asked.pace, ui).await?;
    let (mut session, _) = connect::secure(opened, &asked.access, ui).await?;
    let seen = wifi::scan(&mut session, &asked.pace, ui).await?;
    let networks: Vec<Network> = seen.iter().map(Network::from).collect();
    session.close().await.map_err(|source| FlowError::Session {
        doing: Doing::Scanning,
        source,
    })?;
    ui.result(&network_table(&networks), keys_of("networks", &networks));
    Ok(())
}
