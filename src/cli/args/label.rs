//! An argument with a label's payload, or with the place of one: the text itself, `@FILE` (text, a log,
//! PNG or JPEG), `-` for stdin, `serial:PORT` for a board's log.

use std::path::Path;

use tokio::time::timeout;

use crate::cli::args::board_log::LogLine;
use crate::cli::args::drivers::Drivers;
use crate::cli::args::environment::without_device;
use crate::cli::args::inputs::Inputs;
use crate::flows::FlowError;
use crate::qr::image::{self, PictureError};
use crate::qr::{Payload, PayloadError, Problem, find_in_log, find_in_log_line};
use crate::report::{Context, ErrorId, Failure, remedies};
use crate::secret::Secret;
use crate::transport::{Address, BoardLog, HostPart, TransportError};

/// The serial port whose log has the payload, for `serial:PORT`.
pub(in crate::cli) fn find_port(argument: &Secret<String>) -> Option<&str> {
    let port = argument.expose().strip_prefix("serial:")?;
    (!port.is_empty()).then_some(port)
}

/// Reads the payload of an argument, with its text. Remarks about it are printed on stderr.
pub(in crate::cli) async fn read_label(
    argument: &Secret<String>,
    flag: &'static str,
    line: LogLine,
    inputs: &mut Inputs<'_>,
    drivers: &Drivers,
) -> Result<Payload, Failure> {
    let found = match path_of(argument.expose()) {
        None if let Some(port) = find_port(argument) => {
            wait_for_log(port, line, inputs.notify, drivers).await?
        }
        None => {
            Payload::read(argument.expose()).map_err(|error| reject_text(&error, flag, argument))?
        }
        Some(path) => {
            let bytes = inputs.read_unnamed(MAX_FILE, path, flag).await?;
            read_file(bytes, path, flag).await?
        }
    };
    for remark in &found.remarks {
        (inputs.notify)(&format!("warning: {flag}: {remark}"));
    }
    Ok(found)
}

/// The file with the payload, if the argument is not the payload itself.
fn path_of(argument: &str) -> Option<&Path> {
    let path = if argument == "-" {
        Some(argument)
    } else {
        argument.strip_prefix('@')
    };
    path.map(Path::new)
}

async fn read_file(
    bytes: Secret<Vec<u8>>,
    path: &Path,
    flag: &'static str,
) -> Result<Payload, Failure> {
    if image::is_picture(bytes.expose()) {
        // On a thread, so that Ctrl-C ends the wait: a large picture takes seconds.
        let read = tokio::task::spawn_blocking(move || image::read(bytes.expose())).await;
        let broken = |cause: String| PictureError::Broken { cause };
        return read
            .unwrap_or_else(|error| Err(broken(error.to_string())))
            .map_err(|error| picture_failure(&error, path, flag));
    }
    let text = std::str::from_utf8(bytes.expose()).ok();
    let nothing = Secret::new(String::new());
    let error = match text.map(Payload::read) {
        Some(Ok(found)) => return Ok(found),
        Some(Err(error)) => Some(error),
        None => None,
    };
    // The log of a board has lines before and after the payload.
    match (find_in_log(bytes.expose()), error) {
        (Ok(Some(payload)), _) => Ok(payload),
        (Err(error), _) | (Ok(None), Some(error)) => Err(reject_text(&error, flag, &nothing)),
        (Ok(None), None) => {
            let message = format!("{flag}: cannot use {}", path.display());
            Err(Failure::new(ErrorId::UnreadableFile, message)
                .cause(&"it is neither text nor PNG nor JPEG"))
        }
    }
}

fn picture_failure(error: &PictureError, path: &Path, flag: &str) -> Failure {
    let message = format!("{flag}: {}: {error}", path.display());
    match error {
        PictureError::Broken { cause } => {
            Failure::new(ErrorId::UnreadableFile, message).cause(cause)
        }
        PictureError::TooLarge { .. } => {
            Failure::new(ErrorId::UnreadableFile, message).hint(remedies::CUT_OUT)
        }
        PictureError::NoCode => Failure::new(ErrorId::NoQrCode, message),
        PictureError::Several => {
            Failure::new(ErrorId::InvalidQrcode, message).hint(remedies::CUT_OUT)
        }
        PictureError::NoPayload(error) => {
            let failure = label_failure(&error.problem, message);
            if matches!(error.problem, Problem::Matter | Problem::TwoReadings { .. }) {
                failure
            } else {
                failure.hint(remedies::OWN_CODE)
            }
        }
    }
}

/// The failure for a text that is not a payload. It does not repeat the text, which may contain a secret.
fn reject_text(error: &PayloadError, flag: &str, argument: &Secret<String>) -> Failure {
    let failure = label_failure(&error.problem, format!("{flag}: {error}"));
    let text = argument.expose();
    let is_explained = matches!(error.problem, Problem::Matter | Problem::TwoReadings { .. });
    if is_explained || text.is_empty() {
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
        failure.hint(remedies::QUOTE_PAYLOAD)
    }
}

/// The failure for a fault in a payload.
fn label_failure(fault: &Problem, message: String) -> Failure {
    match fault {
        Problem::Matter => Failure::new(ErrorId::MatterCode, message),
        Problem::TwoReadings { .. } => {
            Failure::new(ErrorId::InvalidQrcode, message).hint(remedies::FLAGS_INSTEAD)
        }
        Problem::Several => {
            Failure::new(ErrorId::InvalidQrcode, message).hint(remedies::ONE_PAYLOAD)
        }
        _ => Failure::new(ErrorId::InvalidQrcode, message),
    }
}

/// Whether the text is the name of a file instead of its content.
fn is_like_a_file(text: &str) -> bool {
    let path = Path::new(text);
    !text.contains(['{', '|', ':']) && (path.extension().is_some() || path.is_file())
}

/// Waits for a payload in the log of a board, which prints it when it starts.
///
/// `serial:PORT` is a serial port of this computer, whatever transports there are: the log comes out there
/// even if the device is then provisioned over another medium. So the port does not belong to a driver.
async fn wait_for_log(
    port: &str,
    line: LogLine,
    notify: fn(&str),
    drivers: &Drivers,
) -> Result<Payload, Failure> {
    let baud = line.baud;
    // Selects the advice for serial ports.
    let medium = drivers
        .media()
        .into_iter()
        .find(|medium| medium.needs == Some(HostPart::SerialPorts));
    let port_failure = |error: TransportError| {
        let context = Context {
            medium,
            address: Some(Address::new(port)),
            has_baud: true,
            label: port.to_owned(),
            ..without_device()
        };
        Failure::of_flow(&FlowError::from(error), &context)
            .during(format!("waiting for a QR code in the log at {port}"))
    };
    let mut log = BoardLog::open(port, baud).await.map_err(port_failure)?;
    notify(&format!(
        "Waiting for the code in the log at {port}: restart the board (its EN or RST button)"
    ));
    let found = timeout(line.timeout, async {
        loop {
            let line = log.read_line().await.map_err(port_failure)?;
            let found = find_in_log_line(line.expose())
                .map_err(|fault| label_failure(&fault, format!("the log at {port}: {fault}")))?;
            if let Some(payload) = found {
                return Ok::<Payload, Failure>(payload);
            }
        }
    })
    .await;
    let was_text = log.close().await;
    found.unwrap_or_else(|_| {
        was_text.map_err(port_failure)?;
        let message = format!(
            "no code came from {port} within {} s",
            line.timeout.as_secs_f32()
        );
        Err(Failure::new(ErrorId::NoCodeInLog, message))
    })
}

/// Bytes of a picture; a camera's JPEG has fewer.
const MAX_FILE: u64 = 48 * 1024 * 1024;
/// The positional argument with a payload, in messages.
pub(in crate::cli) const PAYLOAD_ARGUMENT: &str = "PAYLOAD";
