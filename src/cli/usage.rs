//! From the words of a command line to arguments, or to exit 2. What clap says is passed on, but
//! nothing that could be part of a secret, and as JSON where JSON was asked for.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command, Parser};

use super::args::public_text::Exposure;
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
    let mut command = without_empty_variables(command);
    command
        .try_get_matches_from_mut(arguments)
        .and_then(|matches| Ok((C::from_arg_matches(&matches)?, matches)))
        .map_err(|error| explain(&error, arguments, &command))
}

/// A variable that is set to nothing is not set.
fn without_empty_variables(command: Command) -> Command {
    let hide_empty = |argument: Arg| {
        let value = argument.get_env().and_then(std::env::var_os);
        if value.is_some_and(|value| value.is_empty()) {
            // A name that no variable can have.
            argument.env("").hide_env(true)
        } else {
            argument
        }
    };
    command
        .mut_args(hide_empty)
        .mut_subcommands(without_empty_variables)
}

fn explain(error: &clap::Error, arguments: &[OsString], command: &Command) -> Exit {
    if !error.use_stderr() {
        let _gone: std::io::Result<()> = error.print();
        return Exit::Done;
    }
    let json = wants_json(arguments);
    let secret =
        error.kind() == ErrorKind::UnknownArgument && may_show_secret(error, arguments, command);
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
/// passphrase without quotes, or a value that begins with a dash.
fn may_show_secret(error: &clap::Error, arguments: &[OsString], command: &Command) -> bool {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
        return true;
    };
    !unknown.starts_with('-')
        || arguments.windows(2).any(|pair| {
            let [flag, value] = pair else { return false };
            let flag = flag.to_str().and_then(|flag| flag.strip_prefix("--"));
            value.to_string_lossy().starts_with('-')
                && flag.is_some_and(|flag| has_secret_flag(command, flag))
        })
}

/// Whether a flag with a secret value has this name, in any command of the tree.
fn has_secret_flag(command: &Command, name: &str) -> bool {
    let has_name = |argument: &Arg| {
        argument.get_long() == Some(name)
            || argument
                .get_all_aliases()
                .is_some_and(|aliases| aliases.contains(&name))
    };
    command
        .get_arguments()
        .any(|argument| Exposure::of(argument) == Exposure::Secret && has_name(argument))
        || command
            .get_subcommands()
            .any(|subcommand| has_secret_flag(subcommand, name))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::drivers::Drivers;
    use crate::provisioner::built_in_protocols;
    use crate::transport::built_in_drivers;

    #[test]
    fn secret_flags_come_from_the_command_tree() {
        let drivers = Drivers::new(built_in_drivers(), built_in_protocols());
        let tree = crate::cli::program::command(&drivers);
        for name in [
            "also-user",
            "code",
            "data",
            "hex",
            "otp",
            "passphrase",
            "password",
            "pop",
            "qrcode",
            "sec2-password",
            "sec2_password",
        ] {
            assert!(has_secret_flag(&tree, name), "{name}");
        }
        for name in ["ssid", "pop-file", "device_name", "tags"] {
            assert!(!has_secret_flag(&tree, name), "{name}");
        }
    }
}
