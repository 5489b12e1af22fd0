//! What is generated from the command tree: completions, manual pages, and two pages of the
//! documentation. It says nothing of its own; the words are those of the flags.

use async_trait::async_trait;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::diagnose::complete;
use crate::cli::diagnose::explain;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::{Printer, keys_of};
use crate::cli::tree::{public_subcommands, public_tree};
use crate::cli::workplace::Workplace;
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
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub(in crate::cli) enum Reference {
    /// docs/reference/cli.md
    Cli,
    /// docs/reference/errors.md
    Errors,
}

#[async_trait(?Send)]
impl Subcommand for Completions {
    fn is_output_private(&self) -> bool {
        true
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let script = complete::write_script(self.shell);
        let script = script.map_err(|error| Failure::fault(&error.into()))?;
        print("script", &script, &workplace.printer)
    }
}

#[async_trait(?Send)]
impl Subcommand for ManPages {
    fn is_output_private(&self) -> bool {
        true
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        print_pages(self, &workplace.tree, &workplace.printer)
    }
}

#[async_trait(?Send)]
impl Subcommand for Reference {
    fn is_output_private(&self) -> bool {
        true
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let text = match self {
            Self::Cli => cli_page(&workplace.tree),
            Self::Errors => explain::format_errors_page(),
        };
        print("page", text.as_bytes(), &workplace.printer)
    }
}

fn print_pages(args: &ManPages, tree: &Command, printer: &Printer) -> Result<(), Failure> {
    let Some(folder) = &args.out else {
        let mut page = Vec::new();
        Man::new(public_tree(tree))
            .render(&mut page)
            .map_err(|error| Failure::fault(&error.into()))?;
        return print("page", &page, printer);
    };
    let written = write_pages(folder, tree).map_err(|error| {
        let message = format!("--out: cannot write to {}", folder.display());
        Failure::new(ErrorId::UnwritableFile, message).cause(&error)
    })?;
    printer.result(&written, keys_of("files", &written))
}

fn write_pages(folder: &Path, tree: &Command) -> io::Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(public_tree(tree), folder)?;
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

fn print(key: &str, text: &[u8], printer: &Printer) -> Result<(), Failure> {
    let text = String::from_utf8_lossy(text);
    let text = text.trim_end();
    printer.result(&[text.to_owned()], keys_of(key, &text))
}

/// Every command with its long help.
fn cli_page(tree: &Command) -> String {
    let mut page = "# Command line\n\nWhat `--help` says, of every command. The flags under *Output* go with each of them. \
                    This page is printed by\n`espctl reference cli`.\n"
        .to_owned();
    describe(&public_tree(tree), &mut Vec::new(), &mut page);
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
    for subcommand in public_subcommands(command) {
        describe(subcommand, path, page);
    }
    path.pop();
}

const INSTALL: &str = "\
The script asks espctl itself for what fits: commands and flags, profiles, devices of the last search,
error ids. Have the shell read it anew each time it starts, so that the two are of one version:
  bash  ~/.bashrc                     source <(espctl completions bash)
  zsh   ~/.zshrc, after compinit      source <(espctl completions zsh)
  fish  ~/.config/fish/config.fish    espctl completions fish | source";
/// Of help in the documentation.
const PAGE_COLUMNS: usize = 110;
