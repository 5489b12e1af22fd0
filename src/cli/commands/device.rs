//! `device`: sends one command to a device without provisioning it.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use clap::Args;
use serde_json::json;

use crate::cli::args::device::DeviceArgs;
use crate::cli::args::environment::flow_failure;
use crate::cli::args::inputs::{Inputs, MAX_TEXT};
use crate::cli::args::public_text::PublicText;
use crate::cli::subcommand::{Devices, Handling, Subcommand, Touches};
use crate::cli::terminal::{
    CommandOutput, Format, Printer, ShownEvents, network_table, version_line, write_bytes,
    yes_or_no,
};
use crate::cli::workplace::Workplace;
use crate::flows::control::ReservedEndpoint;
use crate::flows::{DeviceRequest, FlowError, FlowStep, Run, Target, connect, control, network};
use crate::report::{ErrorId, Failure};
use crate::secret::Secret;
use crate::session::Secured;

/// The commands to one device.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Device {
    /// Send bytes to any endpoint of the device in a session, and print the answer.
    Call(Call),
    /// Show firmware version and capabilities. Needs no secret.
    Info(DeviceArgs),
    /// Make a provisioned device forget its network and accept a new one (ESP-IDF 5.1 and later).
    Reprovision(DeviceArgs),
    /// Make a device that failed to join forget the credentials and accept new ones (ESP-IDF 5.1
    /// and later).
    Reset(DeviceArgs),
    /// List the Wi-Fi networks that the device finds.
    Wifi(DeviceArgs),
}

/// Arguments of `device call`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Call {
    /// Name of the endpoint, such as custom-data.
    #[arg(value_parser = parse_endpoint)]
    endpoint: PublicText,

    /// The data to send: `@FILE` reads a file, `-` standard input.
    #[arg(value_name = "@FILE|-", conflicts_with_all = ["data", "hex"], value_parser = parse_source)]
    source: Option<PublicText>,

    /// Send this text. `@FILE` and `-` also work here.
    #[arg(
        long,
        value_name = "TEXT",
        conflicts_with = "hex",
        allow_hyphen_values = true
    )]
    data: Option<Secret<String>>,

    /// Send these bytes, as pairs of hexadecimal digits.
    #[arg(long, value_name = "HEX")]
    hex: Option<Secret<String>>,

    /// Write the raw bytes of the answer to standard output.
    #[arg(long)]
    raw: bool,

    #[command(flatten)]
    device: DeviceArgs,
}

#[async_trait(?Send)]
impl Subcommand for Device {
    fn handling(&self) -> Handling {
        Handling {
            // Only the application of the device knows what its answer contains.
            is_public: !matches!(self, Self::Call(_)),
            ..Touches::NOTHING.with(Devices::One).public()
        }
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let mut inputs = workplace.inputs();
        let (Self::Info(device)
        | Self::Reprovision(device)
        | Self::Reset(device)
        | Self::Wifi(device)
        | Self::Call(Call { device, .. })) = self;
        let (printer, observer) = (&workplace.printer, &workplace.observer);
        let request = device
            .resolve(None, &mut inputs, printer.recorder(), &workplace.drivers)
            .await?;
        observer.show_events(match self {
            Self::Info(_) => ShownEvents::Warnings,
            _ => ShownEvents::AsText,
        });
        let run = Run::new(Arc::new(observer.clone()), request.timing.clone());
        let output = match self {
            Self::Call(args) => return args.call(&request, &run, &mut inputs, printer).await,
            Self::Info(_) => show_version(&request.target, &run).await,
            Self::Reprovision(_) | Self::Reset(_) => self.forget_network(&request, &run).await,
            Self::Wifi(_) => list_networks(&request, &run).await,
        };
        let output = output.map_err(|error| flow_failure(&error, &request))?;
        output.print(printer)
    }
}

impl Device {
    async fn forget_network(
        &self,
        request: &DeviceRequest,
        run: &Run,
    ) -> Result<CommandOutput, FlowError> {
        let session = secure_device(request, run).await?.session;
        if let Self::Reprovision(_) = self {
            control::reopen_provisioning(session).await?;
        } else {
            control::reset_credentials(session).await?;
        }
        let line = "The device waits for new credentials".to_owned();
        Ok(CommandOutput::new([line], json!({})))
    }
}

async fn show_version(target: &Target, run: &Run) -> Result<CommandOutput, FlowError> {
    let version = connect::read_version(run, target).await?;
    let missing = || "not announced".to_owned();
    let security = version.sec_ver.map_or_else(missing, |n| n.to_string());
    let pop = version.pop_required.map(yes_or_no);
    let lines = [
        version_line(&version),
        format!("Security: {security}"),
        format!("PoP needed: {}", pop.map_or_else(missing, str::to_owned)),
    ];
    Ok(CommandOutput::new(lines, json!({ "version": version })))
}

async fn list_networks(request: &DeviceRequest, run: &Run) -> Result<CommandOutput, FlowError> {
    let secured = secure_device(request, run).await?;
    let mut device = run.timing.protocomm(secured);
    let networks = network::scan_networks(run, &mut device).await?;
    let closed = device.secured.session.close().await;
    closed.map_err(FlowError::of_session(FlowStep::Scanning))?;
    let lines = network_table(&networks);
    Ok(CommandOutput::new(lines, json!({ "networks": networks })))
}

async fn secure_device(request: &DeviceRequest, run: &Run) -> Result<Secured, FlowError> {
    let opened = connect::find_and_open(run, &request.target).await?;
    connect::start_session(run, opened, &request.access).await
}

impl Call {
    async fn call(
        &self,
        request: &DeviceRequest,
        run: &Run,
        inputs: &mut Inputs<'_>,
        printer: &Printer,
    ) -> Result<(), Failure> {
        if self.raw && printer.format() == Format::Json {
            let message = "--raw and --format json exclude each other";
            return Err(Failure::new(ErrorId::ConflictingFlags, message));
        }
        let data = self.read_data(inputs).await?;
        let failed = |error| flow_failure(&error, request);
        let secured = secure_device(request, run).await.map_err(failed)?;
        let answer = control::call_endpoint(secured.session, &self.endpoint, data.expose()).await;
        let answer = answer.map_err(failed)?;
        if self.raw {
            let written = write_bytes(&mut std::io::stdout().lock(), &answer);
            return written.map_err(|error| Failure::output_lost(&error));
        }
        let is_shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        let text = std::str::from_utf8(&answer).ok();
        let text = text.filter(|text| text.chars().all(is_shown));
        let hex = hex::encode(&answer);
        let keys = json!({ "answer_hex": hex, "answer_text": text });
        printer.result(&[text.map_or(hex, str::to_owned)], keys)
    }

    /// Reads the data to send. Devices cannot receive an empty request.
    async fn read_data(&self, inputs: &mut Inputs<'_>) -> Result<Secret<Vec<u8>>, Failure> {
        let invalid = |message: String| Failure::new(ErrorId::InvalidData, message);
        let (flag, bytes) = if let Some(source) = &self.source {
            let path = Path::new(source.strip_prefix('@').unwrap_or(source));
            ("@FILE", inputs.read_bytes(path, "@FILE").await?)
        } else if let Some(data) = &self.data {
            let text = data.expose().as_str();
            let is_stdin = text == "-";
            let bytes = match text.strip_prefix('@').or_else(|| is_stdin.then_some(text)) {
                Some(path) => {
                    let path = Path::new(path);
                    inputs.read_unnamed(MAX_TEXT, path, "--data").await?
                }
                None => Secret::new(text.as_bytes().to_vec()),
            };
            ("--data", bytes)
        } else if let Some(hex) = &self.hex {
            let bytes = hex::decode(hex.expose()).map(Secret::new);
            let message = "--hex: expected pairs of hexadecimal digits";
            ("--hex", bytes.map_err(|_| invalid(message.to_owned()))?)
        } else {
            let message = "there is no data to send, and devices do not accept an empty request";
            return Err(Failure::new(ErrorId::MissingData, message));
        };
        if bytes.expose().is_empty() {
            let message = format!("{flag}: devices do not accept an empty request");
            return Err(invalid(message));
        }
        Ok(bytes)
    }
}

/// Checks that a device can have an endpoint of this name, and that the endpoint is called in a
/// session.
fn parse_endpoint(text: &str) -> Result<PublicText, String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if text.is_empty() || text.len() > MAX_ENDPOINT_NAME || !text.chars().all(is_allowed) {
        return Err("expected letters, digits, and -_./".to_owned());
    }
    match control::find_reserved(text) {
        None => Ok(text.to_owned().into()),
        Some(ReservedEndpoint::Session) => Err("this endpoint is for handshakes only".to_owned()),
        Some(ReservedEndpoint::Version) => {
            Err("this endpoint works without a session; `espctl device info` reads it".to_owned())
        }
    }
}

fn parse_source(text: &str) -> Result<PublicText, String> {
    if text == "-" || text.starts_with('@') {
        Ok(text.to_owned().into())
    } else {
        Err("expected @FILE or -; text goes to --data".to_owned())
    }
}

const EXAMPLES: &str = "\
Examples:
  espctl device call custom-data --pop abcd1234 --data hello
  espctl device call prov-ctrl --pop abcd1234 --hex 08015a00
  espctl device call ota-image --pop abcd1234 @chunk.bin --raw > answer.bin";
/// The longest path of an HTTP server, in bytes. No firmware has an endpoint with a longer name.
const MAX_ENDPOINT_NAME: usize = 128;
