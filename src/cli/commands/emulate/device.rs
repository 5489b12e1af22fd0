//! `emulate device`: starts the devices, prints their first lines and serves them. Their behavior is
//! in `emulator`.

mod args;
#[cfg(target_os = "linux")]
mod ble;
mod check;
#[cfg(unix)]
mod console;
mod http;
mod label;
mod node;
mod ready;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{LocalBoxFuture, join_all, ready};
use getrandom::SysRng;
use rand_core::UnwrapErr;
use serde_json::{Value, json};

pub(in crate::cli) use self::args::EmulateDevice;
use self::args::Medium;
use self::check::check_flags;
use self::label::{Label, random_digits};
use self::node::{announced_capabilities, create_node, register_node};
use self::ready::{Listener, NewDevice, describe_device};
#[cfg(not(target_os = "linux"))]
use super::failures::conflict;
use super::failures::{cannot_use, read_file};
use crate::cli::args::inputs::{Existing, create_private};
use crate::cli::terminal::{Format, print_json, print_note};
use crate::cli::workplace::Workplace;
use crate::emulator::announce::Announcer;
use crate::emulator::device::{Device, DeviceSettings, Firmware, NodeSettings, StopReason, World};
use crate::emulator::flash::Flash;
#[cfg(target_os = "linux")]
use crate::emulator::listen::ble::VirtualRadio;
use crate::emulator::log::{DeviceEvent, Log};
use crate::report::Failure;
use crate::security::DeviceSecret;

/// Plays devices until their services have ended.
pub(super) async fn play_devices(
    args: &EmulateDevice,
    workplace: &Workplace,
) -> Result<(), Failure> {
    check_flags(args, &workplace.matches)?;
    let mut shared = Shared {
        log: (args.log.as_ref())
            .map(|path| create_private(path, "--log", Existing::Replaced).map(Arc::new))
            .transpose()?,
        announcer: http::start_announcer(args)?,
        #[cfg(target_os = "linux")]
        radio: None,
    };
    let (mut first_lines, mut services) = (Vec::new(), Vec::new());
    for number in 1..=args.count {
        let (line, service) = start_device(args, number, &mut shared).await?;
        first_lines.push(line);
        services.push(service);
    }
    let serving = async {
        for line in &first_lines {
            print_json(line).map_err(|error| Failure::output_lost(&error))?;
        }
        Ok(join_all(services).await)
    };
    #[cfg(target_os = "linux")]
    let serving = ble::serve_radio(shared.radio, serving);
    let stopped = serving.await?;
    if workplace.printer.format() != Format::Json {
        return Ok(());
    }
    let stopped = match &stopped[..] {
        [(_, why)] => json!(why.to_string()),
        all => all
            .iter()
            .map(|(name, why)| json!({"name": name, "why": why.to_string()}))
            .collect(),
    };
    let keys = json!({ "stopped": stopped });
    workplace.printer.result(&[], keys)
}

/// What the devices of one run share.
struct Shared {
    log: Option<Arc<File>>,
    announcer: Option<Announcer>,
    #[cfg(target_os = "linux")]
    radio: Option<VirtualRadio>,
}

/// Ends with the service of one device, and returns the device's name and the reason.
type Service = LocalBoxFuture<'static, (String, StopReason)>;

/// Opens the listener of the n-th device, registers its node with the cloud, and returns its first line.
async fn start_device(
    args: &EmulateDevice,
    number: u16,
    shared: &mut Shared,
) -> Result<(Value, Service), Failure> {
    let label = Label::new(args)?;
    let node = create_node(args, number)?;
    let name = match (&args.name, &node) {
        (Some(name), _) if args.count == 1 => name.to_string(),
        (Some(name), _) => format!("{name}_{number}"),
        (None, Some(node)) if args.transport == Medium::OnNetwork => node.id.clone(),
        (None, _) => format!("PROV_{}", random_digits::<3>()),
    };
    let new = NewDevice {
        args,
        number,
        name: &name,
        label: &label,
        node: node.as_ref(),
    };
    let flash = match &args.state {
        Some(path) => Flash::in_file(path).map_err(|error| cannot_use("--state", path, &error))?,
        None => Flash::default(),
    };
    let is_over = flash.is_provisioned() && !args.force_provisioning;
    let settings = device_settings(args, label.secret.clone(), node.clone())?;
    let log = open_log(args, &name, shared.log.as_ref());
    let mut device = Device::new(settings, UnwrapErr(SysRng))
        .with_log(log)
        .with_flash(flash);
    let listener = match args.transport {
        #[cfg(not(target_os = "linux"))]
        Medium::Ble => {
            return conflict("--transport ble: espctl emulates a Bluetooth adapter only on Linux");
        }
        #[cfg(not(unix))]
        Medium::Console => {
            return conflict("--transport console: espctl emulates a serial port only on Unix");
        }
        _ if is_over => {
            let why = StopReason::AlreadyProvisioned;
            device.log().write(&DeviceEvent::ServiceStopped {
                why: why.to_string(),
            });
            Listener {
                address: Value::Null,
                serving: ready(why).boxed_local(),
            }
        }
        #[cfg(target_os = "linux")]
        Medium::Ble => {
            let radio = match &mut shared.radio {
                Some(radio) => radio,
                unopened => unopened.insert(ble::open_radio(args).await?),
            };
            ble::add_device(args, radio, number, &name, device)?
        }
        #[cfg(unix)]
        Medium::Console => console::open_console(&new, device)?,
        Medium::Softap | Medium::OnNetwork => {
            http::open_port(&new, shared.announcer.as_ref(), device)?
        }
    };
    if let Some(node) = &node {
        register_node(node).await?;
    }
    let line = describe_device(&new, &listener.address);
    let service = listener.serving.map(|why| (name, why));
    Ok((line, service.boxed_local()))
}

fn device_settings(
    args: &EmulateDevice,
    secret: DeviceSecret,
    node: Option<NodeSettings>,
) -> Result<DeviceSettings, Failure> {
    let mut world = match &args.aps {
        None => World::neighborhood(),
        Some(path) => read_file("--aps", path, World::from_json)?,
    };
    if let Some(join) = args.join_ms {
        world.join = Duration::from_millis(join);
    }
    Ok(DeviceSettings {
        offering: args.offering(),
        world,
        capabilities: announced_capabilities(args),
        max_strikes: args.max_strikes,
        time_scale: args.time_scale,
        firmware: args.firmware,
        with_patch_version: args.sec_patch_ver.is_some() || args.firmware != Firmware::V5,
        scenarios: args.scenario.clone(),
        faults: args.fault.clone(),
        always_provisions: args.force_provisioning,
        node,
        ..DeviceSettings::new(secret)
    })
}

/// The log of one device, on stderr and in the file.
fn open_log(args: &EmulateDevice, name: &str, file: Option<&Arc<File>>) -> Log {
    let is_alone = args.count == 1;
    let prefix = if is_alone { "device" } else { name }.to_owned();
    let mut log = Log::default().with_reader(Box::new(move |line| {
        print_note(&format!("{prefix}: {line}"));
    }));
    if let Some(file) = file {
        log = log.with_sink(Box::new(Arc::clone(file)));
    }
    if is_alone {
        log
    } else {
        log.with_device_name(name.to_owned())
    }
}

#[cfg(test)]
mod tests;
