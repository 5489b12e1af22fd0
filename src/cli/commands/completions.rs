//! `completions`: prints the script that makes a shell ask espctl for completions.

use async_trait::async_trait;
use clap::Args;
use clap_complete::Shell;

use crate::cli::diagnose::complete;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::CommandOutput;
use crate::cli::workplace::Workplace;
use crate::report::Failure;

/// Arguments of `completions`.
#[derive(Args, Debug)]
#[command(after_help = INSTALL)]
pub(in crate::cli) struct Completions {
    /// The shell that runs the script.
    #[arg(value_enum)]
    shell: Shell,
}

#[async_trait(?Send)]
impl Subcommand for Completions {
    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let script = complete::write_script(self.shell);
        let script = script.map_err(|error| Failure::fault(&error.into()))?;
        let script = String::from_utf8_lossy(&script);
        CommandOutput::of_text("script", &script).print(&workplace.printer)
    }
}

const INSTALL: &str = "\
The script asks espctl for the completions: commands and flags, profiles, devices of the last search,
error ids. Load it each time the shell starts, so that script and espctl have the same version:
  bash  ~/.bashrc                     source <(espctl completions bash)
  zsh   ~/.zshrc, after compinit      source <(espctl completions zsh)
  fish  ~/.config/fish/config.fish    espctl completions fish | source";
