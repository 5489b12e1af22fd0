//! `emulate device`: plays a device on this computer, for tests and for trying things without a
//! board. What it says and does is `emulator`'s; here are the flags, the first line, and the log.

#[cfg(target_os = "linux")]
mod ble;
#[cfg(not(target_os = "linux"))]
#[path = "device/no_ble.rs"]
mod ble;
#[cfg(unix)]
mod console;
#[cfg(not(unix))]
#[path = "device/no_console.rs"]
mod console;
mod label;
mod node;
mod on_network;
mod ready;

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, join_all};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use serde_json::{Value, json};

use self::ble::{Air, BleFlags};
use self::console::ConsoleFlags;
use self::label::{Label, random_digits};
use self::node::{CH_RESP, NodeFlags, register};
use self::on_network::OnNetworkFlags;
use self::ready::ListenAddress;
use super::{cannot_listen, create, print, unusable};
use crate::cli::args::public_text::PublicText;
use crate::cli::terminal::{self, Format, Printer, keys_of};
use crate::emulator::announce::Announcer;
use crate::emulator::device::{
    Device, DeviceSettings, Firmware, NodeSettings, Scenario, StopReason, TimeScale, World,
};
use crate::emulator::fault::Fault;
use crate::emulator::flash::Flash;
use crate::emulator::listen::http::{self, HttpPort};
use crate::emulator::log::{Entry, Log};
use crate::report::{ErrorId, Failure};
use crate::secret::Secret;
use crate::security::{DeviceSecret, SecurityScheme};

/// Play a device that waits to be provisioned, or to be mapped, without a board.
///
/// It listens on this computer and answers as ESP-IDF firmware does, awkward behaviour included.
/// The first line on standard output is a JSON object with its address and its secrets; what it
/// is told is shown on standard error. It ends as a device does: when it has been provisioned,
/// when it is locked, or, on its network already, when its challenge-response was switched off.
#[derive(clap::Args, Debug)]
#[expect(
    clippy::doc_markdown,
    clippy::doc_link_with_quotes,
    reason = "these comments are help texts, read in a terminal"
)]
pub(in crate::cli) struct EmulateDevice {
    /// How the device is reached: softap is a device that waits to be provisioned, on-network a
    /// RainMaker node on its network that waits for its owner, and is announced by mDNS, ble one
    /// that waits to be provisioned by Bluetooth Low Energy, behind an emulated adapter (Linux),
    /// console one that waits for that on a serial line, which is a pty (Unix).
    #[arg(long, value_enum, default_value_t = Medium::Softap)]
    transport: Medium,

    /// Address to listen on. Anything but this computer lets others in [default: 127.0.0.1].
    #[arg(long, value_name = "IP")]
    listen: Option<IpAddr>,

    /// Port to listen on; 0 takes a free one, and the first line says which.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,

    /// Name of the device [default: PROV_ and six random hexadecimal digits; on a network, its
    /// node id].
    #[arg(long)]
    name: Option<PublicText>,

    /// Generation of the firmware: v4.4, v5 (wifi_provisioning of ESP-IDF 4.4 and of 5.1 to 5.4)
    /// or network_provisioning [default: network_provisioning].
    #[arg(long, value_name = "NAME")]
    firmware: Option<Firmware>,

    /// Security scheme: 0 none, 1 PoP, 2 user name and password [default: 2; 1 for v4.4, which
    /// has no 2, and on a network].
    #[arg(long, value_name = "0|1|2")]
    sec_ver: Option<SecurityScheme>,

    /// How a Security 2 device uses its nonce: 0 one for all messages, 1 a counter [default: 1;
    /// for v5 0, and then not announced].
    #[arg(long, value_name = "0|1", value_parser = clap::value_parser!(u8).range(0..=1))]
    sec_patch_ver: Option<u8>,

    /// Proof of possession; with Security 2, the password [default: eight random hexadecimal
    /// digits; none for Security 1 of a standalone service on a network].
    #[arg(long, conflicts_with = "no_pop")]
    pop: Option<Secret<String>>,

    /// Want no proof of possession. Not with Security 2, which needs a password.
    #[arg(long)]
    no_pop: bool,

    /// User name of Security 2.
    #[arg(long, default_value = "wifiprov")]
    username: PublicText,

    /// Access points that the device sees, as a JSON list of {ssid or ssid_hex, bssid, channel,
    /// rssi, auth, passphrase, ip, hidden} [default: seven, among them "Home", passphrase
    /// "correct horse battery"].
    #[arg(long, value_name = "FILE")]
    aps: Option<PathBuf>,

    /// How long joining takes, in milliseconds [default: 1200].
    #[arg(long, value_name = "N")]
    join_ms: Option<u64>,

    /// Capabilities of the application in the version document, such as local_ctrl. Four make
    /// the device a RainMaker node: ch_resp (today's firmware: it signs challenges), user_assoc
    /// (older firmware, with cloud_user_assoc; not in the document), claim and camera_claim (it
    /// waits to be claimed) [default: ch_resp for a node, none otherwise].
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    cap: Vec<PublicText>,

    #[command(flatten)]
    node: NodeFlags,

    #[command(flatten)]
    on_network: OnNetworkFlags,

    #[command(flatten)]
    ble: BleFlags,

    #[command(flatten)]
    console: ConsoleFlags,

    /// Failed handshakes until the device locks itself; 0 for never [default: 5].
    #[arg(long, value_name = "N")]
    max_strikes: Option<u32>,

    /// How joining and what follows goes otherwise than it should; can be given again:
    /// app-never-resets, app-resets, attempts-countdown, auth-expire, chal-resp-disabled,
    /// channel-change, endless-connecting, no-user-mapping-message, not-found, pkcs1-signature,
    /// raw-signature, reset-accepted, reset-refused, service-gone, wrong-passphrase,
    /// wrong-reason, wrong-secret-key, wrong-signature.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    scenario: Vec<Scenario>,

    /// What goes wrong with the N-th request to an endpoint, or with its answer, as in
    /// prov-config:2:drop; N is * for every one; can be given again. Kinds: close, cut, delay=MS,
    /// drop, garble, mute, not-found, oversize, repeat, reset, truncate, wrong-order, wrong-type;
    /// over HTTP status=NNN; over HTTP and on a serial line duplicate; by Bluetooth att=0xNN.
    #[arg(long, value_name = "ENDPOINT:N:KIND")]
    fault: Vec<Fault>,

    /// Play as many devices, each with a port, a name and a first line of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,

    /// Keep the Wi-Fi credentials in this file across restarts, as flash memory does. A device
    /// that has some does not offer provisioning: it says "provisioned" in its first line and
    /// ends. The passphrase is in the file.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,

    /// Offer provisioning although credentials are kept.
    #[arg(long)]
    force_provisioning: bool,

    /// Write what the device is told to this file, one JSON object a line. The Wi-Fi passphrase
    /// is in it.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Multiply every wait of the device by this; 0.1 is ten times as fast as a board.
    #[arg(long, value_name = "X", default_value_t = TimeScale::REAL)]
    time_scale: TimeScale,
}

/// How an emulated device can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub(super) enum Medium {
    /// HTTP, as on a device's own access point.
    Softap,
    /// HTTP on a network, found by mDNS.
    OnNetwork,
    /// Bluetooth Low Energy, through BlueZ on a bus of its own.
    Ble,
    /// A serial line, which is a pty.
    Console,
}

/// Plays devices until their services have ended.
pub(super) async fn run(args: &EmulateDevice, printer: &Printer) -> Result<(), Failure> {
    args.check()?;
    let log = match &args.log {
        Some(path) => Some(create(path).map_err(|error| unusable("--log", path, &error))?),
        None => None,
    };
    let announcer = args.on_network.announcer(args.transport)?;
    let mut air = Air::open(args).await?;
    let mut devices = Vec::new();
    for number in 1..=args.count {
        let started = Started::new(args, number, log.as_ref(), announcer.as_ref(), &mut air);
        if let Some(device) = started.await? {
            devices.push(device);
        }
    }
    // One that has credentials is over before it began; its first line has said so.
    let already = args.count == 1 && devices.is_empty();
    let mut served = air.serve();
    for device in &devices {
        if let Some(ready) = &device.ready {
            print(ready)?;
        }
    }
    let ended = tokio::select! {
        ended = join_all(devices.into_iter().map(Started::serve)) => ended,
        failure = served.failed() => return Err(failure),
    };
    served.close().await;
    if printer.format() != Format::Json {
        return Ok(());
    }
    match &ended[..] {
        [] if already => {
            let why = StopReason::AlreadyProvisioned.to_string();
            printer.result(&[], keys_of("stopped", &why))
        }
        [(_, why)] => printer.result(&[], keys_of("stopped", &why.to_string())),
        all => {
            let all: Vec<Value> = all
                .iter()
                .map(|(name, why)| json!({"name": name, "why": why.to_string()}))
                .collect();
            printer.result(&[], keys_of("stopped", &all))
        }
    }
}

fn conflict<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::new(ErrorId::ConflictingFlags, message.into()))
}

/// The first of these flags that was given.
fn first_given(flags: &[(&'static str, bool)]) -> Option<&'static str> {
    let given = flags.iter().find(|(_, is_given)| *is_given);
    given.map(|(flag, _)| *flag)
}

/// Serves a device on its medium until its service ends.
type Serve = Box<dyn FnOnce(Device) -> LocalBoxFuture<'static, StopReason>>;

/// A device that can be reached.
struct Started {
    name: String,
    device: Device,
    serve: Serve,
    /// Its first line, if it is printed later: when the emulated adapter answers.
    ready: Option<Value>,
}

impl Started {
    /// Starts the n-th device, and prints its first line once its port is open. `None` if it does
    /// not offer provisioning.
    async fn new(
        args: &EmulateDevice,
        number: u16,
        log_file: Option<&File>,
        announcer: Option<&Announcer>,
        air: &mut Air,
    ) -> Result<Option<Self>, Failure> {
        let mut rng = UnwrapErr(SysRng);
        let label = Label::new(args, &mut rng)?;
        let node = args.node(number, &mut rng)?;
        let name = match (&args.name, &node) {
            (Some(name), _) if args.count == 1 => name.to_string(),
            (Some(name), _) => format!("{name}_{number}"),
            (None, Some(node)) if args.transport == Medium::OnNetwork => node.id.clone(),
            (None, _) => format!("PROV_{}", random_digits::<3>(&mut rng)),
        };
        let flash = match &args.state {
            Some(path) => {
                Flash::in_file(path).map_err(|error| unusable("--state", path, &error))?
            }
            None => Flash::default(),
        };
        let log = args.log_of(&name, log_file)?;
        let mut settings = args.settings(label.secret.clone())?;
        settings.node.clone_from(&node);
        let is_over = flash.is_provisioned() && !args.force_provisioning;
        let mut device = Device::new(settings, rng).with_log(log).with_flash(flash);
        let opened = match args.transport {
            _ if is_over => None,
            Medium::Ble => Some(args.put_into_air(air, number, &name, &label, &device)?),
            Medium::Console => Some(args.open_console(&name, &label)?),
            Medium::Softap | Medium::OnNetwork => {
                let mut port = args.open_port(number).await?;
                let bound = port.address();
                if let (Some(announcer), Some(node)) = (announcer, &node) {
                    port = port.announced(args.announcement(
                        announcer,
                        &label.secret,
                        &node.id,
                        &name,
                        bound,
                    )?);
                }
                let serve: Serve = Box::new(|device| port.serve(device).boxed_local());
                Some((serve, ListenAddress::Port(bound)))
            }
        };
        // Whoever reads the first line finds the port open and the node in its cloud.
        if let Some(node) = &node {
            register(node).await?;
        }
        let address = opened.as_ref().map(|(_, address)| address);
        let ready = args.ready(address, &name, &label, node.as_ref());
        let is_later = opened.is_some() && args.transport == Medium::Ble;
        if !is_later {
            print(&ready)?;
        }
        let Some((serve, _)) = opened else {
            device.log().write(&Entry::ServiceStopped {
                why: StopReason::AlreadyProvisioned.to_string(),
            });
            return Ok(None);
        };
        Ok(Some(Self {
            name,
            device,
            serve,
            ready: is_later.then_some(ready),
        }))
    }

    async fn serve(self) -> (String, StopReason) {
        (self.name, (self.serve)(self.device).await)
    }
}

impl EmulateDevice {
    /// What clap cannot see: flags that exclude each other by what they say.
    fn check(&self) -> Result<(), Failure> {
        self.check_medium()?;
        self.check_console()?;
        self.check_ble()?;
        let firmware = self.firmware();
        if self.sec_patch_ver.is_some() && !firmware.rules().announces_scheme {
            return conflict(format!("--sec-patch-ver: {firmware} has no Security 2"));
        }
        if let Err(error) = Scenario::check(&self.scenario, firmware) {
            return conflict(format!("--scenario: {error}"));
        }
        if self.count > 1 && self.state.is_some() {
            return conflict("--state is for one device, and --count asks for several");
        }
        if self
            .port
            .checked_add(self.count.saturating_sub(1))
            .is_none()
        {
            return conflict("--port and --count lead beyond port 65535");
        }
        self.node.check(&self.capabilities(), self.count)
    }

    /// Opens the HTTP port of the n-th device.
    async fn open_port(&self, number: u16) -> Result<HttpPort, Failure> {
        let port = match self.port {
            0 => 0,
            first => first.saturating_add(number.saturating_sub(1)),
        };
        let listen = self.listen.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let address = SocketAddr::new(listen, port);
        http::bind(address)
            .await
            .map_err(|error| cannot_listen(address, &error))
    }

    /// What a RainMaker application adds to the n-th device, if anything.
    fn node(
        &self,
        number: u16,
        rng: &mut UnwrapErr<SysRng>,
    ) -> Result<Option<NodeSettings>, Failure> {
        let number = (self.count > 1).then_some(number);
        let capabilities = if self.offering().is_on_network() {
            vec![CH_RESP.to_owned()]
        } else {
            self.capabilities()
        };
        let node = self.node.settings(&capabilities, number, rng)?;
        let nature = node.as_ref().map(NodeSettings::nature);
        match Scenario::check_node(&self.scenario, nature) {
            Ok(()) => Ok(node),
            Err(error) => conflict(format!("--scenario: {error}")),
        }
    }

    fn capabilities(&self) -> Vec<String> {
        self.cap.iter().map(ToString::to_string).collect()
    }

    /// The generation that is played.
    fn firmware(&self) -> Firmware {
        self.firmware.unwrap_or_default()
    }

    fn settings(&self, secret: DeviceSecret) -> Result<DeviceSettings, Failure> {
        let firmware = self.firmware();
        let usual = DeviceSettings::new(secret);
        Ok(DeviceSettings {
            offering: self.offering(),
            world: self.world()?,
            capabilities: self.node.announced(&self.capabilities()),
            max_strikes: self.max_strikes.unwrap_or(usual.max_strikes),
            time_scale: self.time_scale,
            firmware,
            with_patch_version: self.sec_patch_ver.is_some() || firmware != Firmware::V5,
            scenarios: self.scenario.clone(),
            faults: self.fault.clone(),
            always_provisions: self.force_provisioning,
            ..usual
        })
    }

    fn log_of(&self, name: &str, file: Option<&File>) -> Result<Log, Failure> {
        let alone = self.count == 1;
        let of = if alone { "device" } else { name }.to_owned();
        let mut log = Log::default().shown_to(Box::new(move |line| {
            terminal::print_note(&format!("{of}: {line}"));
        }));
        if let (Some(file), Some(path)) = (file, &self.log) {
            let file = file
                .try_clone()
                .map_err(|error| unusable("--log", path, &error))?;
            log = log.lines_to(Box::new(file));
        }
        Ok(if alone {
            log
        } else {
            log.of_device(name.to_owned())
        })
    }

    fn world(&self) -> Result<World, Failure> {
        let mut world = match &self.aps {
            None => World::neighbourhood(),
            Some(path) => {
                let text =
                    fs::read_to_string(path).map_err(|error| unusable("--aps", path, &error))?;
                World::from_json(&text).map_err(|error| unusable("--aps", path, &error))?
            }
        };
        if let Some(join) = self.join_ms {
            world.join = Duration::from_millis(join);
        }
        Ok(world)
    }
}

#[cfg(test)]
mod tests;
