//! The program: the command tree, and the one way from a command line to an exit code. Each subcommand
//! is a file with its arguments; flows do the work.

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::anyhow;
use clap::builder::FalseyValueParser;
use clap::{ArgMatches, Args, CommandFactory as _, Parser};
use tokio::runtime::{Builder, Runtime};

use super::args::drivers::Drivers;
use super::args::inputs::{Existing, create_private};
use super::args::seen_devices;
use super::commands::{
    completions, demo, device, discover, emulate, login, logout, man, node, profile, provision, qr,
    reference, whoami,
};
use super::diagnose::bundle::{self, Bundle};
use super::diagnose::{complete, doctor, explain};
use super::interrupt::Interrupts;
use super::public_tree::public_tree;
use super::subcommand::Subcommand;
use super::terminal::{Color, Format, Printer, TerminalObserver};
use super::usage;
use super::workplace::Workplace;
use crate::flows::Event;
use crate::host::protect_memory;
use crate::provisioner::Protocol;
use crate::report::{ErrorId, Exit, Failure, Findings, ResultPolicy, init_logging};
use crate::transport::Driver;

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
#[command(next_help_heading = "Output")]
struct OutputArgs {
    /// Print results as text, or as one JSON object a line on stdout.
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        env = "ESPCTL_FORMAT"
    )]
    format: Format,

    /// When to use color. It never carries meaning; NO_COLOR is respected.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Color,

    /// Never prompt; missing values are errors. This is the default without a terminal or when CI is
    /// set.
    #[arg(long, global = true, env = "ESPCTL_NO_INPUT", value_parser = FalseyValueParser::new())]
    no_input: bool,

    /// Print more on stderr; twice for every exchange. Secrets are never printed.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,

    /// Also append what -v prints to this file.
    #[arg(long, global = true, value_name = "FILE", env = "ESPCTL_LOG_FILE")]
    log_file: Option<PathBuf>,

    /// After the command, write everything that a bug report needs to this file: versions, findings of
    /// doctor, transcript, log, timings. It contains names and addresses, and no secrets.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "ESPCTL_SUPPORT_BUNDLE"
    )]
    support_bundle: Option<PathBuf>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print a script with which a shell completes commands, flags and names.
    Completions(completions::Completions),
    /// Provision an emulated device on this computer, step by step.
    Demo(demo::Demo),
    /// Send commands to one device without provisioning it.
    #[command(subcommand)]
    Device(Box<device::Device>),
    Discover(discover::Discover),
    Doctor(Box<doctor::Doctor>),
    /// Emulate a device or a cloud, for CI and for trying things out.
    #[command(subcommand)]
    Emulate(emulate::Emulate),
    /// Explain an error id: what it means, why it happens and what to do.
    Explain(explain::Explain),
    Login(Box<login::Login>),
    /// Log out, on this computer and in the cloud.
    Logout(logout::Logout),
    /// Print the manual page, or write the pages of all commands.
    Man(man::Man),
    /// List, show and remove the nodes of the account.
    #[command(subcommand)]
    Node(node::Nodes),
    /// Manage cloud profiles.
    #[command(subcommand)]
    Profile(profile::Profiles),
    /// Find a device, map it to your account, send it Wi-Fi credentials, and wait until it is connected.
    Provision(Box<provision::Provision>),
    /// Decode the QR code of a label, or create one.
    #[command(subcommand)]
    Qr(qr::Qr),
    /// Print a page of the documentation.
    #[command(subcommand, hide = true)]
    Reference(reference::Reference),
    /// Show the user and the cloud of the login.
    Whoami(whoami::Whoami),
}

/// The command tree, with the flags of the drivers.
pub(super) fn command(drivers: &Drivers) -> clap::Command {
    drivers.extend(Cli::command())
}

/// Runs the program with these arguments, of which the first is its name, and with these transports
/// and protocols; returns the exit code.
pub fn main(
    arguments: &[OsString],
    drivers: Vec<Arc<dyn Driver>>,
    protocols: Vec<Arc<dyn Protocol>>,
) -> u8 {
    protect_memory();
    let drivers = Drivers::new(drivers, protocols);
    if let Some(exit) = complete::answer_shell(arguments, || public_tree(&command(&drivers))) {
        return exit.code();
    }
    let (cli, matches) = match usage::parse::<Cli>(command(&drivers), arguments) {
        Ok(parsed) => parsed,
        Err(exit) => {
            if exit == Exit::Usage {
                bundle::write_without_run(arguments);
            }
            return exit.code();
        }
    };
    cli.output.color.apply();
    let printer = Printer::new(cli.output.format);
    let tree = command(&drivers);
    let bundle = cli.output.support_bundle.as_deref();
    let bundle = bundle.map(|path| Bundle::begin(path, tree.clone(), &matches));
    let bundle = match bundle.transpose() {
        Ok(bundle) => bundle,
        Err(failure) => {
            printer.failure(&failure);
            return failure.exit.code();
        }
    };
    let recorder = bundle.as_ref().map(Bundle::recorder);
    let printer = printer.recorded(recorder.cloned());
    suppress_known_panic(DEPENDENCY_RACE);
    let command = cli.command.subcommand();
    let answer = if command.handling().is_public {
        ResultPolicy::Include
    } else {
        ResultPolicy::Omit
    };
    let observer = TerminalObserver::new(printer.clone(), cli.output.no_input, cli.output.verbose);
    let fail = |failure: Failure| {
        printer.failure(&failure);
        (Err(failure), NOT_LOOKED)
    };
    let run = |runtime: Runtime| {
        let ended = runtime.block_on(async {
            let workplace = Workplace {
                drivers,
                matches: innermost(&matches).clone(),
                tree,
                printer: printer.clone(),
                observer,
                // Signals need the runtime.
                interrupts: Interrupts::listen(),
            };
            run_and_look(command, &workplace, bundle.as_ref()).await
        });
        // A thread that still waits for stdin must not keep the program alive.
        runtime.shutdown_background();
        ended
    };
    let log_file = cli.output.log_file.as_deref();
    let log_file = log_file.map(|path| create_private(path, "--log-file", Existing::Extended));
    let started = log_file.transpose().and_then(|file| {
        init_logging(cli.output.verbose, file, recorder);
        let runtime = Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| Failure::fault(&error.into()))
    });
    let (outcome, findings) = match started {
        Err(failure) => fail(failure),
        // A panic is a defect of espctl, and still ends with a result and a documented exit code.
        Ok(runtime) => catch_unwind(AssertUnwindSafe(|| run(runtime))).unwrap_or_else(|_| {
            fail(Failure::fault(&anyhow!(
                "this should not have happened: please report it"
            )))
        }),
    };
    let failure = outcome.err();
    if let Some(bundle) = bundle {
        bundle.write(answer, failure.as_ref(), &findings, &printer);
    }
    failure.map_or(Exit::Done, |failure| failure.exit).code()
}

impl Command {
    fn subcommand(&self) -> &dyn Subcommand {
        match self {
            Self::Completions(command) => command,
            Self::Demo(command) => command,
            Self::Device(command) => &**command,
            Self::Discover(command) => command,
            Self::Doctor(command) => &**command,
            Self::Emulate(command) => command,
            Self::Explain(command) => command,
            Self::Login(command) => &**command,
            Self::Logout(command) => command,
            Self::Man(command) => command,
            Self::Node(command) => command,
            Self::Profile(command) => command,
            Self::Provision(command) => &**command,
            Self::Qr(command) => command,
            Self::Reference(command) => command,
            Self::Whoami(command) => command,
        }
    }
}

/// Hides a panic in one file of a dependency. It ends a task that was only cleaning up, so nothing is
/// lost; any other panic is printed.
fn suppress_known_panic(file: &'static str) {
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match panic.location() {
        Some(place) if place.file().replace('\\', "/").ends_with(file) => {
            tracing::debug!(%panic, "in a dependency");
        }
        _ => shown(panic),
    }));
}

/// Runs the command, prints how it failed, and then looks at this computer for the bundle.
async fn run_and_look(
    command: &dyn Subcommand,
    workplace: &Workplace,
    bundle: Option<&Bundle>,
) -> (Result<(), Failure>, Findings) {
    let outcome = run(command, workplace).await;
    let mut findings = NOT_LOOKED;
    if let Some(bundle) = bundle {
        let mut touches = command.handling().touches;
        if let Err(failure) = &outcome {
            // Such a run did not call the cloud, and a report does not either.
            touches.cloud &= failure.exit != Exit::Usage && failure.id != ErrorId::LoginRequired;
        }
        findings = bundle.collect_findings(touches, workplace).await;
    }
    workplace.drivers.finish_closing().await;
    (outcome, findings)
}

async fn run(command: &dyn Subcommand, workplace: &Workplace) -> Result<(), Failure> {
    let running = command.run(workplace);
    let outcome = if command.handling().stops_in_order {
        running.await
    } else {
        workplace.interrupts.run_until_signal(running).await
    };
    if let Some(Event::DeviceFound { name, node_id, .. }) = workplace.observer.found() {
        seen_devices::add(name.as_deref(), node_id.as_deref());
    }
    if let Err(failure) = &outcome {
        workplace.printer.failure(failure);
    }
    outcome
}

/// The arguments of the innermost command, such as `device info`.
fn innermost(matches: &ArgMatches) -> &ArgMatches {
    let inner = matches.subcommand();
    inner.map_or(matches, |(_, inner)| innermost(inner))
}

/// bluez-async 0.9 panics here when a match rule of the bus is already removed.
const DEPENDENCY_RACE: &str = "/src/messagestream.rs";
const NOT_LOOKED: Findings = Err("the run did not get so far");
