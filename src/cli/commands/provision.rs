//! `provision`: from flags to a request, from its outcome to a summary. The run itself is
//! `flows::provision`.

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::parser::ValueSource;
use serde::Serialize;
use tokio::time::{Instant, timeout};

use crate::cli::args::account::not_kept;
use crate::cli::args::device::DeviceArgs;
use crate::cli::args::failure_context::flow_failure;
use crate::cli::args::inputs::parse_seconds;
use crate::cli::args::network::NetworkArgs;
use crate::cli::args::owner::OwnerArgs;
use crate::cli::subcommand::{Devices, Subcommand, Touches};
use crate::cli::terminal::{ObserverOptions, Printer, keys_of};
use crate::cli::workplace::Workplace;
use crate::flows::MappingMethod;
use crate::flows::provision::{self as flow, Outcome};
use crate::flows::{DeviceRequest, ProvisionRequest};
use crate::flows::{Event, Observer as _, Run, Warning};
use crate::ident::printable;
use crate::provisioner::{JoinedNetwork, JoinedThread};
use crate::report::{ErrorId, Failure};
use crate::secret::Secret;
use crate::security::SecurityScheme;
use crate::transport::Medium;

/// Arguments of `provision`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Provision {
    /// Proof of possession, as old scripts give it; --pop wins.
    #[arg(value_name = "POP")]
    positional_pop: Option<Secret<String>>,

    #[command(flatten)]
    device: DeviceArgs,

    #[command(flatten)]
    network: NetworkArgs,

    /// How long the whole run may take, in seconds. Every wait inside has its own limit beside.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_TIMEOUT", value_parser = parse_seconds)]
    timeout: Option<Duration>,

    #[command(flatten)]
    owner: OwnerArgs,
}

/// The end of a run, for people and machines. What it did not do is null.
#[derive(Debug, Serialize)]
pub(in crate::cli) struct Summary {
    node_id: Option<String>,
    mapped: bool,
    mapped_by: Option<MappingMethod>,
    ip: Option<String>,
    ssid: Option<String>,
    ssid_hex: Option<String>,
    bssid: Option<String>,
    channel: Option<i32>,
    auth: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread: Option<ThreadSummary>,
    /// Pages of the device that a person can open now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    urls: Vec<String>,
    /// Null for a device without sessions.
    security: Option<u8>,
    transport: &'static Medium,
    duration_s: f64,
    /// What the run warned of: done, but not all of it as asked for.
    warnings: Vec<Warning>,
}

/// The Thread network of a summary.
#[derive(Debug, Serialize)]
struct ThreadSummary {
    network_name: String,
    pan_id: String,
    ext_pan_id: String,
    channel: u32,
}

impl ThreadSummary {
    fn of(thread: &JoinedThread) -> Self {
        Self {
            network_name: thread.network_name.clone(),
            pan_id: thread.pan_id_text(),
            ext_pan_id: thread.ext_pan_id_text(),
            channel: thread.channel,
        }
    }
}

#[async_trait(?Send)]
impl Subcommand for Provision {
    fn touches(&self) -> Touches {
        Touches::ACCOUNT.with(Devices::One)
    }

    fn stops_in_order(&self) -> bool {
        true
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        run(self, workplace).await
    }
}

async fn run(args: &Provision, workplace: &Workplace) -> Result<(), Failure> {
    let Workplace {
        matches,
        printer,
        observer,
        interrupts,
        ..
    } = workplace;
    let began = Instant::now();
    let resolving = resolve(args, workplace);
    // The whole run, waiting for a pipe included.
    let in_time = async {
        match args.timeout {
            None => resolving.await,
            Some(limit) => timeout(limit, resolving).await.unwrap_or_else(|_| {
                let message = "the time for the whole run is up";
                Err(Failure::new(ErrorId::Expired, message).hint("an input did not arrive in time"))
            }),
        }
    };
    let mut request = interrupts.run_until_signal(in_time).await?;
    let device = &mut request.device;
    let mut options = ObserverOptions {
        asks_one_passphrase: args.network.no_retry,
        ..ObserverOptions::default()
    };
    if observer.can_ask() && device.target.medium.joins_device_network {
        if matches.value_source(LIMIT) == Some(ValueSource::DefaultValue) {
            // Whoever is there joins the hotspot in their own time.
            device.pace.search = PATIENCE;
        }
        options.invitation = invitation(device);
    }
    observer.configure(options);
    let left = args
        .timeout
        .map(|limit| limit.saturating_sub(began.elapsed()));
    let summary = provision(request, left, workplace).await?;
    summary.print(printer)
}

/// Which hotspot to join. None, where somebody says how the device is reached.
fn invitation(device: &DeviceRequest) -> Option<String> {
    device.target.address.is_none().then(|| {
        format!(
            "Join the hotspot of {} with this computer; it goes on as soon as the device answers",
            device.label
        )
    })
}

async fn resolve(args: &Provision, workplace: &Workplace) -> Result<ProvisionRequest, Failure> {
    let mut inputs = workplace.inputs();
    let mut device = args
        .device
        .resolve(
            args.positional_pop.as_ref(),
            &mut inputs,
            workplace.printer.recorder(),
            &workplace.drivers,
        )
        .await?;
    device.pace.join = args.network.join_timeout;
    let network = args
        .network
        .resolve(&device, &mut inputs, workplace.observer.can_ask())
        .await?;
    let owner = args.owner.resolve(device.target.medium, &inputs).await?;
    Ok(ProvisionRequest {
        device,
        network,
        owner,
    })
}

/// Runs the flow. The demo also does.
pub(in crate::cli) async fn provision(
    request: ProvisionRequest,
    limit: Option<Duration>,
    workplace: &Workplace,
) -> Result<Summary, Failure> {
    let Workplace {
        printer,
        observer,
        interrupts,
        ..
    } = workplace;
    let owner = request.owner.as_ref();
    let cloud = owner.map(|owner| Arc::clone(&owner.cloud));
    let device = &request.device;
    let run = |stop| {
        let run = Run {
            stop,
            ..Run::new(Arc::new(observer.clone()), device.pace.clone())
        };
        let request = &request;
        async move {
            // Large, and the futures around it need not be.
            Box::pin(flow::provision(&run, request))
                .await
                .map_err(|error| flow_failure(&error, device))
        }
    };
    let outcome = interrupts.run_with_stop(limit, run).await;
    if let Some(message) = cloud.and_then(|cloud| not_kept(&cloud)) {
        let id = Warning::LoginNotKept;
        observer.event(None, &Event::Warned { id, message });
    }
    let mut summary = Summary::new(&outcome?, device.target.medium, printer.elapsed());
    summary.warnings = observer.warnings();
    Ok(summary)
}

impl Summary {
    fn new(outcome: &Outcome, transport: &'static Medium, duration_s: f64) -> Self {
        let node = outcome.node.as_ref();
        let network = outcome.joined.as_ref().map(|joined| &joined.network);
        let (wifi, thread) = match network {
            Some(JoinedNetwork::Wifi(wifi)) => (Some(wifi), None),
            Some(JoinedNetwork::Thread(thread)) => (None, Some(thread)),
            None => (None, None),
        };
        Self {
            node_id: node.map(|node| node.node_id.clone()),
            mapped: node.is_some(),
            mapped_by: node.map(|node| node.method),
            ip: wifi.and_then(|wifi| wifi.ip.clone()),
            ssid: wifi.map(|wifi| wifi.ssid.to_string()),
            ssid_hex: wifi.map(|wifi| wifi.ssid.to_hex()),
            bssid: wifi.and_then(|wifi| Some(wifi.bssid.as_ref()?.to_string())),
            channel: wifi.and_then(|wifi| wifi.channel),
            auth: wifi.and_then(|wifi| Some(wifi.auth?.0)),
            thread: thread.map(ThreadSummary::of),
            urls: outcome
                .joined
                .as_ref()
                .map_or_else(Vec::new, |joined| joined.urls.clone()),
            security: outcome.scheme.map(SecurityScheme::number),
            transport,
            duration_s,
            warnings: Vec::new(),
        }
    }

    /// The node that is in an account now.
    pub(in crate::cli) fn node_id(&self) -> Option<&str> {
        self.node_id.as_deref()
    }

    /// Prints it as the result.
    pub(in crate::cli) fn print(&self, printer: &Printer) -> Result<(), Failure> {
        printer.result(&self.lines(), keys_of("summary", self))
    }

    fn lines(&self) -> Vec<String> {
        let has_joined = self.ssid.is_some() || self.thread.is_some();
        let title = match &self.node_id {
            Some(node_id) if has_joined => format!("Node {node_id} provisioned successfully!"),
            Some(node_id) => format!("Node {node_id} mapped to your account successfully!"),
            None if self.thread.is_some() => "Thread Provisioning Successful".to_owned(),
            None if has_joined => "Wi-Fi Provisioning Successful".to_owned(),
            None => "Nothing was asked for".to_owned(),
        };
        let mut lines = vec![title];
        let mut row = |name: &str, value: &str| lines.push(format!("  {name:<11}{value}"));
        if let Some(node_id) = &self.node_id {
            row("node id", node_id);
        }
        if let Some(ssid) = &self.ssid {
            row("IP address", self.ip.as_deref().unwrap_or("not reported"));
            row("SSID", ssid);
        }
        if let Some(bssid) = &self.bssid {
            row("BSSID", bssid);
        }
        if let Some(channel) = self.channel {
            row("channel", &channel.to_string());
        }
        if let Some(thread) = &self.thread {
            row("network", &printable(thread.network_name.as_bytes()));
            row("PAN id", &thread.pan_id);
            row("channel", &thread.channel.to_string());
        }
        for url in &self.urls {
            row("page", url);
        }
        if let Some(security) = self.security {
            row("security", &security.to_string());
        }
        row("duration", &format!("{:.1} s", self.duration_s));
        lines
    }
}

/// clap's id of --discovery-timeout.
const LIMIT: &str = "discovery_timeout";
/// Longer than anybody waits.
const PATIENCE: Duration = Duration::from_hours(24);
const EXAMPLES: &str = "\
Examples:
  espctl provision --pop abcd1234 --ssid Home --passphrase-file secret.txt
  espctl provision --pop abcd1234 --no-wifi
  espctl provision --no-cloud --pop abcd1234 --ssid Home --passphrase-file secret.txt
  espctl provision --transport ble --device-name PROV_d76c30 --pop abcd1234 --ssid Home --passphrase-file secret.txt
  espctl provision --transport ble --pop abcd1234
  espctl provision --no-cloud --qrcode '{\"ver\":\"v1\",\"pop\":\"7a9d365e\",\"transport\":\"softap\"}' --ssid Home --passphrase-file -";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::drivers::Drivers;
    use crate::flows::Access;
    use crate::flows::Pace;
    use crate::flows::Target;
    use crate::provisioner::built_in_protocols;
    use crate::transport::{Address, built_in_drivers};

    #[test]
    fn the_hotspot_to_join_is_named() {
        let drivers = Drivers::new(built_in_drivers(), built_in_protocols());
        let target = drivers.target(drivers.default_driver().unwrap());
        let asked = |address| DeviceRequest {
            target: Target {
                address,
                ..target.clone()
            },
            access: Access::default(),
            pace: Pace::default(),
            label: "PROV_d76c30".to_owned(),
            network: None,
        };
        let said = invitation(&asked(None)).unwrap();
        assert!(said.starts_with("Join the hotspot of PROV_d76c30 with"));
        let elsewhere = Address::new("127.0.0.1:80");
        assert_eq!(invitation(&asked(Some(elsewhere))), None);
    }
}
