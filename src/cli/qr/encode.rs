//! `qr encode`: a label's code, drawn in the terminal or into files. What is drawn is a payload that
//! reads: nothing else becomes a label.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::argument::found;
use super::decode::PAYLOAD;
use crate::cli::error_id::ErrorId;
use crate::cli::failure::Failure;
use crate::cli::serial_args::{LogArgs, SpeedArgs};
use crate::cli::settings::{Existing, Inputs, create_private};
use crate::cli::ui::{Ui, keys_of};
use crate::qr::drawing::{Drawing, Terminal};
use crate::qr::{Found, Remark, to_url};
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
pub(super) async fn run(args: &Encode, inputs: &mut Inputs<'_>, ui: &Ui) -> Result<(), Failure> {
    let found = found(&args.payload, PAYLOAD, args.speed.log(&args.log), inputs).await?;
    let text = text(&found, args)?;
    let drawing = Drawing::of(text.expose())
        .map_err(|error| Failure::new(ErrorId::InvalidQrcode, format!("{PAYLOAD}: {error}")))?;
    let existing = if args.force {
        Existing::Replaced
    } else {
        Existing::Kept
    };
    let mut files = Vec::new();
    if let Some(path) = &args.png {
        let bytes = drawing
            .png()
            .map_err(|error| Failure::fault(&error.into()))?;
        write(path, "--png", existing, &bytes)?;
        files.push(path.display().to_string());
    }
    if let Some(path) = &args.svg {
        write(path, "--svg", existing, drawing.svg().as_bytes())?;
        files.push(path.display().to_string());
    }
    let mut keys = keys_of("qrcode", text.expose());
    keys.insert("files".to_owned(), json!(files));
    if !files.is_empty() {
        let lines: Vec<String> = files.iter().map(|file| format!("Wrote {file}")).collect();
        return ui.result(&lines, keys);
    }
    let terminal = if args.invert {
        Terminal::DarkOnLight
    } else {
        Terminal::LightOnDark
    };
    let lines = drawing.lines(terminal);
    keys.insert("drawing".to_owned(), json!(lines));
    ui.result(&lines, keys)
}

/// What stands in the code: the text as it was given, unless another form is asked for.
fn text(found: &Found, args: &Encode) -> Result<Secret<String>, Failure> {
    let Found { text, payload } = found;
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

fn write(path: &Path, flag: &str, existing: Existing, bytes: &[u8]) -> Result<(), Failure> {
    if existing == Existing::Kept && path.exists() {
        let message = format!("{flag}: {} is there already", path.display());
        return Err(Failure::new(ErrorId::UnwritableFile, message).hint("--force replaces it"));
    }
    let mut file = create_private(path, flag, existing)?;
    file.write_all(bytes).map_err(|error| {
        let message = format!("{flag}: cannot write to {}", path.display());
        Failure::new(ErrorId::UnwritableFile, message).cause(&error)
    })
}

const EXAMPLES: &str = "\
Examples:
  espctl qr encode '{\"ver\":\"v1\",\"name\":\"PROV_fc9ea3\",\"pop\":\"7a9d365e\",\"transport\":\"ble\"}'
  espctl qr encode --png label.png --svg label.svg @label.json
  espctl qr encode --compact --invert @label.json";
