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
use std::time::Duration;

use clap::ArgMatches;
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
use self::ready::{Listener, describe_device};
#[cfg(not(target_os = "linux"))]
use super::failures::conflict;
use super::failures::{cannot_use, read_file};
use crate::cli::args::inputs::{Existing, create_private};
use crate::cli::terminal::{Format, Printer, keys_of, print_json, print_note};
use crate::emulator::announce::Announcer;
use crate::emulator::device::{Device, DeviceSettings, Firmware, NodeSettings, StopReason, World};
use crate::emulator::flash::Flash;
#[cfg(target_os = "linux")]
use crate::emulator::listen::ble::VirtualRadio;
use crate::emulator::log::{Entry, Log};
use crate::report::Failure;
use crate::security::DeviceSecret;

/// Plays devices until their services have ended. `matches` are what `args` was parsed from.
pub(super) async fn play_devices(
    args: &EmulateDevice,
    matches: &ArgMatches,
    printer: &Printer,
) -> Result<(), Failure> {
    check_flags(args, matches)?;
    let mut shared = Shared {
        log: match &args.log {
            Some(path) => Some(create_private(path, "--log", Existing::Replaced)?),
            None => None,
        },
        announcer: http::start_announcer(args)?,
        #[cfg(target_os = "linux")]
        radio: None,
    };
    let mut devices = Vec::new();
    for number in 1..=args.count {
        devices.push(start_device(args, number, &mut shared).await?);
    }
    let serving = async {
        for device in &devices {
            print_json(&device.ready).map_err(|error| Failure::output_lost(&error))?;
        }
        Ok(join_all(
            devices
                .into_iter()
                .map(async |device| (device.name, device.serving.await)),
        )
        .await)
    };
    #[cfg(target_os = "linux")]
    let serving = ble::serve_radio(shared.radio, serving);
    let stopped = serving.await?;
    if printer.format() != Format::Json {
        return Ok(());
    }
    let stopped = match &stopped[..] {
        [(_, why)] => json!(why.to_string()),
        all => all
            .iter()
            .map(|(name, why)| json!({"name": name, "why": why.to_string()}))
            .collect(),
    };
    printer.result(&[], keys_of("stopped", &stopped))
}

/// What the devices of one run share.
struct Shared {
    log: Option<File>,
    announcer: Option<Announcer>,
    #[cfg(target_os = "linux")]
    radio: Option<VirtualRadio>,
}

/// A device with an open listener, if it offers provisioning.
struct StartedDevice {
    name: String,
    /// Its first line.
    ready: Value,
    serving: LocalBoxFuture<'static, StopReason>,
}

/// Opens the listener of the n-th device, and registers its node with the cloud.
async fn start_device(
    args: &EmulateDevice,
    number: u16,
    shared: &mut Shared,
) -> Result<StartedDevice, Failure> {
    let mut rng = UnwrapErr(SysRng);
    let label = Label::new(args, &mut rng)?;
    let node = create_node(args, number, &mut rng)?;
    let name = match (&args.name, &node) {
        (Some(name), _) if args.count == 1 => name.clone(),
        (Some(name), _) => format!("{name}_{number}"),
        (None, Some(node)) if args.transport == Medium::OnNetwork => node.id.clone(),
        (None, _) => format!("PROV_{}", random_digits::<3>(&mut rng)),
    };
    let flash = match &args.state {
        Some(path) => Flash::in_file(path).map_err(|error| cannot_use("--state", path, &error))?,
        None => Flash::default(),
    };
    let is_over = flash.is_provisioned() && !args.force_provisioning;
    let settings = device_settings(args, label.secret.clone(), node.clone())?;
    let log = open_log(args, &name, shared.log.as_ref())?;
    let mut device = Device::new(settings, rng).with_log(log).with_flash(flash);
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
            device.log().write(&Entry::ServiceStopped {
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
            ble::add_device(args, radio, number, &name, &label, device)?
        }
        #[cfg(unix)]
        Medium::Console => console::open_console(args, &name, &label, device)?,
        Medium::Softap | Medium::OnNetwork => {
            let announcer = shared.announcer.as_ref();
            http::open_port(
                args,
                number,
                &name,
                &label,
                announcer,
                node.as_ref(),
                device,
            )
            .await?
        }
    };
    if let Some(node) = &node {
        register_node(node).await?;
    }
    let ready = describe_device(args, &listener.address, &name, &label, node.as_ref());
    Ok(StartedDevice {
        name,
        ready,
        serving: listener.serving,
    })
}

fn device_settings(
    args: &EmulateDevice,
    secret: DeviceSecret,
    node: Option<NodeSettings>,
) -> Result<DeviceSettings, Failure> {
    let mut world = match &args.aps {
        None => World::neighbourhood(),
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
fn open_log(args: &EmulateDevice, name: &str, file: Option<&File>) -> Result<Log, Failure> {
    let is_alone = args.count == 1;
    let prefix = if is_alone { "device" } else { name }.to_owned();
    let mut log = Log::default().shown_to(Box::new(move |line| {
        print_note(&format!("{prefix}: {line}"));
    }));
    if let (Some(file), Some(path)) = (file, &args.log) {
        let file = file.try_clone();
        let file = file.map_err(|error| cannot_use("--log", path, &error))?;
        log = log.lines_to(Box::new(file));
    }
    Ok(if is_alone {
        log
    } else {
        log.of_device(name.to_owned())
    })
}

#[cfg(test)]
mod tests;
