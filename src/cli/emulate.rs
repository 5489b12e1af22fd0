//! `emulate device`: plays a device on this computer, for tests and for trying things without a
//! board. What it says and does is `emulator`'s; here are the flags, the first line, and the log.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use getrandom::SysRng;
use rand_core::{Rng as _, UnwrapErr};
use serde::Serialize;
use serde_json::{Value, json};

use super::error_id::ErrorId;
use super::failure::Failure;
use super::ui::{self, Format, Ui, keys_of};
use crate::emulator::device::{Device, DeviceSettings, TimeScale, World};
use crate::emulator::listen::http::{self, Stopped};
use crate::emulator::log::Log;
use crate::ident::encode_hex;
use crate::secret::Secret;
use crate::security::{DeviceSecret, NonceRule, SecurityScheme};

/// Which other side to play.
#[derive(Debug, Subcommand)]
pub(super) enum Emulate {
    /// Play a device that waits to be provisioned, without a board.
    Device(EmulateDevice),
}

/// Play a device that waits to be provisioned, without a board.
///
/// It listens on this computer and answers as ESP-IDF firmware does, awkward behaviour included.
/// The first line on standard output is a JSON object with its address and its secrets; what it
/// is told is shown on standard error. It ends as a device does: when it has been provisioned,
/// or when it is locked.
#[derive(clap::Args, Debug)]
#[expect(
    clippy::doc_markdown,
    clippy::doc_link_with_quotes,
    reason = "these comments are help texts, read in a terminal"
)]
pub(super) struct EmulateDevice {
    /// How the device is reached.
    #[arg(long, value_enum, default_value_t = Medium::Softap)]
    transport: Medium,

    /// Address to listen on. Anything but this computer lets others in.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,

    /// Port to listen on; 0 takes a free one, and the first line says which.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,

    /// Name of the device [default: PROV_ and six random hexadecimal digits].
    #[arg(long)]
    name: Option<String>,

    /// Security scheme: 0 none, 1 PoP, 2 user name and password.
    #[arg(long, value_name = "0|1|2", default_value = "2")]
    sec_ver: SecurityScheme,

    /// How a Security 2 device uses its nonce: 0 one for all messages, 1 a counter.
    #[arg(long, value_name = "0|1", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=1))]
    sec_patch_ver: u8,

    /// Proof of possession; with Security 2, the password [default: eight random hexadecimal
    /// digits].
    #[arg(long, conflicts_with = "no_pop")]
    pop: Option<Secret<String>>,

    /// Want no proof of possession. Not with Security 2, which needs a password.
    #[arg(long)]
    no_pop: bool,

    /// User name of Security 2.
    #[arg(long, default_value = "wifiprov")]
    username: String,

    /// Access points that the device sees, as a JSON list of {ssid or ssid_hex, bssid, channel,
    /// rssi, auth, passphrase, ip, hidden} [default: seven, among them "Home", passphrase
    /// "correct horse battery"].
    #[arg(long, value_name = "FILE")]
    aps: Option<PathBuf>,

    /// How long joining takes, in milliseconds.
    #[arg(long, value_name = "N", default_value_t = 1200)]
    join_ms: u64,

    /// Capabilities of the application in the version document, such as ch_resp or claim.
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    cap: Vec<String>,

    /// Failed handshakes until the device locks itself; 0 for never.
    #[arg(long, value_name = "N", default_value_t = 5)]
    max_strikes: u32,

    /// Write what the device is told to this file, one JSON object a line. The Wi-Fi passphrase
    /// is in it.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Multiply every wait of the device by this; 0.1 is ten times as fast as a board.
    #[arg(long, value_name = "X", default_value_t = TimeScale::REAL)]
    time_scale: TimeScale,
}

/// How an emulated device can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Medium {
    /// HTTP, as on a device's own access point.
    Softap,
}

impl Medium {
    const fn name(self) -> &'static str {
        match self {
            Self::Softap => "softap",
        }
    }
}

/// Plays the other side until it ends.
pub(super) async fn run(command: Emulate, ui: &Ui) -> Result<(), Failure> {
    match command {
        Emulate::Device(args) => device(args, ui).await,
    }
}

async fn device(args: EmulateDevice, ui: &Ui) -> Result<(), Failure> {
    let mut rng = UnwrapErr(SysRng);
    let label = args.label(&mut rng)?;
    let name = match &args.name {
        Some(name) => name.clone(),
        None => format!("PROV_{}", random_digits::<3>(&mut rng)),
    };
    let settings = DeviceSettings {
        world: args.world()?,
        capabilities: args.cap.clone(),
        max_strikes: args.max_strikes,
        time_scale: args.time_scale,
        ..DeviceSettings::new(label.secret.clone())
    };
    let mut log = Log::new().shown_to(Box::new(|entry| ui::note(&format!("device: {entry}"))));
    if let Some(path) = &args.log {
        let file = create(path).map_err(|error| unusable("--log", path, &error))?;
        log = log.lines_to(Box::new(file));
    }
    let device = Device::new(settings, rng).with_log(log);

    let asked = SocketAddr::new(args.listen, args.port);
    let listening = match http::bind(asked).await {
        Ok(listener) => listener.local_addr().map(|bound| (listener, bound)),
        Err(error) => Err(error),
    };
    let (listener, bound) = listening.map_err(|error| {
        let failure = Failure::new(ErrorId::CannotListen, format!("cannot listen on {asked}"));
        let failure = failure.cause(&error);
        match error.kind() {
            ErrorKind::AddrInUse => failure.hint("--port 0 takes a free port"),
            ErrorKind::PermissionDenied => failure.hint("ports below 1024 need permission"),
            _ => failure,
        }
    })?;
    ui::print_json(&args.ready(bound, &name, &label))
        .map_err(|error| Failure::output_lost(&error))?;
    let Stopped(why) = listener.serve(device).await;
    if ui.format() == Format::Json {
        return ui.result(&[], keys_of("stopped", &why.to_string()));
    }
    Ok(())
}

/// For its owner alone: passphrases will be in it.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn unusable(flag: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    let message = format!("{flag}: cannot use {}", path.display());
    Failure::new(ErrorId::UnreadableFile, message).cause(error)
}

/// What opens the emulated device, as its label would say it.
struct Label {
    secret: DeviceSecret,
    pop: Option<String>,
    username: Option<String>,
}

impl EmulateDevice {
    fn world(&self) -> Result<World, Failure> {
        let mut world = match &self.aps {
            None => World::neighbourhood(),
            Some(path) => {
                let text =
                    fs::read_to_string(path).map_err(|error| unusable("--aps", path, &error))?;
                World::from_json(&text).map_err(|error| unusable("--aps", path, &error))?
            }
        };
        world.join = Duration::from_millis(self.join_ms);
        Ok(world)
    }

    fn label(&self, rng: &mut UnwrapErr<SysRng>) -> Result<Label, Failure> {
        if self.pop.is_some() && self.sec_ver == SecurityScheme::Sec0 {
            let message = "--pop is not possible with --sec-ver 0, which has no secret";
            return Err(Failure::new(ErrorId::ConflictingFlags, message));
        }
        let pop = match &self.pop {
            _ if self.no_pop || self.sec_ver == SecurityScheme::Sec0 => None,
            Some(pop) => Some(pop.expose().clone()),
            None => Some(random_digits::<4>(rng)),
        };
        let secret = match (self.sec_ver, &pop) {
            (SecurityScheme::Sec0, _) => DeviceSecret::Sec0,
            (SecurityScheme::Sec1, pop) => DeviceSecret::Sec1 {
                pop: pop.clone().map(Secret::new),
            },
            (SecurityScheme::Sec2, Some(password)) => {
                let nonce = if self.sec_patch_ver == 0 {
                    NonceRule::Fixed
                } else {
                    NonceRule::Counter
                };
                DeviceSecret::sec2(&self.username, &Secret::new(password.clone()), nonce, rng)
            }
            (SecurityScheme::Sec2, None) => {
                let message = "--no-pop is not possible with --sec-ver 2: it needs a password";
                return Err(Failure::new(ErrorId::ConflictingFlags, message));
            }
        };
        let username = (self.sec_ver == SecurityScheme::Sec2).then(|| self.username.clone());
        Ok(Label {
            secret,
            pop,
            username,
        })
    }

    /// The first line: where the device is, and what opens it.
    fn ready(&self, bound: SocketAddr, name: &str, label: &Label) -> Value {
        let pop = label.pop.as_deref();
        let username = label.username.as_deref();
        let transport = self.transport.name();
        let qrcode = QrCode {
            ver: "v1",
            name,
            username,
            pop,
            transport,
        };
        let ready = Ready {
            event: "ready",
            transport,
            address: bound.ip(),
            port: bound.port(),
            url: format!("http://{bound}"),
            name,
            pop,
            username,
            sec_ver: self.sec_ver,
            qrcode: json!(qrcode).to_string(),
        };
        json!(ready)
    }
}

#[derive(Serialize)]
struct Ready<'a> {
    event: &'static str,
    transport: &'static str,
    address: IpAddr,
    port: u16,
    url: String,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pop: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    sec_ver: SecurityScheme,
    qrcode: String,
}

/// What a device shows as its QR code (RainMaker's `app_network.c`).
#[derive(Serialize)]
struct QrCode<'a> {
    ver: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pop: Option<&'a str>,
    transport: &'static str,
}

fn random_digits<const BYTES: usize>(rng: &mut UnwrapErr<SysRng>) -> String {
    let mut bytes = [0; BYTES];
    rng.fill_bytes(&mut bytes);
    encode_hex(&bytes)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Alone {
        #[command(flatten)]
        args: EmulateDevice,
    }

    fn parse(flags: &[&str]) -> EmulateDevice {
        Alone::try_parse_from(["emulate"].iter().chain(flags))
            .unwrap()
            .args
    }

    fn ready(flags: &[&str]) -> Value {
        let args = parse(flags);
        let label = args.label(&mut UnwrapErr(SysRng)).unwrap();
        args.ready("127.0.0.1:8080".parse().unwrap(), "PROV_1", &label)
    }

    #[test]
    fn the_first_line_says_where_the_device_is_and_what_opens_it() {
        let line = ready(&["--pop", "abcd1234"]);
        assert_eq!(line["event"], "ready");
        assert_eq!(line["transport"], "softap");
        assert_eq!(line["url"], "http://127.0.0.1:8080");
        assert_eq!((&line["port"], &line["sec_ver"]), (&8080.into(), &2.into()));
        assert_eq!(line["username"], "wifiprov");
        assert_eq!(
            line["qrcode"],
            r#"{"ver":"v1","name":"PROV_1","username":"wifiprov","pop":"abcd1234","transport":"softap"}"#
        );
    }

    #[test]
    fn a_pop_is_drawn_where_one_is_needed() {
        let drawn = ready(&["--sec-ver", "1"]);
        assert_eq!(drawn["pop"].as_str().map(str::len), Some(8));
        assert_eq!(drawn.get("username"), None);
        for flags in [&["--sec-ver", "1", "--no-pop"][..], &["--sec-ver", "0"]] {
            let line = ready(flags);
            assert_eq!(line.get("pop"), None);
            assert!(!line["qrcode"].as_str().unwrap().contains("pop"));
        }
        let impossible = parse(&["--no-pop"]);
        assert!(impossible.label(&mut UnwrapErr(SysRng)).is_err());
    }

    #[test]
    fn what_is_typed_is_checked_and_a_pop_is_not_printed() {
        for flags in [
            &["--sec-ver", "3"][..],
            &["--sec-patch-ver", "2"],
            &["--time-scale", "-1"],
            &["--pop", "a", "--no-pop"],
        ] {
            assert!(
                Alone::try_parse_from(["emulate"].iter().chain(flags)).is_err(),
                "{flags:?}"
            );
        }
        let args = parse(&["--pop", "abcd1234", "--cap", "ch_resp,claim"]);
        assert_eq!(args.cap, ["ch_resp", "claim"]);
        assert!(!format!("{args:?}").contains("abcd1234"));
    }
}
