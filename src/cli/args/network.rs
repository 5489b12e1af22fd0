//! The flags that say which network a device shall join. They are checked before the device hears
//! anything; what only the device's own scan can tell is settled in `flows::wifi`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::args::failure_context::with_device;
use crate::cli::args::inputs::{Inputs, SecretInput, parse_seconds};
use crate::cli::args::public_text::PublicText;
use crate::flows::DeviceRequest;
use crate::flows::NetworkRequest;
use crate::ident::{Passphrase, Ssid};
use crate::qr::Network;
use crate::report::{ErrorId, Failure, remedies};
use crate::secret::Secret;

#[derive(Args, Debug)]
#[expect(
    clippy::doc_markdown,
    reason = "these comments are help texts, read in a terminal"
)]
pub(in crate::cli) struct NetworkArgs {
    /// The Wi-Fi network that the device shall join.
    #[arg(long, value_name = "SSID", env = "ESPCTL_SSID", help_heading = NETWORK)]
    ssid: Option<PublicText>,

    /// The network's name as hexadecimal bytes, where it is not UTF-8.
    #[arg(long, value_name = "HEX", env = "ESPCTL_SSID_HEX", help_heading = NETWORK)]
    ssid_hex: Option<PublicText>,

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
    pub(in crate::cli) join_timeout: Duration,

    /// Try again after a definite failure to join, with a reset between, up to N times.
    #[arg(long, value_name = "N", env = "ESPCTL_RETRIES", default_value_t = 0, help_heading = NETWORK)]
    retries: u32,

    /// Do not try again, and do not ask for another passphrase.
    #[arg(long, help_heading = NETWORK)]
    pub(in crate::cli) no_retry: bool,

    /// Map the device to the account and leave it without a network. Needs firmware with ch_resp.
    #[arg(long, help_heading = NETWORK)]
    no_wifi: bool,
}

impl NetworkArgs {
    /// What stands on the command line; `None` for no network. `choosable`: somebody is there to
    /// choose it.
    pub(in crate::cli) async fn resolve(
        &self,
        asked: &DeviceRequest,
        inputs: &mut Inputs<'_>,
        choosable: bool,
    ) -> Result<Option<NetworkRequest>, Failure> {
        let medium = asked.target.medium;
        if !self.no_wifi && !medium.has_network_already {
            if asked.network == Some(Network::Thread) {
                let message = "--qrcode asks for a Thread network, not for Wi-Fi";
                return Err(
                    Failure::new(ErrorId::ConflictingFlags, message).remedy(&remedies::THREAD)
                );
            }
            return wanted(self, asked, inputs, choosable).await.map(Some);
        }
        // By its value: a variable can say no.
        if inputs.is_on("no_cloud") {
            let no_cloud = inputs.switch("no_cloud", "--no-cloud", "ESPCTL_NO_CLOUD");
            let message = if self.no_wifi {
                format!("--no-wifi and {no_cloud} exclude each other: nothing is left")
            } else {
                format!(
                    "{no_cloud}: a device that is reached over {medium} needs nothing but an owner"
                )
            };
            return Err(Failure::new(ErrorId::ConflictingFlags, message));
        }
        for (id, flag) in [
            ("ssid", "--ssid"),
            ("ssid_hex", "--ssid-hex"),
            ("passphrase", "--passphrase"),
            ("passphrase_file", "--passphrase-file"),
            ("open", "--open"),
        ] {
            if inputs.is_typed(id) {
                let message = if self.no_wifi {
                    format!("--no-wifi and {flag} exclude each other")
                } else {
                    format!("{flag}: a device that is reached over {medium} already has a network")
                };
                return Err(Failure::new(ErrorId::ConflictingFlags, message));
            }
        }
        Ok(None)
    }
}

async fn wanted(
    args: &NetworkArgs,
    asked: &DeviceRequest,
    inputs: &mut Inputs<'_>,
    choosable: bool,
) -> Result<NetworkRequest, Failure> {
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
        let message = "the Wi-Fi network is missing";
        let context = with_device(asked);
        return Err(Failure::in_context(ErrorId::MissingSsid, message, &context));
    }

    if args.open && (inputs.is_typed("passphrase") || inputs.is_typed("passphrase_file")) {
        return Err(Failure::new(
            ErrorId::ConflictingFlags,
            "--open and a passphrase exclude each other",
        ));
    }
    if args.open {
        return Ok(NetworkRequest {
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
                .remedy(&remedies::OPEN),
        );
    }
    Ok(NetworkRequest {
        ssid,
        passphrase,
        retries: if args.no_retry { 0 } else { args.retries },
    })
}

const NETWORK: &str = "Network";
