//! The emulated Bluetooth adapter, and the devices within its reach.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::fs::FileTypeExt as _;
use std::time::Duration;

use futures_util::FutureExt as _;
use getrandom::SysRng;
use rand_core::UnwrapErr;
use serde_json::json;

use super::args::EmulateDevice;
use super::ready::Listener;
use crate::cli::commands::emulate::failures::{cannot_use, conflict, read_file};
use crate::emulator::device::Device;
use crate::emulator::listen::ble::{
    Address, Advert, BusChoice, HostSettings, VirtualRadio, rainmaker_data,
};
use crate::report::{ErrorId, Failure};

/// Opens the bus of the adapter.
pub(super) async fn open_radio(args: &EmulateDevice) -> Result<VirtualRadio, Failure> {
    let flags = &args.ble;
    let neighbours = match &flags.neighbours {
        None => Vec::new(),
        Some(path) => read_file("--neighbours", path, Advert::list_from_json)?,
    };
    let bus = match (&flags.bus, &flags.bus_address) {
        (Some(socket), _) => BusChoice::AtSocket(socket.clone()),
        (None, Some(address)) => BusChoice::Existing(address.clone()),
        (None, None) => BusChoice::InNewFolder,
    };
    let settings = HostSettings {
        trouble: flags.host_trouble,
        time_scale: args.time_scale,
        operation_wait: Duration::from_millis(flags.att_ms),
    };
    let opened = VirtualRadio::open(&bus, settings, neighbours).await;
    opened.map_err(|error| cannot_use_bus(&bus, &error))
}

/// Runs `devices` while the adapter, if there is one, answers.
pub(super) async fn serve_radio<T>(
    radio: Option<VirtualRadio>,
    devices: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match radio {
        Some(radio) => {
            let served = radio.serve_while(devices).await;
            served.map_err(|error| no_bus(&error))?
        }
        None => devices.await,
    }
}

/// Puts the n-th device within reach of the adapter.
pub(super) fn add_device(
    args: &EmulateDevice,
    radio: &mut VirtualRadio,
    number: u16,
    name: &str,
    device: Device,
) -> Result<Listener, Failure> {
    let flags = &args.ble;
    let address = match flags.mac {
        Some(first) => first.plus(number.saturating_sub(1).into()),
        None => Address::random(&mut UnwrapErr(SysRng)),
    };
    let manufacturer = match (flags.customer_id, flags.device_type, flags.device_subtype) {
        (None, None, None) => BTreeMap::new(),
        (customer, kind, subtype) => {
            let (customer, kind) = (customer.unwrap_or(1), kind.unwrap_or(LIGHT));
            rainmaker_data(customer, kind, subtype.unwrap_or(1))
        }
    };
    check_name(name, &manufacturer)?;
    let advert = Advert {
        address,
        name: Some(name.to_owned()),
        rssi: flags.rssi,
        uuids: vec![flags.service_uuid.hyphenated().to_string()],
        manufacturer,
        appears_after_ms: flags.advertise_after,
        at_once: flags.at_once,
        is_stale: false,
    };
    let troubles = flags.link_trouble.clone();
    let Some(serving) = radio.add_device(device, advert, flags.stack, troubles) else {
        return conflict(format!(
            "--mac and --neighbours: two devices have the address {address}"
        ));
    };
    Ok(Listener {
        address: json!({
            "address": address.to_string(),
            "bus_address": radio.bus_address(),
        }),
        serving: serving.boxed_local(),
    })
}

/// Rejects a name that does not fit into the scan response, which also has the manufacturer data.
fn check_name(name: &str, manufacturer: &BTreeMap<u16, Vec<u8>>) -> Result<(), Failure> {
    let sizes = manufacturer.values().map(Vec::len);
    let used = sizes.map(|size| size.saturating_add(DATA_HEADER)).sum();
    let room = SCAN_RESPONSE.saturating_sub(used);
    if name.len() <= room {
        return Ok(());
    }
    conflict(format!(
        "--name: {name:?} is {} bytes long, but this advertisement has room for {room}",
        name.len()
    ))
}

fn cannot_use_bus(bus: &BusChoice, error: &Error) -> Failure {
    let path = match bus {
        BusChoice::AtSocket(path) => path,
        BusChoice::Existing(address) => {
            let message =
                format!("--bus-address: cannot emulate an adapter on the bus at {address}");
            return Failure::new(ErrorId::CannotListen, message)
                .cause(error)
                .hint("start a bus for it: `dbus-daemon --session --fork --print-address`");
        }
        BusChoice::InNewFolder => return no_bus(error),
    };
    let failure = cannot_use("--bus", path, error);
    let is_socket =
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    let hint = match error.kind() {
        ErrorKind::AddrInUse if is_socket => &*format!(
            "if no other emulator uses the existing socket, remove it: `rm {}`",
            path.display()
        ),
        ErrorKind::AddrInUse => "choose another path: this one already exists",
        ErrorKind::InvalidInput => "choose a shorter path: a socket's path has at most 107 bytes",
        ErrorKind::NotFound => "create the folder first",
        _ => return failure,
    };
    failure.hint(hint)
}

fn no_bus(error: &Error) -> Failure {
    Failure::new(ErrorId::CannotListen, "no bus for an emulated adapter").cause(error)
}

/// Bytes of a scan response, without the header of its first field.
const SCAN_RESPONSE: usize = 29;
/// Length, type and company of manufacturer data, in bytes.
const DATA_HEADER: usize = 4;
const LIGHT: u16 = 5;
