//! `demo`: provisions an emulated device into an emulated cloud. Both are processes of their own on
//! loopback ports, and the client code is the same as for a board; only the login is not stored.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use async_trait::async_trait;
use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use url::Url;

use crate::cli::args::environment::cloud_failure;
use crate::cli::commands::provision::{self, Summary};
use crate::cli::subcommand::{Handling, Subcommand, Touches};
use crate::cli::terminal::{Format, Printer};
use crate::cli::workplace::Workplace;
use crate::cloud::account::LogIn;
use crate::cloud::mapping::Extras;
use crate::cloud::{Client, CloudError, Limits, Settings};
use crate::flows::{
    Access, DeviceRequest, NetworkRequest, OwnerRequest, ProvisionRequest, Target, Timing,
};
use crate::host::list_own_variables;
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
    fn handling(&self) -> Handling {
        Touches::NOTHING.public().stopping_in_order()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let printer = &workplace.printer;
        let format = printer.format();
        printer.spinner.hide();
        // kill_on_drop ends both emulators at the latest when this function returns.
        printer.print_line("Starting an emulated cloud:  espctl emulate cloud");
        let cloud = start_emulator(&["cloud"], format).await.map_err(fault)?;
        let (_cloud, cloud): (_, CloudReady) = cloud;
        printer.print_line("Starting an emulated device: espctl emulate device --cloud URL");
        let arguments = ["device", "--join-ms", "800", "--cloud", cloud.url.as_str()];
        let device = start_emulator(&arguments, format).await.map_err(fault)?;
        let (_device, device): (_, DeviceReady) = device;

        let account = log_in(&cloud, printer).await?;
        let address = format!("{}:{}", device.address, device.port);
        printer.print_line(&format!(
            "The device is {name} at {address}. What follows is what this command would do:\n  \
             espctl provision --device-ip {host} --device-port {port} --pop {pop} \
             --ssid {SSID} --passphrase '{PASSPHRASE}'\n",
            name = device.name,
            host = device.address,
            port = device.port,
            pop = device.pop,
        ));
        let driver = workplace.drivers.default_driver()?;
        let request = ProvisionRequest {
            device: DeviceRequest {
                target: Target {
                    address: Some(driver.parse_address(&address).map_err(fault)?),
                    transcript: transcript(None, printer.recorder()),
                    ..workplace.drivers.target(driver)
                },
                access: Access {
                    pop: Some(Secret::new(device.pop)),
                    ..Access::default()
                },
                timing: Timing::default(),
                label: device.name,
                network: None,
            },
            network: Some(NetworkRequest {
                ssid: Some(SSID.parse().map_err(fault)?),
                passphrase: Some(
                    Passphrase::new(Secret::new(PASSPHRASE.to_owned())).map_err(fault)?,
                ),
                ..NetworkRequest::default()
            }),
            owner: Some(OwnerRequest {
                cloud: Arc::clone(&account),
                extras: Extras::default(),
                disable: false,
            }),
        };
        let summary = provision::provision(request, None, workplace).await?;
        let shown = show_node(&account, &summary, printer);
        workplace.interrupts.run_until_signal(shown).await?;
        summary.print(printer)
    }
}

/// Logs in as `espctl login` does, but the tokens stay in memory.
async fn log_in(cloud: &CloudReady, printer: &Printer) -> Result<Arc<Client>, Failure> {
    let failure = |error: CloudError| cloud_failure(&error, "logging in to the emulated cloud");
    let settings = Settings {
        base_url: cloud.url.join("v1/").map_err(fault)?,
        ca_cert: None,
        allow_plain_http: false,
        limits: Limits::default(),
    };
    let client = Client::new(&settings).map_err(failure)?;
    let login = client.log_in(&cloud.user, Some(&cloud.password)).await;
    match login.map_err(failure)? {
        LogIn::Done(tokens) => {
            printer.print_line(&format!("Logged in to it as {}", cloud.user));
            Ok(Arc::new(client.with_tokens(tokens, None)))
        }
        LogIn::NeedsCode { .. } => Err(fault(anyhow!("the emulated cloud requires a code"))),
    }
}

/// Shows the node as `espctl node list` does, so that the account confirms the mapping.
async fn show_node(account: &Client, summary: &Summary, printer: &Printer) -> Result<(), Failure> {
    let nodes = account.list_nodes().await;
    let nodes = nodes.map_err(|error| cloud_failure(&error, "listing the nodes"))?;
    let node = nodes
        .iter()
        .find(|node| Some(node.node_id.as_str()) == summary.node_id())
        .ok_or_else(|| fault(anyhow!("the node is not in the account")))?;
    printer.print_line(&format!(
        "\nIn the account now: {}, a {} ({})\n",
        node.name().unwrap_or("a node"),
        node.kind().unwrap_or("thing without a type"),
        node.node_id
    ));
    Ok(())
}

/// Starts `espctl emulate` with these arguments, and reads its first line.
async fn start_emulator<T: DeserializeOwned>(
    arguments: &[&str],
    format: Format,
) -> anyhow::Result<(Child, T)> {
    let program = std::env::current_exe().context("finding this program's own file")?;
    let mut command = Command::new(program);
    for name in list_own_variables() {
        command.env_remove(name);
    }
    let mut child = command
        .arg("emulate")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Emulators explain the demo to a person; a machine reads only the lines of this process.
        .stderr(match format {
            Format::Text => Stdio::inherit(),
            Format::Json => Stdio::null(),
        })
        .kill_on_drop(true)
        .spawn()
        .context("starting an emulator")?;
    let stdout = child.stdout.take().context("reading from an emulator")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(READY_TIMEOUT, lines.next_line())
        .await
        .context("waiting for an emulator")??;
    let line = line.context("an emulator ended before it was ready")?;
    let ready = serde_json::from_str(&line).context("an emulator is not ready")?;
    Ok((child, ready))
}

/// A failure for which no error has a remedy.
fn fault(error: impl Into<anyhow::Error>) -> Failure {
    Failure::fault(&error.into())
}

const READY_TIMEOUT: Duration = Duration::from_secs(10);
/// An access point that emulated devices find by default.
const SSID: &str = "Home";
const PASSPHRASE: &str = "correct horse battery";
