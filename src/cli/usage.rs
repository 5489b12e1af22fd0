//! From the words of a command line to arguments, or to exit 2. What clap says is passed on, but
//! nothing that could be part of a secret, and as JSON where JSON was asked for.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, Parser};

use super::terminal::{Color, Format, Printer, print_note};
use crate::report::{ErrorId, Exit, Failure, remedies};

/// Parses, and keeps the matches: they know whether a value was typed or came from the
/// environment. Help, version and errors are told here.
pub(in crate::cli) fn parse<C: Parser>(
    command: Command,
    arguments: &[OsString],
) -> Result<(C, ArgMatches), Exit> {
    // Help and errors follow the rules too; a typed --color is not known yet.
    Color::Auto.apply();
    let command = without_empty_variables(command);
    command
        .try_get_matches_from(arguments)
        .and_then(|matches| Ok((C::from_arg_matches(&matches)?, matches)))
        .map_err(|error| explain(&error, arguments))
}

/// A variable that is set to nothing is not set.
fn without_empty_variables(command: Command) -> Command {
    let names: Vec<OsString> = command
        .get_subcommands()
        .map(|subcommand| subcommand.get_name().into())
        .collect();
    let mut command = command.mut_args(|argument| {
        let empty = argument
            .get_env()
            .and_then(std::env::var_os)
            .is_some_and(|value| value.is_empty());
        if empty {
            // A name that no variable can have.
            argument.env("").hide_env(true)
        } else {
            argument
        }
    });
    for name in names {
        command = command.mut_subcommand(name.to_string_lossy(), without_empty_variables);
    }
    command
}

fn explain(error: &clap::Error, arguments: &[OsString]) -> Exit {
    if !error.use_stderr() {
        let _gone: std::io::Result<()> = error.print();
        return Exit::Done;
    }
    let json = wants_json(arguments);
    let secret = error.kind() == ErrorKind::UnknownArgument && may_show_a_secret(error, arguments);
    if !secret && !json {
        let _gone: std::io::Result<()> = error.print();
        // Help instead of an error is its own explanation.
        if error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            print_note(&format!("see: espctl explain {}", ErrorId::Usage));
        }
        return Exit::Usage;
    }
    let message = if secret {
        "an argument too many (not shown: it may be part of a secret)".to_owned()
    } else {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        first.strip_prefix("error: ").unwrap_or(first).to_owned()
    };
    let failure = Failure::new(ErrorId::Usage, message)
        .remedy(&remedies::SEE_HELP)
        .remedy(&remedies::QUOTE_VALUES);
    Printer::new(format_of(arguments)).failure(&failure);
    Exit::Usage
}

/// Whether the argument that clap does not know may belong to a secret: the second word of a
/// passphrase that was not quoted, or a value that begins with a dash.
fn may_show_a_secret(error: &clap::Error, arguments: &[OsString]) -> bool {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
        return true;
    };
    !unknown.starts_with('-')
        || arguments.windows(2).any(|pair| {
            let [flag, value] = pair else { return false };
            SECRETS.iter().any(|secret| flag == secret) && value.to_string_lossy().starts_with('-')
        })
}

/// The format that was asked for, likewise.
pub(in crate::cli) fn format_of(arguments: &[OsString]) -> Format {
    if wants_json(arguments) {
        Format::Json
    } else {
        Format::Text
    }
}

/// Whether JSON was asked for, on a command line that could not be parsed.
fn wants_json(arguments: &[OsString]) -> bool {
    let typed = arguments
        .windows(2)
        .find(|pair| matches!(pair, [flag, _] if flag == "--format"))
        .and_then(|pair| pair.last().cloned());
    let joined = arguments.iter().find_map(|argument| {
        argument
            .to_str()?
            .strip_prefix("--format=")
            .map(OsString::from)
    });
    typed
        .or(joined)
        .or_else(|| std::env::var_os("ESPCTL_FORMAT"))
        .is_some_and(|f| f == "json")
}

/// The flags whose values must not be repeated.
const SECRETS: [&str; 7] = [
    "--code",
    "--passphrase",
    "--password",
    "--pop",
    "--qrcode",
    "--sec2-password",
    "--sec2_password",
];
