//! `doctor`: checks this computer for problems that would prevent provisioning. `transport`, `host`,
//! `cloud` and `account` read the state of the computer; the files here judge it and suggest fixes.

mod account;
mod bluetooth;
pub(in crate::cli) mod checks;
mod finding;
pub(in crate::cli) mod for_bundle;
mod network;
mod scope;
mod serial;

use async_trait::async_trait;
use clap::Args;
use clap::builder::FalseyValueParser;
use serde_json::json;

use self::account::examine_account;
use self::bluetooth::examine_bluetooth;
use self::finding::{CheckState, Finding, format_report};
use self::network::examine_networks;
use self::scope::Scope;
use self::serial::examine_serial_ports;
use crate::cli::args::account::AccountArgs;
use crate::cli::args::drivers::{Drivers, TransportName};
use crate::cli::args::inputs::Inputs;
use crate::cli::subcommand::{Devices, Handling, Subcommand, Touches};
use crate::cli::workplace::Workplace;
use crate::report::{ErrorId, Failure};

/// Check this computer for problems that would prevent provisioning, and suggest fixes.
///
/// It checks Bluetooth, serial ports, networks and routes, mDNS, the cloud and this computer's
/// clock, the login and its files. It changes nothing, needs no device and searches for none. It
/// asks the cloud for the time, without a login.
#[derive(Args, Debug)]
pub(in crate::cli) struct Doctor {
    /// Check only what this transport needs; can be repeated [default: all transports]
    #[arg(long, env = "ESPCTL_TRANSPORT")]
    transport: Vec<TransportName>,

    /// Exit with code 3 if there is a problem. Without this flag, every report is a success.
    #[arg(long, env = "ESPCTL_REQUIRE", value_parser = FalseyValueParser::new())]
    require: bool,

    /// Skip the account: check neither its files nor its cloud.
    #[arg(long, env = "ESPCTL_NO_CLOUD", value_parser = FalseyValueParser::new())]
    no_cloud: bool,

    #[command(flatten)]
    account: AccountArgs,
}

#[async_trait(?Send)]
impl Subcommand for Doctor {
    fn handling(&self) -> Handling {
        Touches::ACCOUNT.with(Devices::All).public()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let printer = &workplace.printer;
        let scope = self.scope(&workplace.inputs(), &workplace.drivers)?;
        printer.spinner.start("Checking this computer");
        let findings = self.examine_computer(&scope).await;
        let problems = findings
            .iter()
            .filter(|finding| finding.state == CheckState::Problem);
        let mut problems: Vec<&str> = problems.map(|finding| finding.check.into_str()).collect();
        let keys = json!({ "findings": findings, "problems": problems.len() });
        let lines = format_report(&findings);
        if !self.require || problems.is_empty() {
            return printer.result(&lines, keys);
        }
        printer.report(&lines, keys)?;
        problems.dedup();
        let message = format!("this computer is not ready: {}", problems.join(", "));
        Err(Failure::new(ErrorId::HostNotReady, message))
    }
}

impl Doctor {
    fn scope(&self, inputs: &Inputs<'_>, drivers: &Drivers) -> Result<Scope, Failure> {
        // Each driver checks whether what its flags name exists.
        for driver in drivers.all() {
            drivers.target_from(driver, inputs)?;
        }
        let requested = self.transport.iter().map(|name| drivers.named(name));
        let requested = requested.map(|driver| Ok(driver?.medium()));
        let requested = requested.collect::<Result<Vec<_>, Failure>>()?;
        let text = |id| inputs.option(id).map(str::to_owned);
        let mdns_port = inputs.option("mdns_port");
        Ok(Scope {
            is_requested: !requested.is_empty(),
            media: if requested.is_empty() {
                drivers.media()
            } else {
                requested
            },
            adapter: text("adapter"),
            port: text("port"),
            interface: text("interface"),
            mdns_port: mdns_port.and_then(|port| port.parse().ok()),
            should_call_cloud: true,
            device_ip: text("device_ip"),
        })
    }

    /// Runs all checks at once, each with its own time limit.
    async fn examine_computer(&self, scope: &Scope) -> Vec<Finding> {
        let (bluetooth, serial, network, account) = tokio::join!(
            examine_bluetooth(scope),
            examine_serial_ports(scope),
            examine_networks(scope),
            async {
                if self.no_cloud {
                    Vec::new()
                } else {
                    examine_account(scope, &self.account).await
                }
            },
        );
        let mut findings = [bluetooth, serial, network, account].concat();
        for finding in &mut findings {
            let (_, part) = finding.check.place();
            let medium = || scope.only_medium(part?);
            finding.transport = finding.transport.or_else(medium);
        }
        findings
    }
}
