//! `doctor`: what on this computer would stop provisioning, and the command that fixes it. What there
//! is to see is told by `transport`, `cloud` and `account`; here are the words for it, a file for
//! each part of the computer. Nothing is changed.

mod account;
mod bluetooth;
mod finding;
pub(in crate::cli) mod for_bundle;
mod network;
mod serial;

use async_trait::async_trait;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use self::finding::{Finding, State, in_lines};
use crate::cli::args::account::AccountArgs;
use crate::cli::args::drivers::{Drivers, TransportName};
use crate::cli::args::inputs::Inputs;
use crate::cli::subcommand::{Devices, Subcommand, Touches};
use crate::cli::terminal::keys_of;
use crate::cli::workplace::Workplace;
use crate::report::{ErrorId, Failure};
use crate::transport::{HostPart, Medium, SOFTAP_HOST};

/// Look at this computer for what would stop provisioning, and say what fixes it.
///
/// It looks at Bluetooth, serial ports, networks and routes, mDNS, the cloud and this computer's
/// clock, the login and its files. It changes nothing, needs no device and looks for none. Of the
/// cloud it asks the time, without a login.
#[derive(Args, Debug)]
pub(in crate::cli) struct Doctor {
    /// Look only at what this way to a device needs; can be given again [default: all of them]
    #[arg(long, env = "ESPCTL_TRANSPORT")]
    transport: Vec<TransportName>,

    /// End with exit code 3 if there is a problem. Without this, the report is the success.
    #[arg(long, env = "ESPCTL_REQUIRE", value_parser = FalseyValueParser::new())]
    require: bool,

    /// Leave the account out: neither its files nor its cloud.
    #[arg(long, env = "ESPCTL_NO_CLOUD", value_parser = FalseyValueParser::new())]
    no_cloud: bool,

    #[command(flatten)]
    account: AccountArgs,
}

/// What is looked at.
struct Scope {
    media: Vec<&'static Medium>,
    /// Whether somebody named these, and so wants each of them to work.
    is_asked: bool,
    adapter: Option<String>,
    port: Option<String>,
    interface: Option<String>,
    mdns_port: Option<u16>,
    device: String,
    /// Whether somebody said where the device is.
    is_device_given: bool,
    /// Whether the cloud is asked, besides the account's files.
    asks_cloud: bool,
}

impl Scope {
    fn has(&self, part: HostPart) -> bool {
        self.with(part).next().is_some()
    }

    fn with(&self, part: HostPart) -> impl Iterator<Item = &'static Medium> {
        let media = self.media.iter().copied();
        media.filter(move |medium| medium.needs == Some(part))
    }

    /// The only medium that needs this part.
    fn only_one(&self, part: HostPart) -> Option<&'static Medium> {
        let mut media = self.with(part);
        media.next().filter(|_| media.next().is_none())
    }

    /// How bad it is that somebody has not done something yet, such as plugging a board in: only
    /// who wants to go this way misses it.
    fn undone(&self) -> State {
        if self.is_asked {
            State::Problem
        } else {
            State::Warning
        }
    }
}

#[async_trait(?Send)]
impl Subcommand for Doctor {
    fn touches(&self) -> Touches {
        Touches::ACCOUNT.with(Devices::All)
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        diagnose(self, workplace).await
    }
}

async fn diagnose(args: &Doctor, workplace: &Workplace) -> Result<(), Failure> {
    let printer = &workplace.printer;
    let scope = args.scope(&workplace.inputs(), &workplace.drivers)?;
    printer.start_waiting("Looking at this computer");
    let findings = look(args, &scope).await;
    let problems: Vec<&str> = findings
        .iter()
        .filter(|one| one.state == State::Problem)
        .map(|one| one.id)
        .collect();
    let mut keys = keys_of("findings", &findings);
    keys.extend(keys_of("problems", &problems.len()));
    let lines = in_lines(&findings);
    if !args.require || problems.is_empty() {
        return printer.result(&lines, keys);
    }
    printer.report(&lines, keys)?;
    let mut ids = problems;
    ids.dedup();
    let message = format!("this computer is not ready: {}", ids.join(", "));
    Err(Failure::new(ErrorId::HostNotReady, message))
}

impl Doctor {
    fn scope(&self, inputs: &Inputs<'_>, drivers: &Drivers) -> Result<Scope, Failure> {
        // They know whether there is what the flags name.
        for driver in drivers.all() {
            drivers.target_from(driver, inputs)?;
        }
        let named = self.transport.iter().map(|name| drivers.named(name));
        let named = named.map(|driver| Ok(drivers.medium(driver?)));
        let named = named.collect::<Result<Vec<_>, Failure>>()?;
        let text = |id| inputs.option(id).map(str::to_owned);
        let device = text("device_ip");
        Ok(Scope {
            is_asked: !named.is_empty(),
            media: if named.is_empty() {
                drivers.media()
            } else {
                named
            },
            adapter: text("adapter"),
            port: text("port"),
            interface: text("interface"),
            mdns_port: inputs
                .option("mdns_port")
                .and_then(|port| port.parse().ok()),
            asks_cloud: true,
            is_device_given: device.is_some(),
            device: device.unwrap_or_else(|| SOFTAP_HOST.to_owned()),
        })
    }
}

/// The finding that shows whether this is the matter, and the way to a device that it belongs to.
pub(in crate::cli) const fn check_of(id: ErrorId) -> Option<(&'static str, Option<&'static str>)> {
    const BLE: Option<&str> = Some("ble");
    const CONSOLE: Option<&str> = Some("console");
    Some(match id {
        ErrorId::BluetoothBlocked | ErrorId::BluetoothOff => (bluetooth::POWER, BLE),
        ErrorId::BluetoothDenied => (bluetooth::PERMISSION, BLE),
        ErrorId::BluetoothFailed | ErrorId::NoBluetoothService => (bluetooth::SERVICE, BLE),
        ErrorId::NoBluetoothAdapter => (bluetooth::ADAPTER, BLE),
        ErrorId::NoSerialPort => (serial::PORT, CONSOLE),
        ErrorId::PermissionDenied => (serial::PERMISSION, CONSOLE),
        ErrorId::Unreachable => (network::ROUTE, Some("softap")),
        ErrorId::TransportUnavailable => (network::MDNS, Some("on-network")),
        ErrorId::UnknownInterface => (network::NETWORK, None),
        ErrorId::AccountFiles => (account::FILES, None),
        ErrorId::LoginExpired | ErrorId::LoginRequired => (account::LOGIN, None),
        ErrorId::CloudAnswer | ErrorId::CloudTimedOut | ErrorId::CloudUnreachable => {
            (account::CLOUD, None)
        }
        _ => return None,
    })
}

/// All at once, and each for as long as it is let.
async fn look(args: &Doctor, scope: &Scope) -> Vec<Finding> {
    let (bluetooth, serial, network, account) = tokio::join!(
        bluetooth::look(scope, scope.adapter.as_deref()),
        serial::look(scope, scope.port.as_deref()),
        network::look(scope),
        async {
            if args.no_cloud {
                Vec::new()
            } else {
                account::look(scope, &args.account).await
            }
        },
    );
    let over = |part, findings: Vec<Finding>| {
        let medium = scope.only_one(part);
        findings.into_iter().map(move |one| one.over(medium))
    };
    over(HostPart::Bluetooth, bluetooth)
        .chain(over(HostPart::SerialPorts, serial))
        .chain(network)
        .chain(account)
        .collect()
}

/// What the system says, if it does in time: it can hang in a driver.
async fn asked<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let outcome = timeout(LIMIT, spawn_blocking(work)).await.ok()?;
    outcome
        .inspect_err(|error| tracing::debug!(%error, "not told"))
        .ok()
}

/// Of each part. A computer that is well answers at once.
const LIMIT: Duration = Duration::from_secs(2);
