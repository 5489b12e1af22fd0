//! `demo`: an emulated cloud and an emulated device as processes of their own on loopback ports;
//! a login to the one, and the other provisioned into it through the same client stack as any.
//! Nothing here is a shortcut around it, but that the login is not written to disk.

use async_trait::async_trait;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use url::Url;

use crate::cli::args::environment::cloud_failure;
use crate::cli::commands::provision::{self, Summary};
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::{Format, Printer};
use crate::cli::workplace::Workplace;
use crate::cloud::account::LogIn;
use crate::cloud::mapping::Extras;
use crate::cloud::{Client, CloudError, Limits, Settings};
use crate::flows::Access;
use crate::flows::NetworkRequest;
use crate::flows::OwnerRequest;
use crate::flows::Pace;
use crate::flows::Target;
use crate::flows::{DeviceRequest, ProvisionRequest};
use crate::ident::Passphrase;
use crate::report::{Failure, transcript};
use crate::secret::Secret;

/// Arguments of `demo`: none.
#[derive(Args, Debug)]
pub(in crate::cli) struct Demo {}

/// The first line of an emulated cloud.
#[derive(Deserialize)]
struct CloudReady {
    url: Url,
    user: String,
    password: Secret<String>,
}

/// The first line of an emulated device.
#[derive(Deserialize)]
struct DeviceReady {
    address: String,
    port: u16,
    name: String,
    pop: String,
}

#[async_trait(?Send)]
impl Subcommand for Demo {
    fn stops_in_order(&self) -> bool {
        true
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        run(workplace).await
    }
}

async fn run(workplace: &Workplace) -> Result<(), Failure> {
    let Workplace {
        drivers,
        printer,
        interrupts,
        ..
    } = workplace;
    printer.share_terminal();
    // Both end with us at the latest: see kill_on_drop.
    let fault = |error: anyhow::Error| Failure::fault(&error);
    printer.say("Starting an emulated cloud:  espctl emulate cloud");
    let (_cloud, cloud): (_, CloudReady) = start(&["emulate", "cloud"], printer.format())
        .await
        .map_err(fault)?;
    let url = cloud.url.as_str();
    printer.say("Starting an emulated device: espctl emulate device --cloud URL");
    let device = ["emulate", "device", "--join-ms", "800", "--cloud", url];
    let (_device, device): (_, DeviceReady) =
        start(&device, printer.format()).await.map_err(fault)?;

    let account = log_in(&cloud, printer).await?;
    let DeviceReady {
        address: host,
        port,
        name,
        pop,
    } = device;
    printer.say(&format!(
        "The device is {name} at {host}:{port}. What follows is what this command would do:\n  \
         espctl provision --device-ip {host} --device-port {port} --pop {pop} \
         --ssid {SSID} --passphrase '{PASSPHRASE}'\n"
    ));
    let driver = drivers.default_driver()?;
    let address = driver.parse_address(&format!("{host}:{port}"));
    let address = address.map_err(|error| Failure::fault(&error.into()))?;
    let device = DeviceRequest {
        target: Target {
            address: Some(address),
            transcript: transcript(None, printer.recorder()),
            ..drivers.target(driver)
        },
        access: Access {
            pop: Some(Secret::new(pop)),
            ..Access::default()
        },
        pace: Pace::default(),
        label: name,
        network: None,
    };
    let passphrase = Passphrase::new(Secret::new(PASSPHRASE.to_owned()))
        .map_err(|error| Failure::fault(&error.into()))?;
    let ssid = SSID
        .parse()
        .map_err(|error| Failure::fault(&anyhow!("{error}")))?;
    let network = NetworkRequest {
        ssid: Some(ssid),
        passphrase: Some(passphrase),
        ..NetworkRequest::default()
    };
    let owner = OwnerRequest {
        cloud: Arc::clone(&account),
        extras: Extras::default(),
        disable: false,
    };
    let request = ProvisionRequest {
        device,
        network: Some(network),
        owner: Some(owner),
    };
    let summary = provision::provision(request, None, workplace).await?;
    interrupts
        .run_until_signal(look(&account, &summary, printer))
        .await?;
    summary.print(printer)
}

/// As `espctl login` does it, but the tokens stay in memory.
async fn log_in(cloud: &CloudReady, printer: &Printer) -> Result<Arc<Client>, Failure> {
    let doing = "logging in to the emulated cloud";
    let failed = |error: &CloudError| cloud_failure(error, doing);
    let base_url = cloud.url.join("v1/");
    let settings = Settings {
        base_url: base_url.map_err(|error| Failure::fault(&error.into()))?,
        ca_cert: None,
        allow_plain_http: false,
        limits: Limits::default(),
    };
    let client = Client::new(&settings).map_err(|error| failed(&error))?;
    let login = client.log_in(&cloud.user, Some(&cloud.password)).await;
    match login.map_err(|error| failed(&error))? {
        LogIn::Done(tokens) => {
            printer.say(&format!("Logged in to it as {}", cloud.user));
            Ok(Arc::new(client.with_tokens(tokens, None)))
        }
        LogIn::NeedsCode { .. } => Err(Failure::fault(&anyhow!("the emulated cloud wants a code"))),
    }
}

/// As `espctl node list` does it: what was said to be done is looked up.
async fn look(account: &Client, summary: &Summary, printer: &Printer) -> Result<(), Failure> {
    let failed = |error: &CloudError| cloud_failure(error, "listing the nodes");
    let nodes = account.nodes().await.map_err(|error| failed(&error))?;
    let node = nodes
        .iter()
        .find(|node| Some(node.node_id.as_str()) == summary.node_id())
        .ok_or_else(|| Failure::fault(&anyhow!("the node is not in the account")))?;
    printer.say(&format!(
        "\nIn the account now: {}, a {} ({})\n",
        node.name().unwrap_or("a node"),
        node.kind().unwrap_or("thing without a type"),
        node.node_id
    ));
    Ok(())
}

/// Starts this program once more, and reads its first line.
async fn start<T: DeserializeOwned>(
    arguments: &[&str],
    format: Format,
) -> anyhow::Result<(Child, T)> {
    let program = std::env::current_exe().context("finding this program's own file")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Their logs are half of the show; machines read only our lines.
        .stderr(match format {
            Format::Text => Stdio::inherit(),
            Format::Json => Stdio::null(),
        })
        .kill_on_drop(true)
        .spawn()
        .context("starting an emulator")?;
    let stdout = child.stdout.take().context("reading from an emulator")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(READY, lines.next_line())
        .await
        .context("waiting for an emulator")??;
    let line = line.context("an emulator ended before it was ready")?;
    let ready = serde_json::from_str(&line).context("an emulator is not ready")?;
    Ok((child, ready))
}

/// Until an emulator must be ready.
const READY: Duration = Duration::from_secs(10);
/// Of the emulated device's built-in world.
const SSID: &str = "Home";
const PASSPHRASE: &str = "correct horse battery";
