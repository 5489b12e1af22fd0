//! The only printer: results on stdout, everything else on stderr, as text or as one JSON object
//! a line. Text and JSON are two views of the same events; secrets are in neither.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use async_trait::async_trait;
use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use unicode_width::UnicodeWidthStr as _;

use super::failure::Failure;
use crate::endpoint::version::Version;
use crate::flows::{Choice, Chosen, Event, Network, Observer, Question, SchemeSource, StageState};
use crate::ident::{printable, printable_json};
use crate::secret::Secret;

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines: one object a line on stdout.
    Json,
}

/// When colour is used. It never carries meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// Always.
    Always,
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Never.
    Never,
}

/// Where everything that is said goes through.
#[derive(Debug)]
pub(super) struct Ui {
    format: Format,
    began: Instant,
    stages: u32,
    /// Whether progress is shown; commands that answer one question show none in JSON.
    progress: bool,
}

impl Ui {
    /// Starts the clock that `elapsed_ms` counts on.
    pub(super) fn new(format: Format, color: Color) -> Self {
        match color {
            Color::Always => anstream::ColorChoice::Always,
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        Self {
            format,
            began: Instant::now(),
            stages: 0,
            progress: true,
        }
    }

    /// For commands that answer at once.
    pub(super) fn answer_only(&mut self) {
        self.progress = false;
    }

    /// For commands whose JSON is one `result` object and nothing before it.
    pub(super) fn result_only(&mut self) {
        self.progress = self.format == Format::Text;
    }

    /// How it speaks.
    pub(super) fn format(&self) -> Format {
        self.format
    }

    /// Seconds since the start, to the hundredth.
    pub(super) fn elapsed(&self) -> f64 {
        (self.began.elapsed().as_secs_f64() * 100.0).round() / 100.0
    }

    /// A line for people, on stderr. Nothing in JSON.
    pub(super) fn say(&self, line: &str) {
        if self.format == Format::Text {
            note(line);
        }
    }

    /// The end of a run that succeeded: text lines, or the keys of the `result` object. It fails
    /// when the outcome cannot be told.
    pub(super) fn result(&self, lines: &[String], keys: Map<String, Value>) -> Result<(), Failure> {
        let told = match self.format {
            Format::Text => write_line(&mut anstream::stdout().lock(), &lines.join("\n")),
            Format::Json => {
                let mut object = self.object("result");
                object.insert("ok".to_owned(), Value::Bool(true));
                object.extend(keys);
                print_json(&Value::Object(object))
            }
        };
        told.map_err(|error| Failure::output_lost(&error))
    }

    /// The end of a run that failed.
    pub(super) fn failure(&self, failure: &Failure) {
        match self.format {
            Format::Text => {
                let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
                note(&format!("{red}error:{red:#} {}", failure.message));
                if let Some(doing) = &failure.doing {
                    note(&format!("  while: {doing}"));
                }
                for cause in &failure.causes {
                    note(&format!("  cause: {cause}"));
                }
                for hint in &failure.hints {
                    note(&format!("hint: {hint}"));
                }
                note(&format!("see: espctl explain {}", failure.id));
            }
            Format::Json => {
                let mut object = self.object("result");
                object.insert("ok".to_owned(), Value::Bool(false));
                object.insert("error".to_owned(), failure.to_json());
                // The exit code is all that is left when this fails.
                let _lost: io::Result<()> = print_json(&Value::Object(object));
            }
        }
    }

    fn object(&self, event: &str) -> Map<String, Value> {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut object = Map::new();
        object.insert("schema".to_owned(), SCHEMA.into());
        object.insert("event".to_owned(), event.into());
        object.insert("elapsed_ms".to_owned(), elapsed.into());
        object
    }

    fn event_as_json(&self, event: &Event) {
        let mut object = self.object("");
        if let Ok(Value::Object(keys)) = serde_json::to_value(event) {
            object.extend(keys);
            // The result will fail likewise, and be told by the exit code.
            let _lost: io::Result<()> = print_json(&Value::Object(object));
        }
    }

    fn event_as_text(&mut self, event: &Event) {
        match event {
            Event::SearchStarted {
                transport,
                address: Some(address),
            } => {
                note(&format!(
                    "Looking for a device over {transport} at {address}"
                ));
            }
            Event::SearchStarted {
                transport,
                address: None,
            } => {
                note(&format!(
                    "Looking for a device over {transport}: join its hotspot (PROV_…) with this computer"
                ));
            }
            Event::DeviceFound { .. } => note("Connecting..."),
            Event::Connected { address } => note(&format!("Connected to {address}")),
            Event::VersionRead { version } => note(&version_line(version)),
            Event::SchemeChosen { scheme, source } => note(&match source {
                SchemeSource::Announced | SchemeSource::Probed => {
                    format!(
                        "==== Auto-detected Security Scheme: {} ====",
                        scheme.number()
                    )
                }
                SchemeSource::Asked => format!("==== Security Scheme: {} ====", scheme.number()),
            }),
            Event::Secured { .. } => note("Establishing session - Successful"),
            Event::WifiScanStarted => note("Scanning Wi-Fi AP's..."),
            Event::WifiScanned { networks } => {
                note(&format!("The device sees {} network(s)", networks.len()));
            }
            Event::WifiSent { .. } => note("Sending Wi-Fi credentials to node - Successful"),
            Event::WifiApplied => note("Applying Wi-Fi config to node - Successful"),
            Event::WifiJoining {
                attempts_remaining: Some(left),
            } => {
                note(&format!("An attempt to join failed, {left} left"));
            }
            Event::WifiJoining {
                attempts_remaining: None,
            } => note("The device is joining..."),
            Event::ContactLost => note("Contact to the device was lost; looking for it again..."),
            Event::ContactRegained => note("The device is back"),
            Event::WifiReset { accepted: true } => note("The device forgot the credentials"),
            Event::WifiReset { accepted: false } => {
                note("The device did not take the request to forget the credentials");
            }
            Event::WifiRetried { attempt, after } => {
                note(&format!("Attempt {attempt}, after: {after}"));
            }
            Event::WifiJoined { ssid, .. } => note(&format!("The device joined {ssid}")),
            Event::Stage {
                title,
                state,
                took_ms,
                ..
            } => {
                let took = |ms: &Option<u64>| {
                    std::time::Duration::from_millis(ms.unwrap_or_default()).as_secs_f32()
                };
                match state {
                    StageState::Started => self.stages += 1,
                    StageState::Done => {
                        note(&format!(
                            "[{}] {title}: done, {:.1} s",
                            self.stages,
                            took(took_ms)
                        ));
                    }
                    StageState::Failed => {
                        note(&format!(
                            "[{}] {title}: failed, {:.1} s",
                            self.stages,
                            took(took_ms)
                        ));
                    }
                    StageState::Skipped => note(&format!("[-] {title}: skipped")),
                }
            }
            Event::Warned { message, .. } => {
                let yellow = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
                note(&format!("{yellow}warning:{yellow:#} {message}"));
            }
        }
    }
}

#[async_trait]
impl Observer for Ui {
    fn event(&mut self, event: &Event) {
        match self.format {
            _ if !self.progress => {}
            Format::Json => self.event_as_json(event),
            Format::Text => self.event_as_text(event),
        }
    }

    async fn choose(&mut self, _choice: &Choice<'_>) -> Chosen {
        Chosen::Nothing
    }

    async fn ask(&mut self, _question: &Question) -> Option<Secret<String>> {
        None
    }
}

/// What a version document says, on one line.
pub(super) fn version_line(version: &Version) -> String {
    let ver = version.ver.as_deref().unwrap_or("unknown");
    let ver = printable(ver.as_bytes());
    let capabilities = version
        .capabilities
        .iter()
        .map(|capability| printable(capability.as_bytes()))
        .collect::<Vec<_>>()
        .join(", ");
    if capabilities.is_empty() {
        format!("Firmware: {ver}")
    } else {
        format!("Firmware: {ver} ({capabilities})")
    }
}

/// The networks that a device sees, with the columns that scripts and people know.
pub(super) fn network_table(networks: &[Network]) -> Vec<String> {
    let row = |number: &str, ssid: &str, bssid: &str, channel: &str, rssi: &str, auth: &str| {
        // Columns are counted as a terminal shows them: some characters take two, some none.
        let gap = " ".repeat(SSID_COLUMN.saturating_sub(ssid.width()));
        format!("{number:<5}{ssid}{gap} {bssid:<12} {channel:>3} {rssi:>4}  {auth}")
    };
    let mut lines = vec![row("S.N.", "SSID", "BSSID", "CHN", "RSSI", "AUTH")];
    lines.extend(networks.iter().enumerate().map(|(index, network)| {
        row(
            &format!("[{:>2}]", index + 1),
            &network
                .ssid
                .as_ref()
                .map_or_else(|| "(hidden)".to_owned(), ToString::to_string),
            &network.bssid.to_string(),
            &network.channel.to_string(),
            &network.rssi.to_string(),
            &network.auth_name,
        )
    }));
    lines
}

/// An object of keys from anything that serialises to one.
pub(super) fn keys_of(name: &str, value: &impl Serialize) -> Map<String, Value> {
    let mut keys = Map::new();
    keys.insert(name.to_owned(), json!(value));
    keys
}

/// A line of JSON on stdout, as it is: nothing may add colour to it or take characters out.
pub(super) fn print_json(value: &Value) -> io::Result<()> {
    let line = printable_json(&value.to_string());
    write_line(&mut io::stdout().lock(), &line)
}

/// A line on stderr. When nobody can read it, nobody misses it.
pub(super) fn note(line: &str) {
    let _gone: io::Result<()> = write_line(&mut anstream::stderr().lock(), line);
}

/// In one piece, because two processes may share a terminal. A closed pipe is nobody listening
/// any more, which is no reason to stop what is under way.
fn write_line(to: &mut impl Write, line: &str) -> io::Result<()> {
    let written = to
        .write_all(format!("{line}\n").as_bytes())
        .and_then(|()| to.flush());
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// The longest SSID, and one.
const SSID_COLUMN: usize = 33;
/// Raised when a key changes its meaning or goes away.
const SCHEMA: u32 = 1;
