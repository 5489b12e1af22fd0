//! `reference`: prints the pages of the documentation that are generated from the code.

use async_trait::async_trait;
use clap::Command;

use crate::cli::diagnose::explain;
use crate::cli::public_tree::{public_subcommands, public_tree};
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::CommandOutput;
use crate::cli::workplace::Workplace;
use crate::report::Failure;

/// The generated pages.
#[derive(Clone, Copy, Debug, clap::Subcommand)]
pub(in crate::cli) enum Reference {
    /// docs/reference/cli.md
    Cli,
    /// docs/reference/errors.md
    Errors,
}

#[async_trait(?Send)]
impl Subcommand for Reference {
    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let page = match self {
            Self::Cli => cli_page(&workplace.tree),
            Self::Errors => explain::format_errors_page(&workplace.drivers.media()),
        };
        CommandOutput::of_text("page", &page).print(&workplace.printer)
    }
}

/// The long help of every command.
fn cli_page(tree: &Command) -> String {
    let mut page = "# Command line\n\nThe output of `--help` for every command. All commands have the flags under *Output*. \
                    Generated with\n`espctl reference cli`.\n"
        .to_owned();
    describe_command(&public_tree(tree), &mut Vec::new(), &mut page);
    page
}

fn describe_command<'c>(command: &'c Command, path: &mut Vec<&'c str>, page: &mut String) {
    path.push(command.get_name());
    let name = path.join(" ");
    // The section of a subcommand does not repeat the flags of its parents.
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
        describe_command(subcommand, path, page);
    }
    path.pop();
}

/// Columns of help in the documentation.
const PAGE_COLUMNS: usize = 110;
