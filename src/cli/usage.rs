//! Parses the command line. Errors show what clap reports, except for text that could be part of a
//! secret, and are JSON if the command line asks for JSON.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command, Parser};

use super::args::public_text::Exposure;
use super::terminal::{Color, Format, Printer, print_note};
use crate::report::{ErrorId, Exit, Failure, remedies};

/// Parses the arguments. The matches know whether a value comes from the command line or from the
/// environment. Help, the version and errors are printed here.
pub(in crate::cli) fn parse<C: Parser>(
    command: Command,
    arguments: &[OsString],
) -> Result<(C, ArgMatches), Exit> {
    // For help and errors. The value of --color is not known yet.
    Color::Auto.apply();
    let mut command = ignore_empty_variables(command);
    command
        .try_get_matches_from_mut(arguments)
        .and_then(|matches| Ok((C::from_arg_matches(&matches)?, matches)))
        .map_err(|error| print_error(&error, arguments, &command))
}

/// Treats a variable with an empty value as not set.
fn ignore_empty_variables(command: Command) -> Command {
    let ignore_if_empty = |argument: Arg| {
        let value = argument.get_env().and_then(std::env::var_os);
        if value.is_some_and(|value| value.is_empty()) {
            // No variable can have this name.
            argument.env("").hide_env(true)
        } else {
            argument
        }
    };
    let command = command.mut_args(ignore_if_empty);
    command.mut_subcommands(ignore_empty_variables)
}

fn print_error(error: &clap::Error, arguments: &[OsString], command: &Command) -> Exit {
    let is_secret =
        error.kind() == ErrorKind::UnknownArgument && may_show_secret(error, arguments, command);
    let format = find_format(arguments);
    if !error.use_stderr() || !is_secret && format == Format::Text {
        let _gone: std::io::Result<()> = error.print();
        if !error.use_stderr() {
            return Exit::Done;
        }
        // Help instead of an error needs no explanation.
        if error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            print_note(&format!("see: espctl explain {}", ErrorId::Usage));
        }
        return Exit::Usage;
    }
    let message = if is_secret {
        "unexpected argument (not shown: it may be part of a secret)".to_owned()
    } else {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default();
        first.strip_prefix("error: ").unwrap_or(first).to_owned()
    };
    let failure = Failure::new(ErrorId::Usage, message)
        .hint(remedies::SEE_HELP)
        .hint(remedies::QUOTE_VALUES);
    Printer::new(format).failure(&failure);
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

/// Whether any command of the tree has a flag with this name and a secret value.
fn has_secret_flag(command: &Command, name: &str) -> bool {
    let has_name = |argument: &Arg| {
        let aliases = argument.get_all_aliases().unwrap_or_default();
        argument.get_long() == Some(name) || aliases.contains(&name)
    };
    let mut arguments = command.get_arguments();
    let mut subcommands = command.get_subcommands();
    arguments.any(|argument| Exposure::of(argument) == Exposure::Secret && has_name(argument))
        || subcommands.any(|subcommand| has_secret_flag(subcommand, name))
}

/// The format that a command line asks for, even if it cannot be parsed.
pub(in crate::cli) fn find_format(arguments: &[OsString]) -> Format {
    match find_flag_value(arguments, "--format", "ESPCTL_FORMAT") {
        Some(value) if value == "json" => Format::Json,
        _ => Format::Text,
    }
}

/// The value of a flag or its variable, even if the command line cannot be parsed.
pub(in crate::cli) fn find_flag_value(
    arguments: &[OsString],
    flag: &str,
    variable: &str,
) -> Option<OsString> {
    let mut words = arguments.iter().skip(1).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        if word == flag
            && let Some(value) = words.next()
        {
            return Some(value.clone());
        }
        let value = word.to_str().and_then(|word| word.strip_prefix(flag));
        if let Some(value) = value.and_then(|value| value.strip_prefix('=')) {
            return Some(value.into());
        }
    }
    std::env::var_os(variable)
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
        let secret = "also-user code data hex otp passphrase password pop qrcode sec2-password \
                      sec2_password";
        for name in secret.split(' ') {
            assert!(has_secret_flag(&tree, name), "{name}");
        }
        for name in ["ssid", "pop-file", "device_name", "tags"] {
            assert!(!has_secret_flag(&tree, name), "{name}");
        }
    }
}
