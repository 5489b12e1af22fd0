//! An argument that is a payload, or says where one is: the text itself, `@FILE` (text, a log, PNG
//! or JPEG), `-` for stdin, `serial:PORT` for a board's log. The same for every command.

use std::path::Path;

use super::serial;
use crate::cli::drivers::Drivers;
use crate::cli::serial_args::LogLine;
use crate::cli::settings::Inputs;
use crate::cli::ui::note;
use crate::qr::image::{self, PictureError};
use crate::qr::{Payload, PayloadError, Problem, SourcedPayload, find_in_log};
use crate::report::{ErrorId, Failure, remedies};
use crate::secret::Secret;

/// The payload that an argument leads to. What had to be overlooked in it is told on stderr.
pub(in crate::cli) async fn payload(
    given: &Secret<String>,
    flag: &'static str,
    line: LogLine,
    inputs: &mut Inputs<'_>,
    drivers: &Drivers,
) -> Result<Payload, Failure> {
    Ok(found(given, flag, line, inputs, drivers).await?.payload)
}

/// The serial port at which the payload is to be waited for, if that is meant.
pub(in crate::cli) fn port_of(given: &Secret<String>) -> Option<&str> {
    let port = given.expose().strip_prefix("serial:")?;
    (!port.is_empty()).then_some(port)
}

/// The payload and its text.
pub(super) async fn found(
    given: &Secret<String>,
    flag: &'static str,
    line: LogLine,
    inputs: &mut Inputs<'_>,
    drivers: &Drivers,
) -> Result<SourcedPayload, Failure> {
    let found = match path_of(given.expose()) {
        None if let Some(port) = port_of(given) => {
            SourcedPayload::from(serial::payload(port, line, drivers).await?)
        }
        None => SourcedPayload::from_text(given.expose())
            .map_err(|error| refused(&error, flag, given))?,
        Some(path) => {
            let bytes = inputs.read_unnamed(LONGEST_FILE, path, flag).await?;
            of_file(Secret::new(bytes), path, flag).await?
        }
    };
    for remark in &found.payload.remarks {
        note(&format!("warning: {flag}: {remark}"));
    }
    Ok(found)
}

/// Where it is, if the argument is not the payload itself.
fn path_of(given: &str) -> Option<&Path> {
    let path = if given == "-" {
        Some(given)
    } else {
        given.strip_prefix('@')
    };
    path.map(Path::new)
}

async fn of_file(
    bytes: Secret<Vec<u8>>,
    path: &Path,
    flag: &'static str,
) -> Result<SourcedPayload, Failure> {
    if image::is_picture(bytes.expose()) {
        // On a thread, so that Ctrl-C ends the wait: a large picture takes seconds.
        let read = tokio::task::spawn_blocking(move || image::read(bytes.expose())).await;
        let broken = |cause: String| PictureError::Broken { cause };
        return read
            .unwrap_or_else(|error| Err(broken(error.to_string())))
            .map_err(|error| of_picture(&error, path, flag));
    }
    let text = std::str::from_utf8(bytes.expose()).ok();
    let nothing = Secret::new(String::new());
    let error = match text.map(SourcedPayload::from_text) {
        Some(Ok(found)) => return Ok(found),
        Some(Err(error)) => Some(error),
        None => None,
    };
    // The log of a board that starts has lines before and after it.
    match (find_in_log(bytes.expose()), error) {
        (Ok(Some(payload)), _) => Ok(SourcedPayload::from(payload)),
        (Err(error), _) | (Ok(None), Some(error)) => Err(refused(&error, flag, &nothing)),
        (Ok(None), None) => {
            let message = format!("{flag}: cannot use {}", path.display());
            Err(Failure::new(ErrorId::UnreadableFile, message)
                .cause(&"it is neither text nor PNG nor JPEG"))
        }
    }
}

fn of_picture(error: &PictureError, path: &Path, flag: &str) -> Failure {
    let message = format!("{flag}: {}: {error}", path.display());
    match error {
        PictureError::Broken { cause } => {
            Failure::new(ErrorId::UnreadableFile, message).cause(cause)
        }
        PictureError::TooLarge { .. } => {
            Failure::new(ErrorId::UnreadableFile, message).remedy(&remedies::CUT_OUT)
        }
        PictureError::NoCode => Failure::new(ErrorId::NoQrCode, message),
        PictureError::Several => {
            Failure::new(ErrorId::InvalidQrcode, message).remedy(&remedies::CUT_OUT)
        }
        PictureError::NoPayload(error) => {
            let failure = of_fault(&error.problem, message);
            if matches!(error.problem, Problem::Matter | Problem::TwoReadings { .. }) {
                failure
            } else {
                failure.remedy(&remedies::OWN_CODE)
            }
        }
    }
}

/// A text that is no payload. Not repeated: what is broken may still hold a secret.
fn refused(error: &PayloadError, flag: &str, given: &Secret<String>) -> Failure {
    let failure = of_fault(&error.problem, format!("{flag}: {error}"));
    let text = given.expose();
    let is_told = matches!(error.problem, Problem::Matter | Problem::TwoReadings { .. });
    if is_told || text.is_empty() {
        failure
    } else if is_like_a_file(text) {
        let typed = if flag.starts_with('-') {
            format!("{flag} @FILE")
        } else {
            "@FILE".to_owned()
        };
        failure.hint(format!(
            "pass `{typed}`, with the @, to read the payload from a file"
        ))
    } else {
        failure.remedy(&remedies::QUOTE_PAYLOAD)
    }
}

/// What can be done about a fault in a payload.
pub(super) fn of_fault(fault: &Problem, message: String) -> Failure {
    match fault {
        Problem::Matter => Failure::new(ErrorId::MatterCode, message),
        Problem::TwoReadings { .. } => {
            Failure::new(ErrorId::InvalidQrcode, message).remedy(&remedies::FLAGS_INSTEAD)
        }
        Problem::Several => {
            Failure::new(ErrorId::InvalidQrcode, message).remedy(&remedies::ONE_PAYLOAD)
        }
        _ => Failure::new(ErrorId::InvalidQrcode, message),
    }
}

/// Whether somebody gave a file's name where its content was wanted.
fn is_like_a_file(text: &str) -> bool {
    let path = Path::new(text);
    !text.contains(['{', '|', ':']) && (path.extension().is_some() || path.is_file())
}

/// More than a camera's JPEG has.
const LONGEST_FILE: u64 = 48 * 1024 * 1024;
