//! What is typed and what is read: the command tree, and one way from it to an exit code. Each
//! subcommand is a file with its arguments and a `run`; flows do the work.

mod demo;
mod device;
mod device_args;
mod emulate;
mod exit;
mod failure;
mod logging;
mod provision;
mod settings;
mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use exit::Exit;
use failure::Failure;
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
    let (cli, matches) = match parse(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return explain_usage(&error, &arguments).into(),
    };
    logging::start(cli.output.verbose);
    let mut ui = Ui::new(cli.output.format, cli.output.color);

    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.failure(&Failure::fault(&error.into()));
            return Exit::Fault.into();
        }
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            // Reading stdin blocks; until then Ctrl-C keeps its ordinary meaning.
            biased;
            outcome = run(cli.command, &matches, &mut ui) => Some(outcome),
            Ok(()) = tokio::signal::ctrl_c() => None,
        }
    });
    // What still waits for a socket or for stdin must not keep the program alive.
    runtime.shutdown_background();

    let failure = match outcome {
        Some(Ok(())) => return Exit::Done.into(),
        Some(Err(failure)) => failure,
        None => Failure::interrupted(),
    };
    ui.failure(&failure);
    failure.exit.into()
}

async fn run(command: Command, matches: &ArgMatches, ui: &mut Ui) -> Result<(), Failure> {
    let matches = matches.subcommand().map_or(matches, |(_, matches)| matches);
    match command {
        Command::Demo(args) => demo::run(&args, ui).await,
        Command::Device(args) => device::run(&args, matches, ui).await,
        Command::Emulate(args) => emulate::run(args).await,
        Command::Provision(args) => provision::run(&args, matches, ui).await,
    }
}

/// Parses, and keeps the matches: they know whether a value was typed or came from the
/// environment.
fn parse(arguments: &[OsString]) -> Result<(Cli, ArgMatches), clap::Error> {
    let matches = Cli::command().try_get_matches_from(arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    Ok((cli, matches))
}

/// Help and version go where clap sends them; everything else is exit 2, as text or as JSON.
fn explain_usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
    if !error.use_stderr() {
        let _gone: std::io::Result<()> = error.print();
        return Exit::Done;
    }
    // An argument too many may be half of a passphrase with a space in it.
    let stray = error.kind() == ErrorKind::UnknownArgument
        && matches!(
            error.get(ContextKind::InvalidArg),
            Some(ContextValue::String(argument)) if !argument.starts_with('-')
        );
    if !stray && !wants_json(arguments) {
        let _gone: std::io::Result<()> = error.print();
        return Exit::Usage;
    }
    let message = if stray {
        "an argument too many (not shown: it may be part of a secret)".to_owned()
    } else {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        first.strip_prefix("error: ").unwrap_or(first).to_owned()
    };
    let format = if wants_json(arguments) {
        Format::Json
    } else {
        Format::Text
    };
    let failure = Failure::usage("usage", message).hint("see --help; quote values with spaces");
    Ui::new(format, Color::Auto).failure(&failure);
    Exit::Usage
}

/// Whether JSON was asked for, on a command line that could not be parsed.
fn wants_json(arguments: &[OsString]) -> bool {
    arguments.iter().any(|argument| argument == "--format=json")
        || arguments
            .windows(2)
            .any(|pair| pair == ["--format", "json"])
}

const OUTPUT: &str = "Output";
