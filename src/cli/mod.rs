//! What is typed and what is read: the command tree, and one way from it to an exit code. Each
//! subcommand is a file with its arguments and a `run`; flows do the work.

mod demo;
mod device;
mod device_args;
mod emulate;
mod exit;
mod failure;
mod interrupt;
mod logging;
mod provision;
mod settings;
mod ui;
mod usage;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use anyhow::anyhow;
use clap::builder::FalseyValueParser;
use clap::{ArgMatches, Args, Parser, Subcommand};
use tokio::runtime::Builder;

use exit::Exit;
use failure::Failure;
use interrupt::Interrupts;
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
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Provision an emulated device on this computer, before your eyes.
    Demo(demo::Demo),
    /// Talk to one device without provisioning it.
    #[command(subcommand)]
    Device(Box<device::Device>),
    /// Play the other side, for CI and for trying things out.
    #[command(subcommand)]
    Emulate(emulate::Emulate),
    /// Find a device, secure the session, give it Wi-Fi, and wait until it is connected.
    Provision(Box<provision::Provision>),
}

/// Runs the program.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (cli, matches) = match usage::parse::<Cli>(&arguments) {
        Ok(parsed) => parsed,
        Err(exit) => return exit.into(),
    };
    logging::start(cli.output.verbose);
    let mut ui = Ui::new(cli.output.format, cli.output.color)
        .with_somebody(cli.output.no_input, cli.output.verbose);
    // A panic is a fault of ours, and still ends with a result and an exit code of the table.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        block_on(cli.command, &matches, &mut ui)
    }));
    let failure = match outcome {
        Ok(Ok(())) => return Exit::Done.into(),
        Ok(Err(failure)) => failure,
        Err(_) => Failure::fault(&anyhow!("this should not have happened: please report it")),
    };
    ui.failure(&failure);
    failure.exit.into()
}

fn block_on(command: Command, matches: &ArgMatches, ui: &mut Ui) -> Result<(), Failure> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::fault(&error.into()))?;
    let outcome = runtime.block_on(async {
        let mut interrupts = Interrupts::listen();
        run(command, matches, ui, &mut interrupts).await
    });
    // A thread that still waits for stdin must not keep the program alive.
    runtime.shutdown_background();
    outcome
}

async fn run(
    command: Command,
    matches: &ArgMatches,
    ui: &mut Ui,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    match command {
        Command::Demo(args) => demo::run(&args, ui, interrupts).await,
        Command::Device(args) => interrupts.or(device::run(&args, matches, ui)).await,
        Command::Emulate(args) => interrupts.or(emulate::run(args, ui)).await,
        Command::Provision(args) => provision::run(&args, matches, ui, interrupts).await,
    }
}

const OUTPUT: &str = "Output";
