//! `man`: prints or writes the manual pages.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use clap::{Args, Command};
use serde_json::json;

use crate::cli::public_tree::public_tree;
use crate::cli::subcommand::Subcommand;
use crate::cli::terminal::CommandOutput;
use crate::cli::workplace::Workplace;
use crate::report::{ErrorId, Failure};

/// Arguments of `man`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Man {
    /// Write a page for every command into this folder, instead of the main page to standard
    /// output.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[async_trait(?Send)]
impl Subcommand for Man {
    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let tree = public_tree(&workplace.tree);
        let output = if let Some(folder) = &self.out {
            let files = write_pages(folder, tree).map_err(|error| {
                let message = format!("--out: cannot write to {}", folder.display());
                Failure::new(ErrorId::UnwritableFile, message).cause(&error)
            })?;
            let keys = json!({ "files": files });
            CommandOutput::new(files, keys)
        } else {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(tree).render(&mut page);
            rendered.map_err(|error| Failure::fault(&error.into()))?;
            CommandOutput::of_text("page", &String::from_utf8_lossy(&page))
        };
        output.print(&workplace.printer)
    }
}

/// Writes the pages and returns the paths of all pages of espctl in the folder, sorted.
fn write_pages(folder: &Path, tree: Command) -> io::Result<Vec<String>> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(tree, folder)?;
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if name.is_some_and(|name| name.starts_with("espctl") && name.ends_with(".1")) {
            files.push(path.display().to_string());
        }
    }
    files.sort();
    Ok(files)
}
