//! `provision`: makes a request of the flags, runs the flow, and prints a summary.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use clap::parser::ValueSource;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::cli::args::account::describe_save_error;
use crate::cli::args::device::DeviceArgs;
use crate::cli::args::environment::flow_failure;
use crate::cli::args::inputs::parse_seconds;
use crate::cli::args::network::NetworkArgs;
use crate::cli::args::owner::OwnerArgs;
use crate::cli::subcommand::{Devices, Handling, Subcommand, Touches};
use crate::cli::terminal::{Printer, merge_objects};
use crate::cli::workplace::Workplace;
use crate::flows::provision::{self as flow, Outcome};
use crate::flows::{DeviceRequest, Event, Observer as _, ProvisionRequest, Run, Warning};
use crate::ident::printable;
use crate::provisioner::{JoinedNetwork, JoinedThread, JoinedWifi};
use crate::report::{ErrorId, Failure};
use crate::secret::Secret;
use crate::security::SecurityScheme;
use crate::transport::Medium;

/// Arguments of `provision`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Provision {
    /// Proof of possession, for old scripts; --pop overrides it.
    #[arg(value_name = "POP")]
    positional_pop: Option<Secret<String>>,

    #[command(flatten)]
    device: DeviceArgs,

    #[command(flatten)]
    network: NetworkArgs,

    /// Maximum time for the whole run, in seconds. Each step also has its own limit.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_TIMEOUT", value_parser = parse_seconds)]
    timeout: Option<Duration>,

    #[command(flatten)]
    owner: OwnerArgs,
}

/// The result of a run.
#[derive(Debug)]
pub(in crate::cli) struct Summary {
    outcome: Outcome,
    transport: &'static Medium,
    duration_s: f64,
    /// The run succeeded, but not every part of it.
    warnings: Vec<Warning>,
}

#[async_trait(?Send)]
impl Subcommand for Provision {
    fn handling(&self) -> Handling {
        let touches = Touches::ACCOUNT.with(Devices::One);
        touches.public().stopping_in_order()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let observer = &workplace.observer;
        let began = Instant::now();
        let limit = self.timeout.unwrap_or(Duration::MAX);
        // The limit also covers the wait for a pipe.
        let in_time = async {
            let resolved = timeout(limit, self.resolve(workplace)).await;
            resolved.unwrap_or_else(|_| {
                let message = "an input did not arrive within the time limit of the whole run";
                Err(Failure::new(ErrorId::Expired, message))
            })
        };
        let mut request = workplace.interrupts.run_until_signal(in_time).await?;
        let device = &mut request.device;
        if self.network.no_retry {
            observer.ask_one_passphrase();
        }
        if observer.can_ask() && device.target.medium.joins_device_network {
            let source = workplace.matches.value_source(SEARCH_TIMEOUT_ID);
            if source == Some(ValueSource::DefaultValue) {
                // The person needs time to join the hotspot.
                device.timing.search = HOTSPOT_TIMEOUT;
            }
            observer.invite(hotspot_invitation(device));
        }
        let limit = self.timeout;
        let time_left = limit.map(|limit| limit.saturating_sub(began.elapsed()));
        let summary = provision(request, time_left, workplace).await?;
        summary.print(&workplace.printer)
    }
}

impl Provision {
    async fn resolve(&self, workplace: &Workplace) -> Result<ProvisionRequest, Failure> {
        let (printer, drivers) = (&workplace.printer, &workplace.drivers);
        let mut inputs = workplace.inputs();
        let pop = self.positional_pop.as_ref();
        let device = &self.device;
        let mut device = device
            .resolve(pop, &mut inputs, printer.recorder(), drivers)
            .await?;
        device.timing.join = self.network.join_timeout;
        let can_ask = workplace.observer.can_ask();
        let network = self.network.resolve(&device, &mut inputs, can_ask).await?;
        let owner = Box::pin(self.owner.resolve(device.target.medium, &inputs));
        let owner = printer.show_call(owner).await?;
        Ok(ProvisionRequest {
            device,
            network,
            owner,
        })
    }
}

/// Asks the person to join the hotspot, unless the device has a given address.
fn hotspot_invitation(device: &DeviceRequest) -> Option<String> {
    device.target.address.is_none().then(|| {
        format!(
            "Join the hotspot of {} with this computer. espctl continues when the device answers",
            device.label
        )
    })
}

/// Runs the flow. The demo also does.
pub(in crate::cli) async fn provision(
    request: ProvisionRequest,
    limit: Option<Duration>,
    workplace: &Workplace,
) -> Result<Summary, Failure> {
    let observer = &workplace.observer;
    let owner = request.owner.as_ref();
    let cloud = owner.map(|owner| Arc::clone(&owner.cloud));
    let device = &request.device;
    let run = |stop| {
        let run = Run {
            stop,
            ..Run::new(Arc::new(observer.clone()), device.timing.clone())
        };
        let request = &request;
        async move {
            // The box keeps this large future out of the futures around it.
            let outcome = Box::pin(flow::provision(&run, request)).await;
            outcome.map_err(|error| flow_failure(&error, device))
        }
    };
    let outcome = workplace.interrupts.run_with_stop(limit, run).await;
    if let Some(message) = cloud.and_then(|cloud| describe_save_error(&cloud)) {
        let id = Warning::LoginNotKept;
        observer.event(None, &Event::Warned { id, message });
    }
    Ok(Summary {
        outcome: outcome?,
        transport: device.target.medium,
        duration_s: workplace.printer.elapsed(),
        warnings: observer.warnings(),
    })
}

impl Summary {
    /// The id of the node that the run mapped.
    pub(in crate::cli) fn node_id(&self) -> Option<&str> {
        Some(self.outcome.node.as_ref()?.node_id.as_str())
    }

    /// Prints the summary as the result.
    pub(in crate::cli) fn print(&self, printer: &Printer) -> Result<(), Failure> {
        printer.result(&self.lines(), json!({ "summary": self.json_object() }))
    }

    /// The network that the device joined.
    fn network(&self) -> (Option<&JoinedWifi>, Option<&JoinedThread>) {
        match self.outcome.joined.as_ref().map(|joined| &joined.network) {
            Some(JoinedNetwork::Wifi(wifi)) => (Some(wifi), None),
            Some(JoinedNetwork::Thread(thread)) => (None, Some(thread)),
            None => (None, None),
        }
    }

    /// Pages of the device that a person can open now.
    fn urls(&self) -> &[String] {
        let joined = self.outcome.joined.as_ref();
        joined.map_or(&[], |joined| &joined.urls)
    }

    /// The summary for machines. Data of steps that the run skipped is null.
    fn json_object(&self) -> Value {
        let (wifi, thread) = self.network();
        let node = self.outcome.node.as_ref();
        let first = json!({
            "node_id": self.node_id(),
            "mapped": node.is_some(),
            "mapped_by": node.map(|node| node.method),
            "ip": wifi.and_then(|wifi| wifi.ip.as_ref()),
            "ssid": wifi.map(|wifi| &wifi.ssid),
            "ssid_hex": wifi.map(|wifi| wifi.ssid.to_hex()),
            "bssid": wifi.and_then(|wifi| wifi.bssid.as_ref()),
            "channel": wifi.and_then(|wifi| wifi.channel),
            "auth": wifi.and_then(|wifi| wifi.auth),
        });
        let thread = thread.map_or(Value::Null, |thread| json!({ "thread": thread }));
        let urls = match self.urls() {
            [] => Value::Null,
            urls => json!({ "urls": urls }),
        };
        let last = json!({
            "security": self.outcome.scheme.map(SecurityScheme::number),
            "transport": self.transport,
            "duration_s": self.duration_s,
            "warnings": self.warnings,
        });
        merge_objects([first, thread, urls, last])
    }

    fn lines(&self) -> Vec<String> {
        let (wifi, thread) = self.network();
        let title = match (self.node_id(), wifi, thread) {
            (Some(node_id), None, None) => {
                format!("Node {node_id} mapped to your account successfully!")
            }
            (Some(node_id), ..) => format!("Node {node_id} provisioned successfully!"),
            (None, Some(_), _) => "Wi-Fi Provisioning Successful".to_owned(),
            (None, None, Some(_)) => "Thread Provisioning Successful".to_owned(),
            (None, None, None) => "There was nothing to do".to_owned(),
        };
        let not_reported = || "not reported".to_owned();
        let ip = wifi.map(|wifi| wifi.ip.clone().unwrap_or_else(not_reported));
        let bssid = wifi.and_then(|wifi| wifi.bssid.as_ref());
        let channel = wifi.and_then(|wifi| wifi.channel);
        let name = thread.map(|thread| printable(thread.network_name.as_bytes()));
        let mut rows = vec![
            ("node id", self.node_id().map(str::to_owned)),
            ("IP address", ip),
            ("SSID", wifi.map(|wifi| wifi.ssid.to_string())),
            ("BSSID", bssid.map(ToString::to_string)),
            ("channel", channel.map(|channel| channel.to_string())),
            ("network", name),
            ("PAN id", thread.map(|thread| thread.pan_id.clone())),
            ("channel", thread.map(|thread| thread.channel.to_string())),
        ];
        rows.extend(self.urls().iter().map(|url| ("page", Some(url.clone()))));
        let scheme = self.outcome.scheme.map(SecurityScheme::number);
        rows.push(("security", scheme.map(|number| number.to_string())));
        rows.push(("duration", Some(format!("{:.1} s", self.duration_s))));
        let rows = rows.into_iter();
        let rows = rows.filter_map(|(name, value)| Some(format!("  {name:<11}{}", value?)));
        std::iter::once(title).chain(rows).collect()
    }
}

/// clap's id of --discovery-timeout.
const SEARCH_TIMEOUT_ID: &str = "discovery_timeout";
/// No person waits longer for a hotspot.
const HOTSPOT_TIMEOUT: Duration = Duration::from_hours(24);
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
    use crate::flows::{Access, Target, Timing};
    use crate::provisioner::built_in_protocols;
    use crate::transport::{Address, built_in_drivers};

    #[test]
    fn invitation_names_hotspot_unless_address_is_given() {
        let drivers = Drivers::new(built_in_drivers(), built_in_protocols());
        let target = drivers.target(drivers.default_driver().unwrap());
        let request = |address| DeviceRequest {
            target: Target {
                address,
                ..target.clone()
            },
            access: Access::default(),
            timing: Timing::default(),
            label: "PROV_d76c30".to_owned(),
            network: None,
        };
        let invitation = hotspot_invitation(&request(None)).unwrap();
        assert!(invitation.starts_with("Join the hotspot of PROV_d76c30 with"));
        let address = Address::new("127.0.0.1:80");
        assert_eq!(hotspot_invitation(&request(Some(address))), None);
    }
}
