//! `doctor`: what on this computer would stop provisioning, and the command that fixes it. What there
//! is to see is told by `transport`, `cloud` and `account`; here are the words for it, a file for
//! each part of the computer. Nothing is changed.

mod account;
mod bluetooth;
mod finding;
pub(super) mod for_bundle;
mod network;
mod serial;

use std::time::Duration;

use clap::Args;
use clap::builder::{FalseyValueParser, NonEmptyStringValueParser};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use self::finding::{Finding, State, in_lines};
use super::account_args::AccountArgs;
use super::device_args::{InterfaceArgs, parse_ip, transports};
use super::ui::{Ui, keys_of};
use crate::flows::find::Target;
use crate::report::{ErrorId, Failure};
use crate::transport::{DRIVERS, SOFTAP_HOST, TransportKind};

/// Look at this computer for what would stop provisioning, and say what fixes it.
///
/// It looks at Bluetooth, serial ports, networks and routes, mDNS, the cloud and this computer's
/// clock, the login and its files. It changes nothing, needs no device and looks for none. Of the
/// cloud it asks the time, without a login.
#[derive(Args, Debug)]
pub(super) struct Doctor {
    /// Look only at what this way to a device needs; can be given again [default: all of them]
    #[arg(long, env = "ESPCTL_TRANSPORT", value_parser = transports())]
    transport: Vec<TransportKind>,

    /// End with exit code 3 if there is a problem. Without this, the report is the success.
    #[arg(long, env = "ESPCTL_REQUIRE", value_parser = FalseyValueParser::new())]
    require: bool,

    /// Leave the account out: neither its files nor its cloud.
    #[arg(long, env = "ESPCTL_NO_CLOUD", value_parser = FalseyValueParser::new())]
    no_cloud: bool,

    /// The device's IP address: over softap where it is not 192.168.4.1, on the network where it is
    /// known. Nothing is sent to it.
    #[arg(long, value_name = "IP", env = "ESPCTL_DEVICE_IP", value_parser = parse_ip)]
    device_ip: Option<String>,

    #[command(flatten)]
    network: InterfaceArgs,

    /// Bluetooth adapter, such as hci1 [default: the first that is switched on]
    #[arg(long, value_name = "NAME", env = "ESPCTL_ADAPTER", value_parser = NonEmptyStringValueParser::new())]
    adapter: Option<String>,

    /// Serial port of the board, such as /dev/ttyUSB0 or COM3 [default: those on USB]
    #[arg(long, value_name = "PATH", env = "ESPCTL_PORT", value_parser = NonEmptyStringValueParser::new())]
    port: Option<String>,

    #[command(flatten)]
    account: AccountArgs,
}

/// What is looked at.
struct Scope {
    kinds: Vec<TransportKind>,
    /// Whether somebody named these, and so wants each of them to work.
    is_asked: bool,
    interface: Option<String>,
    mdns_port: Option<u16>,
    device: String,
    /// Whether somebody said where the device is.
    is_device_given: bool,
    /// Whether the cloud is asked, besides the account's files.
    asks_cloud: bool,
}

impl Scope {
    fn has(&self, kind: TransportKind) -> bool {
        self.kinds.contains(&kind)
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

/// Runs `doctor`.
pub(super) async fn run(args: &Doctor, ui: &Ui) -> Result<(), Failure> {
    ui.result_only();
    let scope = args.scope()?;
    ui.wait("Looking at this computer");
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
        return ui.result(&lines, keys);
    }
    ui.report(&lines, keys)?;
    let mut ids = problems;
    ids.dedup();
    let message = format!("this computer is not ready: {}", ids.join(", "));
    Err(Failure::new(ErrorId::HostNotReady, message))
}

impl Doctor {
    fn scope(&self) -> Result<Scope, Failure> {
        let all = || DRIVERS.iter().map(|driver| driver.kind()).collect();
        // It knows whether there is such an interface.
        let mut target = Target::of_kind(TransportKind::OnNetwork);
        self.network.apply(&mut target)?;
        Ok(Scope {
            is_asked: !self.transport.is_empty(),
            kinds: if self.transport.is_empty() {
                all()
            } else {
                self.transport.clone()
            },
            interface: target.interface,
            mdns_port: target.mdns_port,
            asks_cloud: true,
            is_device_given: self.device_ip.is_some(),
            device: self
                .device_ip
                .clone()
                .unwrap_or_else(|| SOFTAP_HOST.to_owned()),
        })
    }
}

/// The finding that shows whether this is the matter, and the way to a device that it belongs to.
pub(super) const fn check_of(id: ErrorId) -> Option<(&'static str, Option<TransportKind>)> {
    const BLE: Option<TransportKind> = Some(TransportKind::Ble);
    const CONSOLE: Option<TransportKind> = Some(TransportKind::Console);
    Some(match id {
        ErrorId::BluetoothBlocked | ErrorId::BluetoothOff => (bluetooth::POWER, BLE),
        ErrorId::BluetoothDenied => (bluetooth::PERMISSION, BLE),
        ErrorId::BluetoothFailed | ErrorId::NoBluetoothService => (bluetooth::SERVICE, BLE),
        ErrorId::NoBluetoothAdapter => (bluetooth::ADAPTER, BLE),
        ErrorId::NoSerialPort => (serial::PORT, CONSOLE),
        ErrorId::PermissionDenied => (serial::PERMISSION, CONSOLE),
        ErrorId::Unreachable => (network::ROUTE, Some(TransportKind::SoftAp)),
        ErrorId::TransportUnavailable => (network::MDNS, Some(TransportKind::OnNetwork)),
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
        bluetooth::look(scope, args.adapter.as_deref()),
        serial::look(scope, args.port.as_deref()),
        network::look(scope),
        async {
            if args.no_cloud {
                Vec::new()
            } else {
                account::look(scope, &args.account).await
            }
        },
    );
    [bluetooth, serial, network, account].concat()
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
