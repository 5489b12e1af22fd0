//! `qr encode`: draws the code of a label in the terminal or into files. It draws only payloads that
//! espctl can read.

use std::fmt::Display;
use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::board::BoardArgs;
use crate::cli::args::inputs::{Existing, create_private, is_open_file};
use crate::cli::args::label::PAYLOAD_ARGUMENT;
use crate::cli::terminal::{Format, merge_objects, print_note};
use crate::cli::workplace::Workplace;
use crate::qr::drawing::{Drawing, Terminal};
use crate::qr::{Payload, Remark, to_url};
use crate::report::{ErrorId, Failure, remedies};
use crate::secret::Secret;

/// Arguments of `qr encode`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Encode {
    /// The text of the code: JSON, `NP:…` or a URL with `data=`. `@FILE` reads a file, `-` stdin.
    #[arg(value_name = "PAYLOAD|@FILE|-")]
    payload: Secret<String>,

    #[command(flatten)]
    board: BoardArgs,

    /// Write a PNG to this file, which only you can read.
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,

    /// Write an SVG to this file, which only you can read.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Replace existing files.
    #[arg(long)]
    force: bool,

    /// Use the compact form, `NP:<name>|<pop>|<b or s>`. The code is smaller, but phone apps cannot
    /// read it.
    #[arg(long)]
    compact: bool,

    /// Encode a URL of the web page that shows such codes.
    #[arg(long)]
    url: bool,

    /// Draw for a terminal with dark text on a light background.
    #[arg(long, conflicts_with_all = ["png", "svg"])]
    invert: bool,
}

impl Encode {
    /// Runs `qr encode`.
    pub(super) async fn encode(&self, workplace: &Workplace) -> Result<(), Failure> {
        let printer = &workplace.printer;
        let payload = self.board.read_label(&self.payload, workplace).await?;
        let text = self.text_to_encode(&payload)?;
        let text = text.expose();
        let drawing = Drawing::of(text).map_err(unusable_payload)?;
        self.check_files()?;
        let mut files = Vec::new();
        for (path, flag) in self.files() {
            let png = || drawing.png().map_err(|error| Failure::fault(&error.into()));
            let bytes = match flag {
                PNG => png()?,
                _ => drawing.svg().into_bytes(),
            };
            write_file(path, flag, self.force, &bytes)?;
            files.push(path.display().to_string());
        }
        let (lines, drawing) = if files.is_empty() {
            let lines = drawing.lines(if self.invert {
                Terminal::DarkOnLight
            } else {
                Terminal::LightOnDark
            });
            if printer.format() == Format::Text && std::io::stdout().is_terminal() {
                warn_of_width(&lines);
            }
            let drawing = json!({ "drawing": lines });
            (lines, drawing)
        } else {
            let lines = files.iter().map(|file| format!("Wrote {file}"));
            (lines.collect(), Value::Null)
        };
        let keys = json!({ "qrcode": text, "files": files });
        printer.result(&lines, merge_objects([keys, drawing]))
    }

    /// The text for the code: as the person passed it, unless a flag asks for another form.
    fn text_to_encode(&self, payload: &Payload) -> Result<Secret<String>, Failure> {
        let is_cut = |remark: &&Remark| matches!(remark, Remark::Cut { .. });
        if let Some(remark) = payload.remarks.iter().find(is_cut) {
            let why = format!("no label is made of it, because {remark}");
            return Err(unusable_payload(why));
        }
        let text = match &payload.text {
            _ if self.compact => payload.to_compact().map_err(unusable_payload)?,
            // Others may use keys that espctl does not know.
            Some(text) if payload.remarks.is_empty() && !(self.url && is_url(text)) => text.clone(),
            _ => payload.to_json(),
        };
        Ok(if self.url {
            to_url(text.expose())
        } else {
            text
        })
    }

    /// The files to write, each with its flag.
    fn files(&self) -> impl Iterator<Item = (&Path, &'static str)> {
        let png = self.png.iter().map(|path| (&**path, PNG));
        png.chain(self.svg.iter().map(|path| (&**path, "--svg")))
    }

    /// Checks all files before espctl writes any, so that it writes all of them or none.
    fn check_files(&self) -> Result<(), Failure> {
        let paths: Vec<PathBuf> = self.files().map(|(path, _)| resolve_folder(path)).collect();
        if matches!(&paths[..], [png, svg] if png == svg) {
            let message = "--png and --svg name the same file";
            return Err(Failure::new(ErrorId::ConflictingFlags, message));
        }
        for (path, flag) in self.files() {
            // A link counts as an existing file, even if its target is missing.
            if !self.force && path.symlink_metadata().is_ok() {
                let message = format!("{flag}: {} already exists", path.display());
                return Err(Failure::new(ErrorId::UnwritableFile, message).hint(remedies::FORCE));
            }
        }
        Ok(())
    }
}

fn unusable_payload(why: impl Display) -> Failure {
    let message = format!("{PAYLOAD_ARGUMENT}: {why}");
    Failure::new(ErrorId::InvalidQrcode, message)
}

fn is_url(text: &Secret<String>) -> bool {
    !text.expose().starts_with(['{', 'N', 'n'])
}

/// The path with the real path of its folder, so that two spellings of a path are equal.
fn resolve_folder(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match folder.zip(path.file_name()) {
        Some((folder, name)) => folder.join(name),
        None => path,
    }
}

fn write_file(path: &Path, flag: &str, is_forced: bool, bytes: &[u8]) -> Result<(), Failure> {
    let unwritable = |error: std::io::Error| {
        let message = format!("{flag}: cannot write to {}", path.display());
        Failure::new(ErrorId::UnwritableFile, message).cause(&error)
    };
    let existing = if !is_forced {
        Existing::Kept
    } else if path.is_symlink() && !is_open_file(path) {
        // espctl replaces the link, because its target may belong to another user.
        fs::remove_file(path).map_err(unwritable)?;
        Existing::Kept
    } else {
        Existing::Replaced
    };
    let mut file = create_private(path, flag, existing)?;
    file.write_all(bytes).map_err(unwritable)
}

/// Warns if the code is wider than the terminal. Such a code cannot be scanned.
fn warn_of_width(lines: &[String]) {
    let needed = lines.iter().map(|line| line.chars().count()).max();
    let columns = crossterm::terminal::size().map(|(columns, _)| usize::from(columns));
    if let (Some(needed), Ok(columns)) = (needed, columns)
        && columns > 0
        && columns < needed
    {
        print_note(&format!(
            "warning: the code is {needed} columns wide and the terminal {columns}: \
             widen the terminal, or write a file with --png"
        ));
    }
}

const PNG: &str = "--png";
const EXAMPLES: &str = "\
Examples:
  espctl qr encode '{\"ver\":\"v1\",\"name\":\"PROV_fc9ea3\",\"pop\":\"7a9d365e\",\"transport\":\"ble\"}'
  espctl qr encode --png label.png --svg label.svg @label.json
  espctl qr encode --compact --invert @label.json";
