//! `device`: talk to one device without provisioning it.

use async_trait::async_trait;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::cli::args::device::DeviceArgs;
use crate::cli::args::failure_context::flow_failure;
use crate::cli::args::inputs::{Inputs, MAX_TEXT};
use crate::cli::args::public_text::PublicText;
use crate::cli::subcommand::{Devices, Subcommand, Touches};
use crate::cli::terminal::{
    Format, ObserverOptions, Printer, ShownEvents, keys_of, network_table, version_line,
};
use crate::cli::workplace::Workplace;
use crate::flows::DeviceRequest;
use crate::flows::control::ReservedEndpoint;
use crate::flows::{FlowError, FlowStep, Network, Run, connect, control, network};
use crate::report::{ErrorId, Failure};
use crate::secret::Secret;
use crate::session::Secured;

/// What to ask the device.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Device {
    /// Send bytes to any endpoint of the device, sealed, and print the answer.
    Call(Call),
    /// Firmware version and capabilities. Needs no secret.
    Info(Plain),
    /// Have a device that joined forget its network and wait for another (ESP-IDF 5.1 and later).
    Reprovision(Plain),
    /// Have a device that failed to join forget the credentials and wait for others (ESP-IDF 5.1
    /// and later).
    Reset(Plain),
    /// The Wi-Fi networks that the device sees.
    Wifi(Plain),
}

impl Device {
    /// Whether the answer is somebody else's to know what it means.
    pub(in crate::cli) fn carries_anything(&self) -> bool {
        matches!(self, Self::Call(_))
    }
}

/// Arguments of the commands that need to know which device, and no more.
#[derive(Args, Debug)]
pub(in crate::cli) struct Plain {
    #[command(flatten)]
    device: DeviceArgs,
}

/// Arguments of `device call`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Call {
    /// The endpoint's name, such as custom-data.
    #[arg(value_parser = parse_endpoint)]
    endpoint: PublicText,

    /// What to send: `@FILE` reads a file, `-` standard input.
    #[arg(value_name = "@FILE|-", conflicts_with_all = ["data", "hex"], value_parser = parse_source)]
    source: Option<PublicText>,

    /// Send this text. `@FILE` and `-` are read here, too.
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

    /// Write the bytes of the answer to standard output, as they are.
    #[arg(long)]
    raw: bool,

    #[command(flatten)]
    device: DeviceArgs,
}

#[async_trait(?Send)]
impl Subcommand for Device {
    fn touches(&self) -> Touches {
        Touches::NOTHING.with(Devices::One)
    }

    fn is_output_private(&self) -> bool {
        self.carries_anything()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let mut inputs = workplace.inputs();
        let (Self::Info(Plain { device })
        | Self::Reprovision(Plain { device })
        | Self::Reset(Plain { device })
        | Self::Wifi(Plain { device })
        | Self::Call(Call { device, .. })) = self;
        let (printer, observer) = (&workplace.printer, &workplace.observer);
        let asked = device
            .resolve(None, &mut inputs, printer.recorder(), &workplace.drivers)
            .await?;
        let events = match self {
            Self::Info(_) => ShownEvents::Warnings,
            _ => ShownEvents::AsText,
        };
        observer.configure(ObserverOptions {
            events,
            ..ObserverOptions::default()
        });
        let run = Run::new(Arc::new(observer.clone()), asked.pace.clone());
        let outcome = match self {
            Self::Call(args) => return call(args, &asked, &run, &mut inputs, printer).await,
            Self::Info(_) => info(&asked, &run).await,
            Self::Reprovision(_) => reprovision(&asked, &run).await,
            Self::Reset(_) => reset(&asked, &run).await,
            Self::Wifi(_) => list_wifi(&asked, &run).await,
        };
        let (lines, keys) = outcome.map_err(|error| flow_failure(&error, &asked))?;
        printer.result(&lines, keys)
    }
}

/// What a command answers: for people, and for machines.
type Reply = (Vec<String>, Map<String, Value>);

async fn info(asked: &DeviceRequest, run: &Run) -> Result<Reply, FlowError> {
    let version = connect::read_version(run, &asked.target).await?;
    let security = version.sec_ver.map_or_else(unsaid, |n| n.to_string());
    let pop = version.pop_required.map_or_else(unsaid, |needed| {
        if needed { "yes" } else { "no" }.to_owned()
    });
    let lines = vec![
        version_line(&version),
        format!("Security: {security}"),
        format!("PoP needed: {pop}"),
    ];
    Ok((lines, keys_of("version", &version)))
}

fn unsaid() -> String {
    "not announced".to_owned()
}

async fn list_wifi(asked: &DeviceRequest, run: &Run) -> Result<Reply, FlowError> {
    let secured = secured(run, asked).await?;
    let mut device = run.pace.protocomm(secured);
    let seen = network::scan_networks(run, &mut device).await?;
    let networks: Vec<Network> = seen.iter().map(Network::from).collect();
    let closed = device.secured.session.close().await;
    closed.map_err(|source| FlowError::Session {
        step: FlowStep::Scanning,
        source,
    })?;
    Ok((network_table(&networks), keys_of("networks", &networks)))
}

/// What is said when the device has done as told.
fn waiting() -> Reply {
    let line = "The device waits for other credentials".to_owned();
    (vec![line], Map::new())
}

async fn reset(asked: &DeviceRequest, run: &Run) -> Result<Reply, FlowError> {
    control::reset_credentials(secured(run, asked).await?.session).await?;
    Ok(waiting())
}

async fn reprovision(asked: &DeviceRequest, run: &Run) -> Result<Reply, FlowError> {
    control::reopen_provisioning(secured(run, asked).await?.session).await?;
    Ok(waiting())
}

async fn call(
    args: &Call,
    asked: &DeviceRequest,
    run: &Run,
    inputs: &mut Inputs<'_>,
    printer: &Printer,
) -> Result<(), Failure> {
    if args.raw && printer.format() == Format::Json {
        let message = "--raw and --format json exclude each other";
        return Err(Failure::new(ErrorId::ConflictingFlags, message));
    }
    let data = data(args, inputs).await?;
    let failed = |error| flow_failure(&error, asked);
    let secured = secured(run, asked).await.map_err(failed)?;
    let answer = control::call_endpoint(secured.session, &args.endpoint, data.expose()).await;
    let answer = answer.map_err(failed)?;
    if args.raw {
        return write_bytes(&answer);
    }
    let text = std::str::from_utf8(&answer).ok().filter(|text| {
        let shown = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        text.chars().all(shown)
    });
    let hex = hex::encode(&answer);
    let mut keys = Map::new();
    keys.insert("answer_hex".to_owned(), json!(hex));
    keys.insert("answer_text".to_owned(), json!(text));
    printer.result(&[text.map_or(hex, str::to_owned)], keys)
}

/// What `device call` is to send. Never empty, which devices cannot take.
async fn data(args: &Call, inputs: &mut Inputs<'_>) -> Result<Secret<Vec<u8>>, Failure> {
    let (flag, text) = match (&args.source, &args.data) {
        (Some(source), _) => ("@FILE", Some(&**source)),
        (None, Some(data)) => ("--data", Some(data.expose().as_str())),
        (None, None) => ("--hex", None),
    };
    let bytes = match (text, &args.hex) {
        (Some("-"), _) => inputs.read_bytes(Path::new("-"), flag).await?,
        (Some(text), _) => match text.strip_prefix('@') {
            Some(path) if args.source.is_some() => inputs.read_bytes(Path::new(path), flag).await?,
            Some(path) => {
                let path = Path::new(path);
                inputs.read_unnamed(MAX_TEXT, path, flag).await?
            }
            None => text.as_bytes().to_vec(),
        },
        (None, Some(hex)) => hex::decode(hex.expose()).map_err(|_| {
            let message = "--hex: expected pairs of hexadecimal digits";
            Failure::new(ErrorId::InvalidData, message)
        })?,
        (None, None) => {
            let message = "there is no data to send, and devices do not accept an empty request";
            return Err(Failure::new(ErrorId::MissingData, message));
        }
    };
    if bytes.is_empty() {
        let message = format!("{flag}: devices do not accept an empty request");
        return Err(Failure::new(ErrorId::InvalidData, message));
    }
    Ok(Secret::new(bytes))
}

/// A closed pipe is nobody listening any more.
fn write_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::output_lost(&error))
        }
        _ => Ok(()),
    }
}

async fn secured(run: &Run, asked: &DeviceRequest) -> Result<Secured, FlowError> {
    let opened = connect::find_and_open(run, &asked.target).await?;
    connect::start_session(run, opened, &asked.access).await
}

/// A name that a device can have registered, and that takes sealed requests.
fn parse_endpoint(text: &str) -> Result<PublicText, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if text.is_empty() || text.len() > LONGEST_NAME || !text.chars().all(fits) {
        return Err("expected letters, digits, and -_./".to_owned());
    }
    match control::find_reserved(text) {
        None => Ok(text.to_owned().into()),
        Some(ReservedEndpoint::Session) => Err("this one is for handshakes only".to_owned()),
        Some(ReservedEndpoint::Version) => {
            Err("this one is never sealed; `espctl device info` reads it".to_owned())
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
/// An HTTP server's longest path, and more than any firmware registers.
const LONGEST_NAME: usize = 128;
