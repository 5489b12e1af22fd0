//! What a shell is offered while a command line is typed: commands and flags, which clap knows, and
//! words that only this computer knows, which are found here. The script that `espctl completions`
//! prints runs the program with a variable set; then it answers the shell and does nothing else. It
//! reads files, and asks nobody.

use std::ffi::{OsStr, OsString};
use std::io;

use clap::Command;
use clap_complete::Shell;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::{CompleteEnv, Shells};

use super::account_args::folder;
use super::drivers::Drivers;
use super::reference::tree;
use super::seen::{self, Seen};
use crate::report::{ErrorId, Exit};

/// The answer to a shell, if it was one that asked.
pub(super) fn answer(arguments: &[OsString], drivers: &Drivers) -> Option<Exit> {
    let folder = std::env::current_dir().ok();
    let names_alias = |word: &OsString| word.to_string_lossy().starts_with(ALIAS_FLAG);
    let has_alias = arguments.iter().any(names_alias);
    let asked = CompleteEnv::with_factory(|| {
        let tree = tree(drivers);
        if has_alias { with_alias(tree) } else { tree }
    });
    let asked = asked.var(VARIABLE);
    match asked.try_complete(arguments.iter().cloned(), folder.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(Exit::Done),
        Err(error) => {
            let _gone: io::Result<()> = error.print();
            Some(Exit::Usage)
        }
    }
}

/// The tree in which a flag has its other spelling, for whoever types that: what is hidden has no
/// values to offer.
fn with_alias(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|subcommand| subcommand.get_name().to_owned())
        .collect();
    let mut command = command.mut_args(|argument| {
        if argument.get_id() == ALIAS {
            argument.alias(None).long(ALIAS)
        } else {
            argument
        }
    });
    for name in names {
        command = command.mut_subcommand(name, with_alias);
    }
    command
}

/// What makes a shell ask.
pub(super) fn script(shell: Shell) -> io::Result<Vec<u8>> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell.to_string());
    let completer = completer.ok_or_else(|| io::Error::other("no script for this shell"))?;
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    Ok(script)
}

/// Error ids, and what they mean.
pub(super) fn error_ids() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let ids = ErrorId::ALL.iter();
        let ids = ids.map(|id| (id.as_str().to_owned(), Some(id.entry().title)));
        fitting(typed, ids)
    })
}

/// Profiles of the account.
pub(super) fn profiles() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let profiles = folder().ok().and_then(|folder| folder.list_profiles().ok());
        let names = profiles.into_iter().flatten();
        fitting(typed, names.map(|profile| (profile.name.to_string(), None)))
    })
}

/// Names of devices that were seen by the last search.
pub(super) fn device_names() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let Seen { names, node_ids } = seen::remembered();
        let all = names.into_iter().chain(node_ids);
        fitting(typed, all.map(|name| (name, None)))
    })
}

/// Ids of nodes that were seen by the last search.
pub(super) fn node_ids() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let ids = seen::remembered().node_ids.into_iter();
        fitting(typed, ids.map(|id| (id, None)))
    })
}

fn fitting(
    typed: &OsStr,
    words: impl Iterator<Item = (String, Option<&'static str>)>,
) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    words
        .filter(|(word, _)| word.starts_with(typed) && is_plain(word))
        .map(|(word, help)| CompletionCandidate::new(word).help(help.map(Into::into)))
        .collect()
}

/// Whether a shell takes it for one word and nothing more. Names come off the air, from whoever is
/// near, and some shells put on the line what they are offered as it is.
fn is_plain(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !word.is_empty() && !word.starts_with('-') && word.chars().all(fits)
}

/// Set to the name of a shell, by its script.
const VARIABLE: &str = "ESPCTL_COMPLETE";
/// What esp-rainmaker-cli calls `--device-name`.
const ALIAS: &str = "device_name";
const ALIAS_FLAG: &str = "--device_name";
const PROGRAM: &str = "espctl";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_a_shell_would_run_is_not_offered() {
        for name in ["PROV_d76c30", "kitchen-lamp.2", "XeRQn9TDhQDTfhrGgcLesA"] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "",
            "$(reboot)",
            "a b",
            "a;b",
            "`x`",
            "--pop",
            "a'b",
            "ä",
            "a\nb",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
