//! Completions: commands and flags, which clap knows, and values that only this computer knows. The
//! script that `espctl completions` prints runs espctl with a variable set; espctl then answers the
//! shell and does nothing else. It reads files and contacts no other host.

use std::ffi::OsString;
use std::io;

use clap::Command;
use clap_complete::Shell;
use clap_complete::env::{CompleteEnv, Shells};

use crate::report::Exit;

/// Answers a shell. `None` if no shell runs espctl for completions.
pub(in crate::cli) fn answer_shell(
    arguments: &[OsString],
    tree: impl Fn() -> Command,
) -> Option<Exit> {
    let folder = std::env::current_dir().ok();
    let names_alias = |word: &OsString| word.to_string_lossy().starts_with(ALIAS_FLAG);
    let has_alias = arguments.iter().any(names_alias);
    let completer = CompleteEnv::with_factory(|| {
        let tree = tree();
        if has_alias { show_alias(tree) } else { tree }
    });
    let completer = completer.var(VARIABLE);
    match completer.try_complete(arguments.iter().cloned(), folder.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(Exit::Done),
        Err(error) => {
            let _gone: io::Result<()> = error.print();
            Some(Exit::Usage)
        }
    }
}

/// Replaces a flag by its alias, because clap offers no values for a hidden alias.
fn show_alias(command: Command) -> Command {
    let command = command.mut_args(|argument| {
        if argument.get_id() == ALIAS {
            argument.alias(None).long(ALIAS)
        } else {
            argument
        }
    });
    command.mut_subcommands(show_alias)
}

/// Writes the script that makes a shell run espctl for completions.
pub(in crate::cli) fn write_script(shell: Shell) -> io::Result<Vec<u8>> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let completer = shells.completer(&shell.to_string());
    let completer = completer.ok_or_else(|| io::Error::other("no script for this shell"))?;
    completer.write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)?;
    Ok(script)
}

/// The script sets it to the name of the shell.
const VARIABLE: &str = "ESPCTL_COMPLETE";
/// The name of `--device-name` in esp-rainmaker-cli.
const ALIAS: &str = "device_name";
const ALIAS_FLAG: &str = "--device_name";
const PROGRAM: &str = "espctl";
