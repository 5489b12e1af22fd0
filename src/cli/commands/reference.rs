//! What is generated from the command tree: completions, manual pages, and two pages of the
//! documentation. It says nothing of its own; the words are those of the flags.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::args::drivers::Drivers;
use crate::cli::diagnose::complete;
use crate::cli::diagnose::explain;
use crate::cli::main::command;
use crate::cli::terminal::{Ui, keys_of};
use crate::report::{ErrorId, Failure};

/// Arguments of `completions`.
#[derive(Args, Debug)]
#[command(after_help = INSTALL)]
pub(in crate::cli) struct Completions {
    /// For which shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Args, Debug)]
pub(in crate::cli) struct ManPages {
    /// Write a page for every command into this folder, instead of the main one to standard
    /// output.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Pages of the documentation.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(in crate::cli) enum Reference {
    /// docs/reference/cli.md
    Cli,
    /// docs/reference/errors.md
    Errors,
}

/// Runs `completions`.
pub(in crate::cli) fn completions(args: &Completions, ui: &Ui) -> Result<(), Failure> {
    let script = complete::script(args.shell).map_err(|error| Failure::fault(&error.into()))?;
    print("script", &script, ui)
}

/// Runs `man`.
pub(in crate::cli) fn man(args: &ManPages, ui: &Ui, drivers: &Drivers) -> Result<(), Failure> {
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        Man::new(tree(drivers))
            .render(&mut page)
            .map_err(|error| Failure::fault(&error.into()))?;
        return print("page", &page, ui);
    };
    let written = write_pages(folder, drivers).map_err(|error| {
        let message = format!("--out: cannot write to {}", folder.display());
        Failure::new(ErrorId::UnwritableFile, message).cause(&error)
    })?;
    ui.result(&written, keys_of("files", &written))
}

fn write_pages(folder: &Path, drivers: &Drivers) -> io::Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(tree(drivers), folder)?;
    let mut files = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .filter(|path| {
            let name = path
                .as_ref()
                .ok()
                .and_then(|path| path.file_name()?.to_str());
            name.is_some_and(|name| name.starts_with("espctl") && name.ends_with(".1"))
        })
        .map(|path| path.map(|path| path.display().to_string()))
        .collect::<io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}

/// Runs `reference`.
pub(in crate::cli) fn run(page: Reference, ui: &Ui, drivers: &Drivers) -> Result<(), Failure> {
    let text = match page {
        Reference::Cli => cli_page(drivers),
        Reference::Errors => explain::page(),
    };
    print("page", text.as_bytes(), ui)
}

fn print(key: &str, text: &[u8], ui: &Ui) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end();
    ui.result(&[text.to_owned()], keys_of(key, &text))
}

/// Every command with its long help.
fn cli_page(drivers: &Drivers) -> String {
    let mut page = "# Command line\n\nWhat `--help` says, of every command. The flags under *Output* go with each of them. \
                    This page is printed by\n`espctl reference cli`.\n"
        .to_owned();
    describe(&tree(drivers), &mut Vec::new(), &mut page);
    page
}

fn describe<'c>(command: &'c Command, path: &mut Vec<&'c str>, page: &mut String) {
    path.push(command.get_name());
    let name = path.join(" ");
    // Alone, a command does not repeat the flags of its parents.
    let help = command
        .clone()
        .bin_name(&name)
        .disable_help_flag(path.len() > 1)
        .term_width(PAGE_COLUMNS)
        .render_long_help()
        .to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let help = help.join("\n");
    let section = format!("\n## {name}\n\n```text\n{}\n```\n", help.trim_end());
    page.push_str(&section);
    for subcommand in shown(command) {
        describe(subcommand, path, page);
    }
    path.pop();
}

/// The command tree as everybody sees it: without what this run's environment holds, and without
/// what is hidden.
pub(in crate::cli) fn tree(drivers: &Drivers) -> Command {
    let whole = command(drivers);
    // Completions would offer what is hidden, and nothing can be taken out of a tree.
    let seen = Command::new("espctl")
        .about(whole.get_about().cloned().unwrap_or_default())
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .subcommand_required(true)
        .after_long_help(whole.get_after_long_help().cloned().unwrap_or_default())
        .args(whole.get_arguments().cloned())
        .subcommands(shown(&whole).cloned());
    without_values(seen)
}

fn without_values(command: Command) -> Command {
    let names: Vec<String> = shown(&command)
        .map(|subcommand| subcommand.get_name().to_owned())
        .collect();
    let mut command = command.mut_args(|argument| argument.hide_env_values(true));
    for name in names {
        command = command.mut_subcommand(name, without_values);
    }
    command
}

fn shown(command: &Command) -> impl Iterator<Item = &Command> {
    command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set())
}

const INSTALL: &str = "\
The script asks espctl itself for what fits: commands and flags, profiles, devices of the last search,
error ids. Have the shell read it anew each time it starts, so that the two are of one version:
  bash  ~/.bashrc                     source <(espctl completions bash)
  zsh   ~/.zshrc, after compinit      source <(espctl completions zsh)
  fish  ~/.config/fish/config.fish    espctl completions fish | source";
/// Of help in the documentation.
const PAGE_COLUMNS: usize = 110;
