//! What is typed and what is read: the command tree, and one way from it to an exit code. Each
//! subcommand is a file with its arguments and a `run`; flows do the work.

mod account_args;
mod bundle;
mod completion;
mod demo;
mod device;
mod device_args;
mod discover;
mod doctor;
mod drivers;
mod emulate;
mod environment;
mod explain;
mod failure_context;
mod interrupt;
mod login;
mod network_args;
mod node;
mod owner_args;
mod profile;
mod provision;
mod qr;
mod radio_args;
mod reference;
mod seen;
mod serial_args;
mod settings;
mod spoken;
mod ui;
mod usage;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use clap::builder::FalseyValueParser;
use clap::{ArgMatches, Args, CommandFactory as _, Parser, Subcommand};
use tokio::runtime::Builder;

use crate::provisioner::Protocol;
use crate::report::{ErrorId, Exit, Failure, Findings, ResultPolicy, init_logging};
use crate::transport::Driver;
use bundle::Bundle;
use doctor::for_bundle::{Devices, Reach};
use drivers::Drivers;
use interrupt::Interrupts;
use settings::Existing;
use ui::{Color, Format, Ui};

/// Puts ESP32 devices on a network and into their owner's account.
#[derive(Debug, Parser)]
#[command(name = "espctl", version, after_long_help = Exit::table(), propagate_version = true)]
struct Cli {
    #[command(flatten)]
    output: OutputArgs,

    #[command(subcommand)]
    command: Command,
}

#[derive(Args, Debug)]
struct OutputArgs {
    /// How results are written: for people, or one JSON object a line on stdout.
    #[arg(long, global = true, value_enum, default_value_t, env = "ESPCTL_FORMAT", help_heading = OUTPUT)]
    format: Format,

    /// When to use colour. It never carries meaning; NO_COLOR is honoured.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN", help_heading = OUTPUT)]
    color: Color,

    /// Ask nothing: what is missing is an error. So it is without a terminal, and where CI is set.
    #[arg(long, global = true, env = "ESPCTL_NO_INPUT", value_parser = FalseyValueParser::new(), help_heading = OUTPUT)]
    no_input: bool,

    /// Say more on stderr; twice for every exchange. Secrets are never shown.
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = OUTPUT)]
    verbose: u8,

    /// Write what -v shows to this file, too; it grows with each run.
    #[arg(long, global = true, value_name = "FILE", env = "ESPCTL_LOG_FILE", help_heading = OUTPUT)]
    log_file: Option<PathBuf>,

    /// When the command has ended, write all that a report about it needs to this file: versions,
    /// what doctor says, transcript, log, timings. Secrets are not in it; names and addresses are.
    #[arg(long, global = true, value_name = "FILE", env = "ESPCTL_SUPPORT_BUNDLE", help_heading = OUTPUT)]
    support_bundle: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print a script that completes commands, flags and names in a shell.
    Completions(reference::Completions),
    /// Provision an emulated device on this computer, before your eyes.
    Demo(demo::Demo),
    /// Talk to one device without provisioning it.
    #[command(subcommand)]
    Device(Box<device::Device>),
    Discover(discover::Discover),
    Doctor(Box<doctor::Doctor>),
    /// Play the other side, for CI and for trying things out.
    #[command(subcommand)]
    Emulate(emulate::Emulate),
    /// Say what an error id means, why it happens and what to do.
    Explain(explain::Explain),
    Login(Box<login::Login>),
    /// End the login: on this computer, and at the cloud.
    Logout(login::logout::Logout),
    /// Print the manual page, or write those of all commands.
    Man(reference::ManPages),
    /// What the account owns.
    #[command(subcommand)]
    Node(node::Node),
    /// Which clouds there are to log in to, and which one counts.
    #[command(subcommand)]
    Profile(profile::Profiles),
    /// Find a device, map it to your account, give it Wi-Fi, and wait until it is connected.
    Provision(Box<provision::Provision>),
    /// Read a label's QR code, or make one.
    #[command(subcommand)]
    Qr(qr::Qr),
    /// Print a page of the documentation.
    #[command(subcommand, hide = true)]
    Reference(reference::Reference),
    /// Say who is logged in, and where.
    Whoami(login::whoami::Whoami),
}

/// The command tree, with the flags of the drivers.
fn command(drivers: &Drivers) -> clap::Command {
    drivers.extend(Cli::command())
}

/// Runs the program on a command line, its name in front, with these transports; returns the exit
/// code.
pub fn main(
    arguments: &[OsString],
    drivers: Vec<Arc<dyn Driver>>,
    protocols: Vec<Arc<dyn Protocol>>,
) -> u8 {
    let drivers = Drivers::new(drivers, protocols);
    if let Some(exit) = completion::answer(arguments, &drivers) {
        return exit.code();
    }
    let (cli, matches) = match usage::parse::<Cli>(command(&drivers), arguments) {
        Ok(parsed) => parsed,
        Err(exit) => {
            if exit == Exit::Usage {
                bundle::of_no_run(arguments);
            }
            return exit.code();
        }
    };
    let ui = Ui::new(cli.output.format, cli.output.color)
        .with_somebody(cli.output.no_input, cli.output.verbose);
    let bundle = cli.output.support_bundle.as_deref();
    let bundle = bundle
        .map(|path| Bundle::begin(path, command(&drivers), &matches))
        .transpose();
    let bundle = match bundle {
        Ok(bundle) => bundle,
        Err(failure) => {
            ui.failure(&failure);
            return failure.exit.code();
        }
    };
    if let Err(failure) = start_recording(&cli.output, &ui, bundle.as_ref()) {
        ui.failure(&failure);
        if let Some(bundle) = bundle {
            bundle.write(ResultPolicy::Omit, Some(&failure), &NOT_LOOKED, &ui);
        }
        return failure.exit.code();
    }
    suppress_known_panic(DEPENDENCY_RACE);
    let answer = cli.command.answer();
    // A panic is a fault of ours, and still ends with a result and an exit code of the table.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        block_on(cli.command, &matches, &ui, bundle.as_ref(), &drivers)
    }));
    let (outcome, findings) = outcome.unwrap_or_else(|_| {
        let failure = Failure::fault(&anyhow!("this should not have happened: please report it"));
        ui.failure(&failure);
        (Err(failure), NOT_LOOKED)
    });
    let failure = outcome.err();
    if let Some(bundle) = bundle {
        bundle.write(answer, failure.as_ref(), &findings, &ui);
    }
    failure.map_or(Exit::Done, |failure| failure.exit).code()
}

impl Command {
    /// What it has to do with, and so may be looked at for a report about it.
    fn reach(&self) -> Reach {
        let account = Reach {
            account: true,
            cloud: true,
            ..Reach::NOTHING
        };
        let files = Reach {
            cloud: false,
            ..account
        };
        match self {
            Self::Device(_) => Reach {
                devices: Devices::One,
                ..Reach::NOTHING
            },
            Self::Discover(_) => Reach {
                devices: Devices::All,
                ..Reach::NOTHING
            },
            Self::Doctor(_) => Reach {
                devices: Devices::All,
                ..account
            },
            Self::Provision(_) => Reach {
                devices: Devices::One,
                ..account
            },
            Self::Login(_) | Self::Logout(_) | Self::Node(_) => account,
            Self::Whoami(args) if args.asks_cloud() => account,
            Self::Profile(_) | Self::Whoami(_) => files,
            Self::Completions(_)
            | Self::Demo(_)
            | Self::Emulate(_)
            | Self::Explain(_)
            | Self::Man(_)
            | Self::Qr(_)
            | Self::Reference(_) => Reach::NOTHING,
        }
    }

    /// Whether the device that it finds is one to be remembered.
    fn looks_for_one(&self) -> bool {
        self.reach().devices == Devices::One
    }

    /// Whether its result may be read by others.
    fn answer(&self) -> ResultPolicy {
        match self {
            Self::Device(args) if args.carries_anything() => ResultPolicy::Omit,
            Self::Completions(_)
            | Self::Emulate(_)
            | Self::Man(_)
            | Self::Qr(_)
            | Self::Reference(_) => ResultPolicy::Omit,
            Self::Demo(_)
            | Self::Device(_)
            | Self::Discover(_)
            | Self::Doctor(_)
            | Self::Explain(_)
            | Self::Login(_)
            | Self::Logout(_)
            | Self::Node(_)
            | Self::Profile(_)
            | Self::Provision(_)
            | Self::Whoami(_) => ResultPolicy::Include,
        }
    }
}

/// Keeps a panic in one file of a dependency from being shown. It ends a task that was only tidying
/// up, so nothing is lost; any other is told as ever.
fn suppress_known_panic(file: &'static str) {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match panic.location() {
        Some(place) if place.file().replace('\\', "/").ends_with(file) => {
            tracing::debug!(%panic, "in a dependency");
        }
        _ => shown(panic),
    }));
}

/// Starts the log and the record of the run, if the flags ask for them.
fn start_recording(output: &OutputArgs, ui: &Ui, bundle: Option<&Bundle>) -> Result<(), Failure> {
    let recorder = bundle.map(Bundle::recorder);
    if let Some(recorder) = recorder {
        ui.record(recorder);
    }
    let file = output.log_file.as_deref();
    let file = file.map(|path| settings::create_private(path, "--log-file", Existing::Extended));
    init_logging(output.verbose, file.transpose()?, recorder);
    Ok(())
}

/// Runs the command, tells how it failed, and then looks at this computer for the bundle.
fn block_on(
    command: Command,
    matches: &ArgMatches,
    ui: &Ui,
    bundle: Option<&Bundle>,
    drivers: &Drivers,
) -> (Result<(), Failure>, Findings) {
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let failure = Failure::fault(&error.into());
            ui.failure(&failure);
            return (Err(failure), NOT_LOOKED);
        }
    };
    let outcome = runtime.block_on(async {
        let mut interrupts = Interrupts::listen();
        let mut reach = command.reach();
        let remembers = command.looks_for_one();
        let outcome = run(command, matches, ui, &mut interrupts, drivers).await;
        if let Some((name, node_id)) = ui.found().filter(|_| remembers) {
            seen::add(name.as_deref(), node_id.as_deref());
        }
        if let Err(failure) = &outcome {
            ui.failure(failure);
            // It came to no call of the cloud, and none is made for a report.
            reach.cloud &= failure.exit != Exit::Usage && failure.id != ErrorId::LoginRequired;
        }
        let findings = match bundle {
            Some(bundle) => {
                let matches = innermost(matches);
                let look = bundle.look(reach, matches, ui, &mut interrupts, drivers);
                look.await
            }
            None => NOT_LOOKED,
        };
        drivers.finish_closing().await;
        (outcome, findings)
    });
    // A thread that still waits for stdin must not keep the program alive.
    runtime.shutdown_background();
    outcome
}

/// Of the command that runs, `device info` as well as `discover`.
fn innermost(mut matches: &ArgMatches) -> &ArgMatches {
    while let Some((_, inner)) = matches.subcommand() {
        matches = inner;
    }
    matches
}

async fn run(
    command: Command,
    matches: &ArgMatches,
    ui: &Ui,
    interrupts: &mut Interrupts,
    drivers: &Drivers,
) -> Result<(), Failure> {
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    match command {
        Command::Completions(args) => reference::completions(&args, ui),
        Command::Demo(args) => demo::run(&args, ui, interrupts, drivers).await,
        Command::Device(args) => {
            let run = device::run(&args, matches, ui, drivers);
            interrupts.or(run).await
        }
        Command::Discover(args) => {
            let run = discover::run(&args, matches, ui, drivers);
            interrupts.or(run).await
        }
        Command::Doctor(args) => {
            let run = doctor::run(&args, matches, ui, drivers);
            interrupts.or(run).await
        }
        Command::Emulate(args) => interrupts.or(emulate::run(args, ui)).await,
        Command::Explain(args) => explain::run(&args, ui),
        Command::Login(args) => interrupts.or(login::run(&args, matches, ui)).await,
        Command::Logout(args) => interrupts.or(login::logout::run(&args, ui)).await,
        Command::Man(args) => reference::man(&args, ui, drivers),
        Command::Node(args) => interrupts.or(node::run(&args, ui)).await,
        Command::Profile(args) => profile::run(&args, ui),
        Command::Provision(args) => provision::run(&args, matches, ui, interrupts, drivers).await,
        Command::Qr(command) => {
            let run = qr::run(&command, matches, ui, drivers);
            interrupts.or(run).await
        }
        Command::Reference(page) => reference::run(page, ui, drivers),
        Command::Whoami(args) => interrupts.or(login::whoami::run(&args, ui)).await,
    }
}

/// A match rule of the bus that is gone already when it is removed (bluez-async 0.9).
const DEPENDENCY_RACE: &str = "/src/messagestream.rs";
const OUTPUT: &str = "Output";
const NOT_LOOKED: Findings = Err("the run did not get so far");
