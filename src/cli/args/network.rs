//! The flags of the network that a device joins. They are checked before anything is sent to the device;
//! what only the device's own scan shows is decided in `flows`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::args::environment::with_device;
use crate::cli::args::inputs::{Inputs, exclude_each_other, flag_of, parse_seconds};
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
    /// The Wi-Fi network that the device joins.
    #[arg(long, value_name = "SSID", env = "ESPCTL_SSID", help_heading = NETWORK)]
    ssid: Option<PublicText>,

    /// The network's name as hexadecimal bytes, if it is not UTF-8.
    #[arg(long, value_name = "HEX", env = "ESPCTL_SSID_HEX", help_heading = NETWORK)]
    ssid_hex: Option<PublicText>,

    /// Its passphrase, 8 to 63 bytes (WEP: 5 or 13). Not needed if the device sees an open network.
    #[arg(long, value_name = "PASSPHRASE", env = "ESPCTL_PASSPHRASE", hide_env_values = true, help_heading = NETWORK)]
    passphrase: Option<Secret<String>>,

    /// A file with the passphrase, `-` for stdin. Other users can see arguments.
    #[arg(long, value_name = "FILE", env = "ESPCTL_PASSPHRASE_FILE", help_heading = NETWORK)]
    passphrase_file: Option<PathBuf>,

    /// The network is open: no passphrase.
    #[arg(long, help_heading = NETWORK)]
    open: bool,

    /// Time limit for the device to join, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_JOIN_TIMEOUT", value_parser = parse_seconds, default_value = "60", help_heading = NETWORK)]
    pub(in crate::cli) join_timeout: Duration,

    /// Retry up to N times after a definite failure to join, with a reset before each retry.
    #[arg(long, value_name = "N", env = "ESPCTL_RETRIES", default_value_t = 0, help_heading = NETWORK)]
    retries: u32,

    /// Do not retry, and do not ask for another passphrase.
    #[arg(long, help_heading = NETWORK)]
    pub(in crate::cli) no_retry: bool,

    /// Map the device to the account and leave it without a network. Needs firmware with ch_resp.
    #[arg(long, help_heading = NETWORK)]
    no_wifi: bool,
}

impl NetworkArgs {
    /// The network that the flags describe; `None` for no network. `can_choose`: a person can choose
    /// one from a list.
    pub(in crate::cli) async fn resolve(
        &self,
        device: &DeviceRequest,
        inputs: &mut Inputs<'_>,
        can_choose: bool,
    ) -> Result<Option<NetworkRequest>, Failure> {
        let medium = device.target.medium;
        if !self.no_wifi && !medium.has_network_already {
            if device.network == Some(Network::Thread) {
                let message = "--qrcode asks for a Thread network, not for Wi-Fi";
                return Err(Failure::new(ErrorId::ConflictingFlags, message).hint(remedies::THREAD));
            }
            return read_network(self, device, inputs, can_choose)
                .await
                .map(Some);
        }
        // The value counts, because a variable can be 0.
        if inputs.is_on("no_cloud") {
            let no_cloud = inputs.switch("no_cloud", "ESPCTL_NO_CLOUD");
            let message = if self.no_wifi {
                format!("--no-wifi and {no_cloud} exclude each other: nothing is left")
            } else {
                format!(
                    "{no_cloud}: a device that is reached over {medium} needs nothing but an owner"
                )
            };
            return Err(Failure::new(ErrorId::ConflictingFlags, message));
        }
        let ids = ["ssid", "ssid_hex", "passphrase", "passphrase_file", "open"];
        let Some(flag) = ids.iter().find(|id| inputs.is_typed(id)) else {
            return Ok(None);
        };
        let flag = flag_of(flag);
        if self.no_wifi {
            return Err(exclude_each_other("--no-wifi", &flag));
        }
        let message =
            format!("{flag}: a device that is reached over {medium} already has a network");
        Err(Failure::new(ErrorId::ConflictingFlags, message))
    }
}

async fn read_network(
    args: &NetworkArgs,
    device: &DeviceRequest,
    inputs: &mut Inputs<'_>,
    can_choose: bool,
) -> Result<NetworkRequest, Failure> {
    let invalid = |flag: &str, error: &dyn std::error::Error| {
        Failure::new(ErrorId::InvalidSsid, format!("{flag}: {error}"))
    };
    let text = args.ssid.as_deref();
    let hex = args.ssid_hex.as_deref();
    let text = text.map(|text| text.parse().map_err(|error| invalid("--ssid", &error)));
    let hex = hex.map(|hex| Ssid::from_hex(hex).map_err(|error| invalid("--ssid-hex", &error)));
    let ssid = inputs.choose_one(("ssid", text), ("ssid_hex", hex))?;
    let ssid = ssid.transpose()?;
    if ssid.is_none() && !can_choose {
        let message = "the Wi-Fi network is missing";
        let context = with_device(device);
        return Err(Failure::in_context(ErrorId::MissingSsid, message, &context));
    }

    if args.open && (inputs.is_typed("passphrase") || inputs.is_typed("passphrase_file")) {
        return Err(exclude_each_other("--open", "a passphrase"));
    }
    let passphrase = if args.open {
        Some(Passphrase::none())
    } else {
        read_passphrase(args, inputs).await?
    };
    Ok(NetworkRequest {
        ssid,
        passphrase,
        retries: if args.no_retry { 0 } else { args.retries },
    })
}

async fn read_passphrase(
    args: &NetworkArgs,
    inputs: &mut Inputs<'_>,
) -> Result<Option<Passphrase>, Failure> {
    let (given, path) = (args.passphrase.as_ref(), args.passphrase_file.as_ref());
    let Some(secret) = inputs.secret("passphrase", given, path).await? else {
        return Ok(None);
    };
    let invalid = |message: &str| Failure::new(ErrorId::InvalidPassphrase, message);
    let passphrase = Passphrase::new(secret).map_err(|error| invalid(&error.to_string()))?;
    // An empty variable is more likely than an open network.
    if passphrase.is_empty() {
        return Err(invalid("the passphrase is empty").hint(remedies::OPEN));
    }
    Ok(Some(passphrase))
}

const NETWORK: &str = "Network";
