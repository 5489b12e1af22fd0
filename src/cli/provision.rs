//! `provision`: from flags to a request, from its outcome to a summary. The run itself is
//! `flows::provision`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use serde::Serialize;
use tokio::time::{Instant, timeout};

use super::device_args::{Asked, DeviceArgs};
use super::error_id::ErrorId;
use super::failure::Failure;
use super::interrupt::Interrupts;
use super::settings::{Inputs, SecretInput, parse_seconds};
use super::ui::{Ui, keys_of};
use crate::flows::provision::{self as flow, Outcome, Request};
use crate::flows::wifi::Wanted;
use crate::ident::{Passphrase, Ssid};
use crate::secret::Secret;
use crate::transport::TransportKind;

/// Arguments of `provision`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(super) struct Provision {
    /// Proof of possession, as old scripts give it; --pop wins.
    #[arg(value_name = "POP")]
    positional_pop: Option<Secret<String>>,

    #[command(flatten)]
    device: DeviceArgs,

    /// The Wi-Fi network that the device shall join.
    #[arg(long, value_name = "SSID", env = "ESPCTL_SSID", help_heading = NETWORK)]
    ssid: Option<String>,

    /// The network's name as hexadecimal bytes, where it is not UTF-8.
    #[arg(long, value_name = "HEX", env = "ESPCTL_SSID_HEX", help_heading = NETWORK)]
    ssid_hex: Option<String>,

    /// Its passphrase, 8 to 63 bytes (WEP: 5 or 13). Not needed where the device sees the network as open.
    #[arg(long, value_name = "PASSPHRASE", env = "ESPCTL_PASSPHRASE", hide_env_values = true, help_heading = NETWORK)]
    passphrase: Option<Secret<String>>,

    /// A file with the passphrase, `-` for stdin: arguments are visible to everybody.
    #[arg(long, value_name = "FILE", env = "ESPCTL_PASSPHRASE_FILE", help_heading = NETWORK)]
    passphrase_file: Option<PathBuf>,

    /// The network is open: no passphrase.
    #[arg(long, help_heading = NETWORK)]
    open: bool,

    /// How long the device may try to join, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_JOIN_TIMEOUT", value_parser = parse_seconds, default_value = "60", help_heading = NETWORK)]
    join_timeout: Duration,

    /// Try again after a definite failure to join, with a reset between, up to N times.
    #[arg(long, value_name = "N", env = "ESPCTL_RETRIES", default_value_t = 0, help_heading = NETWORK)]
    retries: u32,

    /// Do not try again, and do not ask for another passphrase.
    #[arg(long, help_heading = NETWORK)]
    no_retry: bool,

    /// How long the whole run may take, in seconds. Every wait inside has its own limit beside.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_TIMEOUT", value_parser = parse_seconds)]
    timeout: Option<Duration>,

    /// Wi-Fi only, for plain ESP-IDF firmware: no account, no mapping.
    #[arg(long, env = "ESPCTL_NO_CLOUD", value_parser = FalseyValueParser::new(), help_heading = "Account")]
    no_cloud: bool,
}

/// The end of a run, for people and machines.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    node_id: Option<String>,
    mapped: bool,
    ip: Option<String>,
    ssid: String,
    ssid_hex: String,
    bssid: String,
    channel: i32,
    auth: i32,
    security: u8,
    transport: TransportKind,
    duration_s: f64,
}

/// Runs `provision`.
pub(super) async fn run(
    args: &Provision,
    matches: &ArgMatches,
    ui: &mut Ui,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    let began = Instant::now();
    let resolving = resolve(args, matches, ui.is_attended());
    // The whole run, waiting for a pipe included.
    let in_time = async {
        match args.timeout {
            None => resolving.await,
            Some(limit) => timeout(limit, resolving).await.unwrap_or_else(|_| {
                let message = "the time for the whole run is up";
                Err(Failure::new(ErrorId::Expired, message).hint("an input did not come in time"))
            }),
        }
    };
    let (mut asked, wifi) = interrupts.or(in_time).await?;
    if ui.is_attended() && asked.target.kind == TransportKind::SoftAp {
        if matches.value_source(LIMIT) == Some(ValueSource::DefaultValue) {
            // Whoever is there joins the hotspot in their own time.
            asked.pace.search = PATIENCE;
        }
        if let Some(invitation) = invitation(&asked) {
            ui.say(&invitation);
        }
    }
    if args.no_retry {
        ui.ask_no_second_passphrase();
    }
    let left = args
        .timeout
        .map(|limit| limit.saturating_sub(began.elapsed()));
    provision(asked, wifi, left, ui, interrupts).await
}

/// Which hotspot to join. None, where somebody says how the device is reached.
fn invitation(asked: &Asked) -> Option<String> {
    asked.target.address.is_none().then(|| {
        format!(
            "Join the hotspot of {} with this computer; it goes on as soon as the device answers",
            asked.label
        )
    })
}

async fn resolve(
    args: &Provision,
    matches: &ArgMatches,
    attended: bool,
) -> Result<(Asked, Wanted), Failure> {
    let mut inputs = Inputs::new(matches);
    let mut asked = args
        .device
        .resolve(args.positional_pop.as_ref(), &mut inputs)
        .await?;
    asked.pace.join = args.join_timeout;
    let wifi = wanted(args, &mut inputs, attended).await?;
    if !args.no_cloud {
        return Err(Failure::login_required());
    }
    Ok((asked, wifi))
}

/// Runs the flow and prints its outcome. The demo ends here too.
pub(super) async fn provision(
    asked: Asked,
    wifi: Wanted,
    limit: Option<Duration>,
    ui: &mut Ui,
    interrupts: &mut Interrupts,
) -> Result<(), Failure> {
    let request = Request {
        target: asked.target.clone(),
        access: asked.access.clone(),
        wifi,
    };
    let run = |mut stop| {
        let (ui, asked) = (&mut *ui, &asked);
        async move {
            flow::run(&request, &asked.pace, ui, &mut stop)
                .await
                .map_err(|error| Failure::of_flow(&error, asked))
        }
    };
    let outcome = interrupts.stopping(limit, run).await?;
    let summary = Summary::new(&outcome, asked.target.kind, ui.elapsed());
    ui.result(&summary.lines(), keys_of("summary", &summary))
}

/// What stands on the command line. `choosable`: somebody is there to choose the network.
async fn wanted(
    args: &Provision,
    inputs: &mut Inputs<'_>,
    choosable: bool,
) -> Result<Wanted, Failure> {
    let invalid = |flag: &str, error: &dyn std::error::Error| {
        Failure::new(ErrorId::InvalidSsid, format!("{flag}: {error}"))
    };
    let text = args.ssid.as_deref();
    let hex = args.ssid_hex.as_deref();
    let ssid = inputs.one_of(
        (
            "ssid",
            "--ssid",
            text.map(|text| text.parse().map_err(|error| invalid("--ssid", &error))),
        ),
        (
            "ssid_hex",
            "--ssid-hex",
            hex.map(|hex| Ssid::from_hex(hex).map_err(|error| invalid("--ssid-hex", &error))),
        ),
    )?;
    let ssid = ssid.transpose()?;
    if ssid.is_none() && !choosable {
        return Err(
            Failure::new(ErrorId::MissingSsid, "the Wi-Fi network is missing")
                .hint("give --ssid, --ssid-hex or ESPCTL_SSID")
                .hint("`espctl device wifi` lists what the device sees"),
        );
    }

    if args.open && (inputs.is_typed("passphrase") || inputs.is_typed("passphrase_file")) {
        return Err(Failure::new(
            ErrorId::ConflictingFlags,
            "--open and a passphrase exclude each other",
        ));
    }
    if args.open {
        return Ok(Wanted {
            ssid,
            passphrase: Some(Passphrase::none()),
            retries: if args.no_retry { 0 } else { args.retries },
        });
    }
    let secret = inputs
        .secret(SecretInput {
            value: ("passphrase", "--passphrase"),
            file: ("passphrase_file", "--passphrase-file"),
            given: args.passphrase.as_ref(),
            path: args.passphrase_file.as_ref(),
        })
        .await?;
    let passphrase = secret
        .map(Passphrase::new)
        .transpose()
        .map_err(|error| Failure::new(ErrorId::InvalidPassphrase, error.to_string()))?;
    // More often an empty variable than an open network.
    if passphrase.as_ref().is_some_and(Passphrase::is_empty) {
        return Err(
            Failure::new(ErrorId::InvalidPassphrase, "the passphrase is empty")
                .hint("--open is for networks without one"),
        );
    }
    Ok(Wanted {
        ssid,
        passphrase,
        retries: if args.no_retry { 0 } else { args.retries },
    })
}

impl Summary {
    fn new(outcome: &Outcome, transport: TransportKind, duration_s: f64) -> Self {
        let network = &outcome.network;
        let ssid = network.ssid.as_ref().unwrap_or(&outcome.ssid);
        Self {
            node_id: None,
            mapped: false,
            ip: network.ip.map(|ip| ip.to_string()),
            ssid: ssid.to_string(),
            ssid_hex: ssid.to_hex(),
            bssid: network.bssid.to_string(),
            channel: network.channel,
            auth: network.auth.0,
            security: outcome.scheme.number(),
            transport,
            duration_s,
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines = vec!["Wi-Fi Provisioning Successful".to_owned()];
        let mut row = |name: &str, value: &str| lines.push(format!("  {name:<11}{value}"));
        row("IP address", self.ip.as_deref().unwrap_or("not reported"));
        row("SSID", &self.ssid);
        row("BSSID", &self.bssid);
        row("channel", &self.channel.to_string());
        row("security", &self.security.to_string());
        row("duration", &format!("{:.1} s", self.duration_s));
        lines
    }
}

impl Failure {
    /// Nobody is logged in.
    fn login_required() -> Self {
        Self::new(
            ErrorId::LoginRequired,
            "this espctl cannot log in to an account yet",
        )
        .hint("--no-cloud gives the device Wi-Fi without an account")
    }
}

const NETWORK: &str = "Network";
/// clap's id of --discovery-timeout.
const LIMIT: &str = "discovery_timeout";
/// Longer than anybody waits.
const PATIENCE: Duration = Duration::from_hours(24);
const EXAMPLES: &str = "\
Examples:
  espctl provision --no-cloud --pop abcd1234 --ssid Home --passphrase-file secret.txt
  espctl provision --no-cloud --qrcode '{\"ver\":\"v1\",\"pop\":\"7a9d365e\",\"transport\":\"softap\"}' --ssid Home --passphrase-file -";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flows::Pace;
    use crate::flows::connect::Access;
    use crate::flows::find::Target;
    use crate::transport::Address;

    #[test]
    fn the_hotspot_to_join_is_named() {
        let asked = |address| Asked {
            target: Target {
                kind: TransportKind::SoftAp,
                address,
                transcript: None,
            },
            access: Access::default(),
            pace: Pace::default(),
            label: "PROV_d76c30".to_owned(),
        };
        let said = invitation(&asked(None)).unwrap();
        assert!(said.starts_with("Join the hotspot of PROV_d76c30 with"));
        let elsewhere = Address::Http {
            host: "127.0.0.1".to_owned(),
            port: 80,
        };
        assert_eq!(invitation(&asked(Some(elsewhere))), None);
    }
}
