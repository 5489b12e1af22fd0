//! `demo`: an emulated device as a second process on a loopback port, provisioned through the
//! same client stack as any other. Nothing here is a shortcut around it.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::device_args::Asked;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::provision;
use super::ui::{Format, Ui};
use crate::flows::Pace;
use crate::flows::connect::Access;
use crate::flows::find::Target;
use crate::flows::wifi::Wanted;
use crate::ident::Passphrase;
use crate::secret::Secret;
use crate::transport::{Address, TransportKind};

/// Arguments of `demo`: none.
#[derive(Args, Debug)]
pub(super) struct Demo {}

/// The first line of an emulated device.
#[derive(Deserialize)]
struct Ready {
    address: String,
    port: u16,
    name: String,
    pop: String,
}

/// Runs `demo`.
pub(super) async fn run(
    _args: &Demo,
    ui: &mut Ui,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    ui.share_terminal();
    ui.say("Starting an emulated device: espctl emulate device --transport softap");
    let (device, ready) = start_device(ui.format())
        .await
        .map_err(|error| Failure::fault(&error))?;
    let Ready {
        address: host,
        port,
        name,
        pop,
    } = ready;
    ui.say(&format!(
        "It is {name} at {host}:{port}. What follows is what this command would do:\n  \
         espctl provision --no-cloud --device-ip {host} --device-port {port} --pop {pop} \
         --ssid {SSID} --passphrase '{PASSPHRASE}'\n"
    ));
    let asked = Asked {
        target: Target {
            kind: TransportKind::SoftAp,
            address: Some(Address::Http { host, port }),
            transcript: None,
        },
        access: Access {
            pop: Some(Secret::new(pop)),
            ..Access::default()
        },
        pace: Pace::default(),
        label: name,
    };
    let passphrase = Passphrase::new(Secret::new(PASSPHRASE.to_owned()))
        .map_err(|error| Failure::fault(&error.into()))?;
    let ssid = SSID
        .parse()
        .map_err(|error| Failure::fault(&anyhow!("{error}")))?;
    let wifi = Wanted {
        ssid: Some(ssid),
        passphrase: Some(passphrase),
        ..Wanted::default()
    };
    let outcome = provision::provision(asked, Some(wifi), None, None, ui, interrupts).await;
    // Ends with us at the latest: see kill_on_drop.
    drop(device);
    outcome
}

async fn start_device(format: Format) -> anyhow::Result<(Child, Ready)> {
    let program = std::env::current_exe().context("finding this program's own file")?;
    let mut device = Command::new(program)
        .args([
            "emulate",
            "device",
            "--transport",
            "softap",
            "--listen",
            "127.0.0.1",
        ])
        .args(["--port", "0", "--join-ms", "800"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Its log is half of the show; machines read only our lines.
        .stderr(match format {
            Format::Text => Stdio::inherit(),
            Format::Json => Stdio::null(),
        })
        .kill_on_drop(true)
        .spawn()
        .context("starting the emulated device")?;
    let stdout = device
        .stdout
        .take()
        .context("reading from the emulated device")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(READY, lines.next_line())
        .await
        .context("waiting for the emulated device")??;
    let line = line.context("the emulated device ended before it was ready")?;
    let ready = serde_json::from_str(&line).context("the emulated device is not ready")?;
    Ok((device, ready))
}

/// Until the emulated device must be ready.
const READY: Duration = Duration::from_secs(10);
/// Of the emulated device's built-in world.
const SSID: &str = "Home";
const PASSPHRASE: &str = "correct horse battery";
