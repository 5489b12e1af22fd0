//! `device`: talk to one device without provisioning it.

use clap::{ArgMatches, Args, Subcommand};
use serde_json::{Map, Value};

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
    let (lines, keys) = outcome.map_err(|error| Failure::of_flow(&error, &asked))?;
    ui.result(&lines, keys)
}

/// What a command answers: for people, and for machines.
type Reply = (Vec<String>, Map<String, Value>);

async fn info(asked: &Asked, ui: &mut Ui) -> Result<Reply, FlowError> {
    let version = connect::identify(&asked.target, &asked.pace, ui).await?;
    let security = version.sec_ver.map_or_else(unsaid, |n| n.to_string());
    let pop = version.pop_required.map_or_else(unsaid, |needed| {
        if needed { "yes" } else { "no" }.to_owned()
    });
    let lines = vec![
        version_line(&version),
        format!("Security: {security}"),
        format!("PoP needed: {pop}"),
    ];
    Ok((lines, keys_of("version", &version)))
}

fn unsaid() -> String {
    "not announced".to_owned()
}

async fn list_wifi(asked: &Asked, ui: &mut Ui) -> Result<Reply, FlowError> {
    let opened = connect::open(&asked.target, &asked.pace, ui).await?;
    let mut session = connect::secure(opened, &asked.access, ui).await?.session;
    let seen = wifi::scan(&mut session, &asked.pace, ui).await?;
    let networks: Vec<Network> = seen.iter().map(Network::from).collect();
    session.close().await.map_err(|source| FlowError::Session {
        doing: Doing::Scanning,
        source,
    })?;
    Ok((network_table(&networks), keys_of("networks", &networks)))
}
