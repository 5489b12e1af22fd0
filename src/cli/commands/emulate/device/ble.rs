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
use super::label::Label;
use super::ready::Listener;
use crate::cli::commands::emulate::failures::{cannot_use, conflict, read_file};
use crate::emulator::device::Device;
use crate::emulator::listen::ble::{
    Address, Advert, BusChoice, HostSettings, Neighbour, RadioSettings, VirtualRadio,
    rainmaker_data,
};
use crate::report::{ErrorId, Failure};

/// Opens the bus of the adapter.
pub(super) async fn open_radio(args: &EmulateDevice) -> Result<VirtualRadio, Failure> {
    let flags = &args.ble;
    let neighbours = match &flags.neighbours {
        None => Vec::new(),
        Some(path) => read_file("--neighbours", path, Neighbour::list_from_json)?,
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
    let opened = VirtualRadio::open(bus.clone(), settings).await;
    let mut radio = opened.map_err(|error| cannot_use_bus(&bus, &error))?;
    for neighbour in neighbours {
        radio.add_neighbour(neighbour);
    }
    Ok(radio)
}

/// Runs `devices` while the adapter, if there is one, answers.
pub(super) async fn serve_radio<T>(
    radio: Option<VirtualRadio>,
    devices: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(radio) = radio else {
        return devices.await;
    };
    let mut served = radio.serve();
    let stopped = tokio::select! {
        stopped = devices => stopped?,
        error = served.wait_for_failure() => return Err(no_bus(&error)),
    };
    served.close().await;
    Ok(stopped)
}

/// Puts the n-th device within reach of the adapter.
pub(super) fn add_device(
    args: &EmulateDevice,
    radio: &mut VirtualRadio,
    number: u16,
    name: &str,
    label: &Label,
    device: Device,
) -> Result<Listener, Failure> {
    let flags = &args.ble;
    let address = match flags.mac {
        Some(first) => first.plus(number.saturating_sub(1).into()),
        None => Address::random(&mut UnwrapErr(SysRng)),
    };
    let manufacturer = match (flags.customer_id, flags.device_type, flags.device_subtype) {
        (None, None, None) => BTreeMap::new(),
        (customer, device_type, subtype) => rainmaker_data(
            customer.unwrap_or(1),
            device_type.unwrap_or(LIGHT),
            subtype.unwrap_or(1),
        ),
    };
    check_name(name, &manufacturer)?;
    let service_uuid = flags.service_uuid.hyphenated().to_string();
    let settings = RadioSettings {
        advert: Advert {
            address,
            name: Some(name.to_owned()),
            rssi: flags.rssi,
            uuids: vec![service_uuid.clone()],
            manufacturer,
            delay: Duration::from_millis(flags.advertise_after),
            is_at_once: flags.at_once,
        },
        service_uuid,
        stack: flags.stack,
        max_value: flags.stack.max_value(label.secret.scheme(), args.firmware),
        troubles: flags.link_trouble.clone(),
    };
    let Some(peripheral) = radio.add_device(&device, settings) else {
        return conflict(format!(
            "--mac and --neighbours: two devices have the address {address}"
        ));
    };
    Ok(Listener {
        address: json!({
            "address": address.to_string(),
            "bus_address": radio.bus_address(),
        }),
        serving: peripheral.serve(device).boxed_local(),
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
    match error.kind() {
        ErrorKind::AddrInUse if is_socket => failure.hint(format!(
            "if no other emulator uses the existing socket, remove it: `rm {}`",
            path.display()
        )),
        ErrorKind::AddrInUse => failure.hint("choose another path: this one already exists"),
        ErrorKind::InvalidInput => {
            failure.hint("choose a shorter path: a socket's path has at most 107 bytes")
        }
        ErrorKind::NotFound => failure.hint("create the folder first"),
        _ => failure,
    }
}

fn no_bus(error: &Error) -> Failure {
    Failure::new(ErrorId::CannotListen, "no bus for an emulated adapter").cause(error)
}

/// Bytes of a scan response, without the header of its first field.
const SCAN_RESPONSE: usize = 29;
/// Length, type and company of manufacturer data, in bytes.
const DATA_HEADER: usize = 4;
const LIGHT: u16 = 5;
