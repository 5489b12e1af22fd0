//! The flags of a device in the air, and the adapter in front of it. Not how either behaves, which is
//! `emulator`'s.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::FutureExt as _;
use getrandom::SysRng;
use rand_core::UnwrapErr;

use super::label::Label;
use super::ready::ListenAddress;
use super::{EmulateDevice, Medium, Serve, conflict, first_given, unusable};
use crate::emulator::device::Device;
use crate::emulator::fault::FaultKind;
use crate::emulator::listen::ble::{
    Address, Advert, BusChoice, HostSettings, HostTrouble, LinkTrouble, Neighbour, RadioSettings,
    ServedRadio, Stack, VirtualRadio, rainmaker_data,
};
use crate::emulator::parse::read_limited_text;
use crate::report::{ErrorId, Failure};

#[derive(clap::Args, Debug)]
#[expect(
    clippy::doc_markdown,
    reason = "these comments are help texts, read in a terminal"
)]
pub(super) struct BleFlags {
    /// Socket of the bus on which the emulated adapter is; DBUS_SYSTEM_BUS_ADDRESS=unix:path=PATH
    /// leads a client to it [default: one in a new folder, which goes at the end].
    #[arg(long, value_name = "PATH")]
    bus: Option<PathBuf>,

    /// D-Bus address of an existing bus to emulate the adapter on, such as that of a dbus-daemon; its
    /// policy must allow espctl to own org.bluez [default: a new bus in this process].
    #[arg(long, value_name = "ADDRESS", conflicts_with = "bus")]
    bus_address: Option<String>,

    /// Bluetooth stack of the device, of which each has its own sizes and errors [default:
    /// nimble].
    #[arg(long, value_enum)]
    stack: Option<Stack>,

    /// Bluetooth address of the device; with --count, of the first [default: a random one].
    #[arg(long, value_name = "ADDRESS")]
    mac: Option<Address>,

    /// UUID of the provisioning service over Bluetooth [default:
    /// 021a9004-0382-4aea-bff4-6b3f1c5adfb4].
    #[arg(long, value_name = "UUID", value_parser = uuid)]
    service_uuid: Option<String>,

    /// Advertise RainMaker's manufacturer data, with this customer [default: 1 if one of the next
    /// two is given].
    #[arg(long, value_name = "N")]
    customer_id: Option<u16>,

    /// Advertise RainMaker's manufacturer data, with this type of device [default: 5, a light].
    #[arg(long, value_name = "N")]
    device_type: Option<u16>,

    /// Advertise RainMaker's manufacturer data, with this subtype of device [default: 1].
    #[arg(long, value_name = "N")]
    device_subtype: Option<u8>,

    /// How strong the device is received by Bluetooth, in dBm [default: -50].
    #[arg(long, value_name = "DBM", allow_negative_numbers = true, value_parser = clap::value_parser!(i16).range(-127..=20))]
    rssi: Option<i16>,

    /// Advertise only so many milliseconds after somebody first looks for devices [default: 0].
    #[arg(long, value_name = "MS")]
    advertise_after: Option<u64>,

    /// Have all devices be heard in the same instant; otherwise each has its own in the interval in
    /// which it is advertised, 160 ms.
    #[arg(long)]
    at_once: bool,

    /// How long each operation over Bluetooth takes, in milliseconds; long values take several
    /// [default: 0].
    #[arg(long, value_name = "N")]
    att_ms: Option<u64>,

    /// Other Bluetooth devices around, as a JSON list of {name, address, rssi, uuids,
    /// manufacturer: {"0x02e5": hexadecimal digits}, appears_after_ms, at_once, stale}:
    /// advertisements that nobody can connect to, or, if stale, what BlueZ knows from before.
    #[arg(long, value_name = "FILE")]
    neighbours: Option<PathBuf>,

    /// What is wrong with the Bluetooth link; can be given again.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    link_trouble: Vec<LinkTrouble>,

    /// What is wrong with Bluetooth on this computer.
    #[arg(long, value_name = "NAME")]
    host_trouble: Option<HostTrouble>,
}

/// An adapter, if one is wanted, and what is in reach of it.
pub(super) struct Air(Option<VirtualRadio>);

/// Likewise, once it answers.
pub(super) struct ServedAir(Option<ServedRadio>);

impl Air {
    /// Opens the bus.
    pub(super) async fn open(args: &EmulateDevice) -> Result<Self, Failure> {
        if args.transport != Medium::Ble {
            return Ok(Self(None));
        }
        let flags = &args.ble;
        let neighbours = match &flags.neighbours {
            None => Vec::new(),
            Some(path) => {
                let unusable =
                    |error: &dyn std::fmt::Display| unusable("--neighbours", path, &error);
                let text = read_limited_text(path).map_err(|error| unusable(&error))?;
                Neighbour::list_from_json(&text).map_err(|error| unusable(&error))?
            }
        };
        let bus = match (&flags.bus, &flags.bus_address) {
            (Some(socket), _) => BusChoice::AtSocket(socket.clone()),
            (None, Some(address)) => BusChoice::Existing(address.clone()),
            (None, None) => BusChoice::InNewFolder,
        };
        let settings = HostSettings {
            trouble: flags.host_trouble,
            time_scale: args.time_scale,
            operation_wait: Duration::from_millis(flags.att_ms.unwrap_or(0)),
        };
        let opened = VirtualRadio::open(bus.clone(), settings).await;
        let mut radio = opened.map_err(|error| match &bus {
            BusChoice::AtSocket(path) => unusable_bus(path, &error),
            BusChoice::Existing(address) => unusable_existing_bus(address, &error),
            BusChoice::InNewFolder => no_bus(&error),
        })?;
        for neighbour in neighbours {
            radio.add_neighbour(neighbour);
        }
        Ok(Self(Some(radio)))
    }

    /// Has the adapter answer.
    pub(super) fn serve(self) -> ServedAir {
        ServedAir(self.0.map(VirtualRadio::serve))
    }
}

impl ServedAir {
    /// Waits for its failure, for ever where there is no adapter.
    pub(super) async fn failed(&mut self) -> Failure {
        match &mut self.0 {
            Some(served) => no_bus(&served.wait_for_failure().await),
            None => std::future::pending().await,
        }
    }

    /// Lets the clients part.
    pub(super) async fn close(self) {
        if let Some(served) = self.0 {
            served.close().await;
        }
    }
}

impl EmulateDevice {
    /// Flags that other media do not have.
    pub(super) fn check_ble(&self) -> Result<(), Failure> {
        let is_ble = self.transport == Medium::Ble;
        let flags = &self.ble;
        let given = first_given(&[
            ("--bus", flags.bus.is_some()),
            ("--bus-address", flags.bus_address.is_some()),
            ("--stack", flags.stack.is_some()),
            ("--mac", flags.mac.is_some()),
            ("--service-uuid", flags.service_uuid.is_some()),
            ("--customer-id", flags.customer_id.is_some()),
            ("--device-type", flags.device_type.is_some()),
            ("--device-subtype", flags.device_subtype.is_some()),
            ("--rssi", flags.rssi.is_some()),
            ("--advertise-after", flags.advertise_after.is_some()),
            ("--at-once", flags.at_once),
            ("--att-ms", flags.att_ms.is_some()),
            ("--neighbours", flags.neighbours.is_some()),
            ("--link-trouble", !flags.link_trouble.is_empty()),
            ("--host-trouble", flags.host_trouble.is_some()),
        ]);
        let of_http = first_given(&[
            ("--listen", self.listen.is_some()),
            ("--port", self.port != 0),
        ]);
        match (given, of_http) {
            (Some(flag), _) if !is_ble => {
                return conflict(format!("{flag} is about Bluetooth: --transport ble"));
            }
            (_, Some(flag)) if is_ble => {
                return conflict(format!(
                    "{flag} is about HTTP, and not about --transport ble"
                ));
            }
            _ => {}
        }
        if flags.bus_address.is_some() && flags.host_trouble == Some(HostTrouble::Hangs) {
            return conflict("--host-trouble hangs requires a bus of its own: omit --bus-address");
        }
        for fault in &self.fault {
            let of_http = matches!(fault.kind, FaultKind::Duplicate | FaultKind::Status(_));
            let of_ble = matches!(fault.kind, FaultKind::Att(_));
            if is_ble && of_http {
                return conflict(format!(
                    "--fault {fault}: there is none such over Bluetooth"
                ));
            }
            if !is_ble && of_ble {
                return conflict(format!("--fault {fault}: there is none such over HTTP"));
            }
        }
        Ok(())
    }

    /// Puts the n-th device into the air.
    pub(super) fn put_into_air(
        &self,
        air: &mut Air,
        number: u16,
        name: &str,
        label: &Label,
        device: &Device,
    ) -> Result<(Serve, ListenAddress), Failure> {
        let flags = &self.ble;
        let address = match flags.mac {
            Some(first) => first.plus(number.saturating_sub(1).into()),
            None => Address::random(&mut UnwrapErr(SysRng)),
        };
        let service_uuid = flags.service_uuid.as_deref().unwrap_or(SERVICE).to_owned();
        let is_rainmaker = flags.customer_id.is_some()
            || flags.device_type.is_some()
            || flags.device_subtype.is_some();
        let manufacturer = if is_rainmaker {
            rainmaker_data(
                flags.customer_id.unwrap_or(1),
                flags.device_type.unwrap_or(LIGHT),
                flags.device_subtype.unwrap_or(1),
            )
        } else {
            BTreeMap::new()
        };
        check_name(name, &manufacturer)?;
        let stack = flags.stack.unwrap_or_default();
        let settings = RadioSettings {
            advert: Advert {
                address,
                name: Some(name.to_owned()),
                rssi: flags.rssi.unwrap_or(USUAL_RSSI),
                uuids: vec![service_uuid.clone()],
                manufacturer,
                delay: Duration::from_millis(flags.advertise_after.unwrap_or(0)),
                is_at_once: flags.at_once,
            },
            service_uuid,
            stack,
            max_value: stack.max_value(label.secret.scheme(), self.firmware()),
            troubles: flags.link_trouble.clone(),
        };
        let added = air.0.as_mut().and_then(|air| {
            let address = ListenAddress::Ble {
                address: address.to_string(),
                bus_address: air.bus_address(),
            };
            let peripheral = air.add_device(device, settings)?;
            let serve: Serve = Box::new(|device| peripheral.serve(device).boxed_local());
            Some((serve, address))
        });
        added.map_or_else(
            || {
                conflict(format!(
                    "--mac and --neighbours: there are two devices at {address}"
                ))
            },
            Ok,
        )
    }
}

/// The name and the manufacturer data share the response to a scan.
fn check_name(name: &str, manufacturer: &BTreeMap<u16, Vec<u8>>) -> Result<(), Failure> {
    let data = manufacturer
        .values()
        .map(|data| data.len().saturating_add(COMPANY));
    let taken = data.map(|data| data.saturating_add(FIELD)).sum();
    let room = SCAN_RESPONSE.saturating_sub(taken);
    if name.len() <= room {
        return Ok(());
    }
    let beside = if manufacturer.is_empty() {
        ""
    } else {
        " beside manufacturer data"
    };
    conflict(format!(
        "--name: {name:?} is {} bytes long, and an advertisement has room for {room}{beside}",
        name.len()
    ))
}

fn unusable_bus(path: &Path, error: &std::io::Error) -> Failure {
    let failure = unusable("--bus", path, error);
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| {
        use std::os::unix::fs::FileTypeExt as _;
        found.file_type().is_socket()
    });
    match error.kind() {
        ErrorKind::AddrInUse if is_socket => failure.hint(format!(
            "if no other emulator uses the existing socket, remove it: `rm {}`",
            path.display()
        )),
        ErrorKind::AddrInUse => failure.hint("choose another path: this one already exists"),
        ErrorKind::InvalidInput => {
            failure.hint("choose a shorter path: that of a socket has at most 107 bytes")
        }
        ErrorKind::NotFound => failure.hint("create the folder first"),
        _ => failure,
    }
}

fn unusable_existing_bus(address: &str, error: &std::io::Error) -> Failure {
    let message = format!("--bus-address: cannot emulate an adapter on the bus at {address}");
    Failure::new(ErrorId::CannotListen, message)
        .cause(error)
        .hint("start a bus for it: `dbus-daemon --session --fork --print-address`")
}

fn no_bus(error: &std::io::Error) -> Failure {
    let message = "no bus for an emulated adapter";
    Failure::new(ErrorId::CannotListen, message).cause(error)
}

/// In lower case, as BlueZ has them.
fn uuid(text: &str) -> Result<String, &'static str> {
    match uuid::Uuid::try_parse(text) {
        Ok(uuid) => Ok(uuid.hyphenated().to_string()),
        Err(_) => Err("expected a UUID of 32 hexadecimal digits"),
    }
}

/// That of the examples and of RainMaker.
const SERVICE: &str = "021a9004-0382-4aea-bff4-6b3f1c5adfb4";
const USUAL_RSSI: i16 = -50;
/// What a response to a scan has room for, the two bytes aside that every field begins with.
const SCAN_RESPONSE: usize = 29;
const FIELD: usize = 2;
/// The number of the company, before its data.
const COMPANY: usize = 2;
const LIGHT: u16 = 5;
