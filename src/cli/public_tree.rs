//! The tree of commands, as documentation and completions show it.

use clap::Command;

/// The tree as the documentation shows it: without hidden commands, and without values of this run's
/// environment.
pub(super) fn public_tree(whole: &Command) -> Command {
    // A hidden command cannot be removed from a tree, and completions would offer it.
    let public = Command::new("espctl")
        .about(whole.get_about().cloned().unwrap_or_default())
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .subcommand_required(true)
        .after_long_help(whole.get_after_long_help().cloned().unwrap_or_default())
        .args(whole.get_arguments().cloned())
        .subcommands(public_subcommands(whole).cloned());
    without_values(public)
}

fn without_values(command: Command) -> Command {
    let command = command.mut_args(|argument| argument.hide_env_values(true));
    command.mut_subcommands(without_values)
}

/// The subcommands that are not hidden.
pub(super) fn public_subcommands(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set())
}
