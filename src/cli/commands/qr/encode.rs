//! `qr encode`: a label's code, drawn in the terminal or into files. What is drawn is a payload that
//! reads: nothing else becomes a label.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::decode::PAYLOAD;
use crate::cli::args::drivers::Drivers;
use crate::cli::args::inputs::{Existing, Inputs, create_private};
use crate::cli::args::label::found;
use crate::cli::args::serial::{LogArgs, SpeedArgs};
use crate::cli::terminal::{Format, Printer, keys_of, print_note};
use crate::qr::drawing::{Drawing, Terminal};
use crate::qr::{Remark, SourcedPayload, to_url};
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
    /// What the code is to say: JSON, `NP:…` or a URL with `data=`. `@FILE` reads a file, `-` stdin.
    #[arg(value_name = "PAYLOAD|@FILE|-")]
    payload: Secret<String>,

    #[command(flatten)]
    speed: SpeedArgs,

    #[command(flatten)]
    log: LogArgs,

    /// Write a PNG into this file, readable for its owner only.
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,

    /// Write an SVG into this file, readable for its owner only.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Replace files that are there already.
    #[arg(long)]
    force: bool,

    /// Use the compact form, `NP:<name>|<pop>|<b or s>`: a smaller code, which phone apps do not read.
    #[arg(long)]
    compact: bool,

    /// Make it a URL of the page that shows such codes.
    #[arg(long)]
    url: bool,

    /// Draw for a terminal with dark text on a light background.
    #[arg(long, conflicts_with_all = ["png", "svg"])]
    invert: bool,
}

/// Runs `qr encode`.
pub(super) async fn run(
    args: &Encode,
    inputs: &mut Inputs<'_>,
    printer: &Printer,
    drivers: &Drivers,
) -> Result<(), Failure> {
    let found = found(
        &args.payload,
        PAYLOAD,
        args.speed.log(&args.log),
        inputs,
        drivers,
    )
    .await?;
    let text = text(&found, args)?;
    let drawing = Drawing::of(text.expose())
        .map_err(|error| Failure::new(ErrorId::InvalidQrcode, format!("{PAYLOAD}: {error}")))?;
    refuse_files(args)?;
    let mut files = Vec::new();
    if let Some(path) = &args.png {
        let bytes = drawing
            .png()
            .map_err(|error| Failure::fault(&error.into()))?;
        write(path, "--png", args.force, &bytes)?;
        files.push(path.display().to_string());
    }
    if let Some(path) = &args.svg {
        write(path, "--svg", args.force, drawing.svg().as_bytes())?;
        files.push(path.display().to_string());
    }
    let mut keys = keys_of("qrcode", text.expose());
    keys.insert("files".to_owned(), json!(files));
    if !files.is_empty() {
        let lines: Vec<String> = files.iter().map(|file| format!("Wrote {file}")).collect();
        return printer.result(&lines, keys);
    }
    let terminal = if args.invert {
        Terminal::DarkOnLight
    } else {
        Terminal::LightOnDark
    };
    let lines = drawing.lines(terminal);
    if printer.format() == Format::Text && std::io::stdout().is_terminal() {
        warn_of_width(&lines);
    }
    keys.insert("drawing".to_owned(), json!(lines));
    printer.result(&lines, keys)
}

/// What stands in the code: the text as it was given, unless another form is asked for.
fn text(found: &SourcedPayload, args: &Encode) -> Result<Secret<String>, Failure> {
    let SourcedPayload { text, payload } = found;
    let refused = |message: String| {
        Err(Failure::new(
            ErrorId::InvalidQrcode,
            format!("{PAYLOAD}: {message}"),
        ))
    };
    let cut = |remark: &&Remark| matches!(remark, Remark::Cut { .. });
    if let Some(remark) = payload.remarks.iter().find(cut) {
        return refused(format!("no label is made of it, because {remark}"));
    }
    let form = if args.compact {
        match payload.to_compact() {
            Ok(form) => form,
            Err(error) => return refused(error.to_string()),
        }
    } else {
        match text {
            // Keys that mean nothing here may mean something to others.
            Some(text) if payload.remarks.is_empty() && !(args.url && is_url(text)) => text.clone(),
            _ => payload.to_json(),
        }
    };
    Ok(if args.url {
        to_url(form.expose())
    } else {
        form
    })
}

fn is_url(text: &Secret<String>) -> bool {
    !text.expose().starts_with(['{', 'N', 'n'])
}

/// All files before any is written, so that not half of what was asked for is done.
fn refuse_files(args: &Encode) -> Result<(), Failure> {
    let (png, svg) = (args.png.as_deref(), args.svg.as_deref());
    if let (Some(png), Some(svg)) = (png, svg)
        && place(png) == place(svg)
    {
        let message = "--png and --svg name the same file";
        return Err(Failure::new(ErrorId::ConflictingFlags, message));
    }
    for (path, flag) in [(png, "--png"), (svg, "--svg")] {
        // What a link leads to may be missing: the link is there all the same.
        if let Some(path) = path
            && !args.force
            && path.symlink_metadata().is_ok()
        {
            let message = format!("{flag}: {} already exists", path.display());
            return Err(Failure::new(ErrorId::UnwritableFile, message).remedy(&remedies::FORCE));
        }
    }
    Ok(())
}

/// Which file is meant, however its folder is written.
fn place(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match folder.zip(path.file_name()) {
        Some((folder, name)) => folder.join(name),
        None => path,
    }
}

fn write(path: &Path, flag: &str, is_forced: bool, bytes: &[u8]) -> Result<(), Failure> {
    let unwritable = |error: std::io::Error| {
        let message = format!("{flag}: cannot write to {}", path.display());
        Failure::new(ErrorId::UnwritableFile, message).cause(&error)
    };
    let is_link = path
        .symlink_metadata()
        .is_ok_and(|data| data.file_type().is_symlink());
    let existing = if !is_forced {
        Existing::Kept
    } else if is_link && !OPEN_FILES.iter().any(|folder| path.starts_with(folder)) {
        // The link is replaced: what it leads to may be somebody else's.
        fs::remove_file(path).map_err(unwritable)?;
        Existing::Kept
    } else {
        Existing::Replaced
    };
    let mut file = create_private(path, flag, existing)?;
    file.write_all(bytes).map_err(unwritable)
}

/// What the terminal has too few columns for does not scan.
fn warn_of_width(lines: &[String]) {
    let needed = lines.iter().map(|line| line.chars().count()).max();
    let columns = crossterm::terminal::size().map(|(columns, _)| usize::from(columns));
    if let (Some(needed), Ok(columns)) = (needed, columns)
        && columns > 0
        && columns < needed
    {
        print_note(&format!(
            "warning: the code is {needed} columns wide and the terminal {columns}: \
             widen it, or write a file with --png"
        ));
    }
}

/// Folders in which links name what is open: /dev/stdout.
const OPEN_FILES: [&str; 2] = ["/dev", "/proc"];
const EXAMPLES: &str = "\
Examples:
  espctl qr encode '{\"ver\":\"v1\",\"name\":\"PROV_fc9ea3\",\"pop\":\"7a9d365e\",\"transport\":\"ble\"}'
  espctl qr encode --png label.png --svg label.svg @label.json
  espctl qr encode --compact --invert @label.json";
