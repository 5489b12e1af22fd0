//! The flags of `emulate device`.

use std::path::PathBuf;

#[cfg(target_os = "linux")]
use uuid::{Uuid, uuid};

use crate::cli::args::public_text::PublicText;
use crate::cli::commands::emulate::listen::ListenFlags;
use crate::emulator::device::{Firmware, KeyKind, Offering, Scenario, TimeScale};
use crate::emulator::fault::Fault;
#[cfg(target_os = "linux")]
use crate::emulator::listen::ble::{Address, HostTrouble, LinkTrouble, Stack};
#[cfg(unix)]
use crate::emulator::listen::console::ConsoleSettings;
use crate::emulator::node_cloud::NodeCloud;
use crate::secret::Secret;
use crate::security::SecurityScheme;

/// Play a device that waits to be provisioned, or to be mapped, without a board.
///
/// It listens on this computer and answers as ESP-IDF firmware does, awkward behaviour included.
/// The first line on standard output is a JSON object with its address and its secrets; requests
/// to it are shown on standard error. It ends as a device does: when it has been provisioned,
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
    pub(super) transport: Medium,

    #[command(flatten)]
    pub(super) listen: ListenFlags,

    /// Name of the device [default: PROV_ and six random hexadecimal digits; on a network, its
    /// node id].
    #[arg(long)]
    pub(super) name: Option<PublicText>,

    /// Generation of the firmware.
    #[arg(long, value_name = "NAME", value_enum, default_value_t)]
    pub(super) firmware: Firmware,

    /// Security scheme: 0 none, 1 PoP, 2 user name and password [default: 2; 1 for v4.4, which
    /// has no 2, and on a network].
    #[arg(long, value_name = "0|1|2")]
    pub(super) sec_ver: Option<SecurityScheme>,

    /// How a Security 2 device uses its nonce: 0 one for all messages, 1 a counter [default: 1;
    /// for v5 0, and then not announced].
    #[arg(long, value_name = "0|1", value_parser = clap::value_parser!(u8).range(0..=1))]
    pub(super) sec_patch_ver: Option<u8>,

    /// Proof of possession; with Security 2, the password [default: eight random hexadecimal
    /// digits; none for Security 1 of a standalone service on a network].
    #[arg(long, conflicts_with = "no_pop")]
    pub(super) pop: Option<Secret<String>>,

    /// Want no proof of possession. Not with Security 2, which needs a password.
    #[arg(long)]
    pub(super) no_pop: bool,

    /// User name of Security 2.
    #[arg(long, default_value = "wifiprov")]
    pub(super) username: PublicText,

    /// Access points that the device sees, as a JSON list of {ssid or ssid_hex, bssid, channel,
    /// rssi, auth, passphrase, ip, hidden} [default: seven, among them "Home", passphrase
    /// "correct horse battery"].
    #[arg(long, value_name = "FILE")]
    pub(super) aps: Option<PathBuf>,

    /// How long joining takes, in milliseconds [default: 1200].
    #[arg(long, value_name = "N")]
    pub(super) join_ms: Option<u64>,

    /// Capabilities of the application in the version document, such as local_ctrl. Four make
    /// the device a RainMaker node: ch_resp (today's firmware: it signs challenges), user_assoc
    /// (older firmware, with cloud_user_assoc; not in the document), claim and camera_claim (it
    /// waits to be claimed) [default: ch_resp for a node, none otherwise].
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    pub(super) cap: Vec<PublicText>,

    #[command(flatten)]
    pub(super) node: NodeFlags,

    #[command(flatten)]
    pub(super) on_network: OnNetworkFlags,

    #[cfg(target_os = "linux")]
    #[command(flatten)]
    pub(super) ble: BleFlags,

    #[cfg(unix)]
    #[command(flatten)]
    pub(super) console: ConsoleSettings,

    /// Failed handshakes until the device locks itself; 0 for never.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(super) max_strikes: u32,

    /// How joining and what follows goes otherwise than it should; can be given again.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(super) scenario: Vec<Scenario>,

    /// What goes wrong with the N-th request to an endpoint, or with its answer, as in
    /// prov-config:2:drop; N is * for every one; can be given again. Kinds: close, cut, delay=MS,
    /// drop, garble, mute, not-found, oversize, repeat, reset, truncate, wrong-order, wrong-type;
    /// over HTTP status=NNN; over HTTP and on a serial line duplicate; by Bluetooth att=0xNN.
    #[arg(long, value_name = "ENDPOINT:N:KIND")]
    pub(super) fault: Vec<Fault>,

    /// Play as many devices, each with a port, a name and a first line of its own.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(super) count: u16,

    /// Keep the Wi-Fi credentials in this file across restarts, as flash memory does. A device
    /// with credentials does not offer provisioning: its first line has "provisioned", and it
    /// ends. The passphrase is in the file.
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,

    /// Offer provisioning although credentials are kept.
    #[arg(long)]
    pub(super) force_provisioning: bool,

    /// Write a log of the requests to this file, one JSON object a line. The Wi-Fi passphrase is
    /// in it.
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,

    /// Multiply every wait of the device by this; 0.1 is ten times as fast as a board.
    #[arg(long, value_name = "X", default_value_t = TimeScale::REAL)]
    pub(super) time_scale: TimeScale,
}

/// How an emulated device can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, strum::Display)]
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

/// The flags of a RainMaker node. Any of them, or a capability of RainMaker, makes the device a node.
#[derive(clap::Args, Debug)]
pub(super) struct NodeFlags {
    /// Be a RainMaker node with this id [default: 22 random characters; an unclaimed node's is
    /// its MAC address]. With --count, _1, _2 and so on follow it.
    #[arg(long, value_name = "ID", value_parser = parse_node_id)]
    pub(super) node_id: Option<PublicText>,

    /// Be a RainMaker node with a new key of this kind [default: ec].
    #[arg(long, value_name = "ec|rsa")]
    pub(super) key: Option<KeyKind>,

    /// Be a RainMaker node with this key: PEM with PKCS #8, P-256 or RSA of 2048 bits.
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub(super) node_key: Option<PathBuf>,

    /// Be a RainMaker node that reports to this emulated cloud, by the url in that one's first
    /// line. The node is registered there before the first line of this one.
    #[arg(long, value_name = "URL")]
    pub(super) cloud: Option<NodeCloud>,
}

/// The flags of a device that is on its network.
#[derive(clap::Args, Debug)]
pub(super) struct OnNetworkFlags {
    /// Service of a device on its network: RainMaker's challenge-response by itself, or next to
    /// local control (whose properties are not played).
    #[arg(long, value_enum, default_value_t = Offering::Standalone)]
    pub(super) variant: Offering,

    /// Network interface on which a device on its network is announced by mDNS [default: the
    /// loopback interface, which other computers do not see].
    #[arg(long, value_name = "NAME")]
    pub(super) interface: Option<String>,

    /// Put this into the TXT record of the challenge-response service, in place of what has the
    /// same key, as in port=81; KEY= is an empty value; can be given again.
    #[arg(long, value_name = "KEY=VALUE", value_parser = parse_txt)]
    pub(super) txt: Vec<(String, String)>,

    /// Do not announce a device on its network.
    #[arg(long, conflicts_with_all = ["interface", "txt"])]
    pub(super) no_announce: bool,

    /// UDP port of mDNS, for tests that want to be by themselves [default: 5353].
    #[arg(long, value_name = "N", env = "ESPCTL_MDNS_PORT", hide = true)]
    pub(super) mdns_port: Option<u16>,
}

/// The flags of a device that is reached by Bluetooth.
#[cfg(target_os = "linux")]
#[derive(clap::Args, Debug)]
#[expect(
    clippy::doc_markdown,
    reason = "these comments are help texts, read in a terminal"
)]
pub(super) struct BleFlags {
    /// Socket of the bus on which the emulated adapter is; DBUS_SYSTEM_BUS_ADDRESS=unix:path=PATH
    /// leads a client to it [default: one in a new folder, which goes at the end].
    #[arg(long, value_name = "PATH")]
    pub(super) bus: Option<PathBuf>,

    /// D-Bus address of an existing bus to emulate the adapter on, such as that of a dbus-daemon; its
    /// policy must allow espctl to own org.bluez [default: a new bus in this process].
    #[arg(long, value_name = "ADDRESS", conflicts_with = "bus")]
    pub(super) bus_address: Option<String>,

    /// Bluetooth stack of the device, of which each has its own sizes and errors.
    #[arg(long, value_enum, default_value_t)]
    pub(super) stack: Stack,

    /// Bluetooth address of the device; with --count, of the first [default: a random one].
    #[arg(long, value_name = "ADDRESS")]
    pub(super) mac: Option<Address>,

    /// UUID of the provisioning service over Bluetooth.
    #[arg(long, value_name = "UUID", default_value_t = PROVISIONING_SERVICE, value_parser = parse_uuid)]
    pub(super) service_uuid: Uuid,

    /// Advertise RainMaker's manufacturer data, with this customer [default: 1 if one of the next
    /// two is given].
    #[arg(long, value_name = "N")]
    pub(super) customer_id: Option<u16>,

    /// Advertise RainMaker's manufacturer data, with this type of device [default: 5, a light].
    #[arg(long, value_name = "N")]
    pub(super) device_type: Option<u16>,

    /// Advertise RainMaker's manufacturer data, with this subtype of device [default: 1].
    #[arg(long, value_name = "N")]
    pub(super) device_subtype: Option<u8>,

    /// How strong the device is received by Bluetooth, in dBm.
    #[arg(long, value_name = "DBM", default_value_t = -50, allow_negative_numbers = true, value_parser = clap::value_parser!(i16).range(-127..=20))]
    pub(super) rssi: i16,

    /// Start advertising so many milliseconds after a client first searches for devices.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub(super) advertise_after: u64,

    /// Advertise all devices at the same instant; otherwise each device has its own instant in the
    /// advertising interval, 160 ms.
    #[arg(long)]
    pub(super) at_once: bool,

    /// How long each operation over Bluetooth takes, in milliseconds; long values take several.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) att_ms: u64,

    /// Other Bluetooth devices around, as a JSON list of {name, address, rssi, uuids,
    /// manufacturer: {"0x02e5": hexadecimal digits}, appears_after_ms, at_once, stale}.
    /// They accept no connections; a stale one is not advertised, but BlueZ knows it from before.
    #[arg(long, value_name = "FILE")]
    pub(super) neighbours: Option<PathBuf>,

    /// What is wrong with the Bluetooth link; can be given again.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(super) link_trouble: Vec<LinkTrouble>,

    /// What is wrong with Bluetooth on this computer.
    #[arg(long, value_name = "NAME")]
    pub(super) host_trouble: Option<HostTrouble>,
}

impl EmulateDevice {
    /// The service of the device.
    pub(super) fn offering(&self) -> Offering {
        match self.transport {
            Medium::OnNetwork => self.on_network.variant,
            Medium::Softap | Medium::Ble | Medium::Console => Offering::Provisioning,
        }
    }
}

/// An id that needs no escape in a path, a topic and a JSON text.
fn parse_node_id(text: &str) -> Result<PublicText, &'static str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if (1..=64).contains(&text.len()) && text.chars().all(is_plain) {
        Ok(text.to_owned().into())
    } else {
        Err("expected 1 to 64 letters, digits, - and _")
    }
}

/// One entry of a TXT record: a key of printable ASCII, and at most 255 bytes.
fn parse_txt(text: &str) -> Result<(String, String), &'static str> {
    let is_valid = |key: &str| {
        !key.is_empty() && key.chars().all(|c| matches!(c, ' '..='~')) && text.len() <= 255
    };
    match text.split_once('=') {
        Some((key, value)) if is_valid(key) => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE, of at most 255 bytes"),
    }
}

#[cfg(target_os = "linux")]
fn parse_uuid(text: &str) -> Result<Uuid, &'static str> {
    Uuid::try_parse(text).map_err(|_| "expected a UUID of 32 hexadecimal digits")
}

/// The service of ESP-IDF's examples and of RainMaker.
#[cfg(target_os = "linux")]
const PROVISIONING_SERVICE: Uuid = uuid!("021a9004-0382-4aea-bff4-6b3f1c5adfb4");
