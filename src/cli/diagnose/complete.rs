//! What a shell is offered while a command line is typed: commands and flags, which clap knows, and
//! words that only this computer knows, which are found here. The script that `espctl completions`
//! prints runs the program with a variable set; then it answers the shell and does nothing else. It
//! reads files, and asks nobody.

use std::ffi::OsString;
use std::io;

use clap::Command;
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};

use crate::report::Exit;

/// The answer to a shell, if it was one that asked.
pub(in crate::cli) fn answer(arguments: &[OsString], tree: impl Fn() -> Command) -> Option<Exit> {
    let folder = std::env::current_dir().ok();
    let names_alias = |word: &OsString| word.to_string_lossy().starts_with(ALIAS_FLAG);
    let has_alias = arguments.iter().any(names_alias);
    let asked = CompleteEnv::with_factory(|| {
        let tree = tree();
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
pub(in crate::cli) fn script(shell: Shell) -> io::Result<Vec<u8>> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell.to_string());
    let completer = completer.ok_or_else(|| io::Error::other("no script for this shell"))?;
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    Ok(script)
}

/// Set to the name of a shell, by its script.
const VARIABLE: &str = "ESPCTL_COMPLETE";
/// What esp-rainmaker-cli calls `--device-name`.
const ALIAS: &str = "device_name";
const ALIAS_FLAG: &str = "--device_name";
const PROGRAM: &str = "espctl";
