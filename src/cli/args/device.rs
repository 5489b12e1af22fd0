//! The flags of a device and of its session, for every command that connects to one. They become a
//! request, which is checked before anything is touched.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::args::board_log::LogArgs;
use crate::cli::args::completions::device_names;
use crate::cli::args::drivers::{Drivers, TransportName};
use crate::cli::args::filters::FilterArgs;
use crate::cli::args::inputs::{Existing, Inputs, create_private, parse_seconds};
use crate::cli::args::label::{find_port, read_label};
use crate::cli::args::public_text::PublicText;
use crate::flows::Access;
use crate::flows::Target;
use crate::flows::{DeviceRequest, Timing};
use crate::ident::printable;
use crate::qr::Payload;
use crate::report::{ErrorId, Failure, Recorder, transcript};
use crate::secret::Secret;
use crate::security::SecurityScheme;
use crate::transport::{DEVICE_HEADING, HostPart};

/// The device, and how to start a session with it.
#[derive(Args, Debug)]
pub(in crate::cli) struct DeviceArgs {
    /// How to reach the device [default: the QR code's, else softap]
    #[arg(long, env = "ESPCTL_TRANSPORT", help_heading = DEVICE_HEADING)]
    transport: Option<TransportName>,

    /// The device's name, as printed on its label, or the beginning of the name; over ble also its
    /// address; on the network its instance name or node id. Over SoftAP only messages use it: the
    /// device is the one that answers.
    #[arg(long, alias = "device_name", value_name = "NAME", env = "ESPCTL_DEVICE_NAME", add = device_names(), help_heading = DEVICE_HEADING)]
    device_name: Option<PublicText>,

    #[command(flatten)]
    filters: FilterArgs,

    #[command(flatten)]
    log: LogArgs,

    /// Time limit for finding the device, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_DISCOVERY_TIMEOUT", value_parser = parse_seconds, default_value = SEARCH_SECONDS, help_heading = DEVICE_HEADING)]
    discovery_timeout: Duration,

    /// QR payload: JSON, `NP:…`, or a URL with `data=`; `@FILE` for a file with a payload, as text or
    /// picture (PNG, JPEG); `-` for stdin; `serial:PORT` for the log of a starting board. Flags
    /// override its values.
    #[arg(long, value_name = "PAYLOAD", env = "ESPCTL_QRCODE", hide_env_values = true, help_heading = DEVICE_HEADING)]
    qrcode: Option<Secret<String>>,

    /// Proof of possession. For Security 2 it is the password when none is given.
    #[arg(long, value_name = "POP", env = "ESPCTL_POP", hide_env_values = true, help_heading = SECURITY)]
    pop: Option<Secret<String>>,

    /// A file with the proof of possession, `-` for stdin. Other users can see arguments.
    #[arg(long, value_name = "FILE", env = "ESPCTL_POP_FILE", help_heading = SECURITY)]
    pop_file: Option<PathBuf>,

    /// Security scheme: 0, 1 or 2 [default: what the device announces]
    #[arg(long, alias = "sec_ver", value_name = "N", env = "ESPCTL_SEC_VER", help_heading = SECURITY)]
    sec_ver: Option<SecurityScheme>,

    /// User name for Security 2 [default: the QR code's, else wifiprov]
    #[arg(long, alias = "sec2_username", value_name = "NAME", env = "ESPCTL_SEC2_USERNAME", help_heading = SECURITY)]
    sec2_username: Option<PublicText>,

    /// Password for Security 2 [default: the proof of possession]
    #[arg(long, alias = "sec2_password", value_name = "PASSWORD", env = "ESPCTL_SEC2_PASSWORD", hide_env_values = true, help_heading = SECURITY)]
    sec2_password: Option<Secret<String>>,

    /// A file with the Security 2 password, `-` for stdin.
    #[arg(long, value_name = "FILE", env = "ESPCTL_SEC2_PASSWORD_FILE", help_heading = SECURITY)]
    sec2_password_file: Option<PathBuf>,

    /// If the device rejects the Security 2 password, try it in the form that two known firmware faults
    /// store. The device counts each try as a wrong password, and locks itself after five.
    #[arg(long, help_heading = SECURITY)]
    sec2_compat: bool,

    /// Record the whole conversation in this file, without secrets: one JSON object a line.
    #[arg(
        long,
        value_name = "FILE",
        env = "ESPCTL_TRANSCRIPT",
        help_heading = "Output"
    )]
    transcript: Option<PathBuf>,
}

impl DeviceArgs {
    /// Combines flags, environment, label and files. `pop` is the positional one. The conversation with
    /// the device is also recorded.
    pub(in crate::cli) async fn resolve(
        &self,
        pop: Option<&Secret<String>>,
        inputs: &mut Inputs<'_>,
        recorder: Option<&Recorder>,
        drivers: &Drivers,
    ) -> Result<DeviceRequest, Failure> {
        let qr = self.read_label(inputs, drivers).await?;
        let given = self
            .pop
            .as_ref()
            .filter(|_| inputs.is_typed("pop") || pop.is_none())
            .or(pop);
        let pop = inputs
            .secret("pop", given, self.pop_file.as_ref())
            .await?
            .or_else(|| qr.pop.filter(|pop| !pop.expose().is_empty()));
        let (given, path) = (
            self.sec2_password.as_ref(),
            self.sec2_password_file.as_ref(),
        );
        let password = inputs.secret("sec2_password", given, path).await?;
        let username = self.sec2_username.clone().map(String::from).or(qr.username);
        if username
            .as_ref()
            .is_some_and(|name| name.is_empty() || name.len() > MAX_USERNAME)
        {
            return Err(Failure::new(
                ErrorId::InvalidUsername,
                format!("a Security 2 user name has 1 to {MAX_USERNAME} bytes"),
            ));
        }

        let driver = match (&self.transport, qr.transport) {
            (Some(name), _) => drivers.named(name)?,
            (None, Some(name)) => drivers.find(&name).ok_or_else(|| {
                // The message does not repeat it: in a broken label it can be a secret.
                let message = "the QR code asks for a transport that espctl does not have";
                Failure::new(ErrorId::UnsupportedTransport, message)
            })?,
            // A flag such as `--port` implies its transport.
            (None, None) => match drivers.implied_by(inputs) {
                Some(driver) => driver,
                None => drivers.default_driver()?,
            },
        };
        drivers.refuse_other_addresses(driver, inputs)?;
        let target = drivers.target_from(driver, inputs)?;
        let medium = target.medium;
        // A label is for provisioning: on the network a device has another name and another scheme.
        let on_label = !medium.has_network_already;
        let name = self
            .device_name
            .clone()
            .map(String::from)
            .or_else(|| qr.name.filter(|_| on_label));
        let label = match (&name, &target.address) {
            (Some(name), _) => printable(name.as_bytes()),
            (None, Some(address)) => address.to_string(),
            (None, None) => "the device".to_owned(),
        };
        // A label cannot ask for plaintext: only a typed --sec-ver 0 does.
        let label_scheme = qr
            .security
            .and_then(SecurityScheme::from_number)
            .filter(|scheme| *scheme != SecurityScheme::Sec0 && on_label);
        let scheme = self.sec_ver.or(label_scheme);
        let file = self
            .transcript
            .as_ref()
            .map(|path| create_private(path, "--transcript", Existing::Replaced))
            .transpose()?;
        let mut target = Target {
            name: name.clone(),
            is_whole_name: self.device_name.is_none(),
            transcript: transcript(file, recorder),
            ..target
        };
        self.filters.apply(&mut target);
        // A board whose label was read from its log is at that port. If a medium needs the serial ports,
        // they are its addresses.
        if let Some(port) = self.qrcode.as_ref().and_then(find_port)
            && medium.needs == Some(HostPart::SerialPorts)
            && target.address.is_none()
        {
            target.address = target.driver.parse_address(port).ok();
        }
        Ok(DeviceRequest {
            target,
            access: Access {
                scheme,
                pop,
                username,
                password,
                label_password: qr.password,
                sec2_compat: self.sec2_compat,
            },
            timing: Timing {
                search: self.discovery_timeout,
                limits: medium.limits.clone(),
                ..Timing::default()
            },
            label,
            network: qr.network,
        })
    }

    async fn read_label(
        &self,
        inputs: &mut Inputs<'_>,
        drivers: &Drivers,
    ) -> Result<Payload, Failure> {
        match &self.qrcode {
            Some(given) => {
                let baud = inputs.option("baud").and_then(|baud| baud.parse().ok());
                let line = self.log.line(baud);
                read_label(given, "--qrcode", line, inputs, drivers).await
            }
            None => Ok(Payload::default()),
        }
    }
}

const MAX_USERNAME: usize = 65_535;
/// The usual duration of a search for devices, as `Timing` has it.
pub(in crate::cli) const SEARCH_SECONDS: &str = "5.0";
const SECURITY: &str = "Security";

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;
    use crate::provisioner::built_in_protocols;
    use crate::transport::built_in_drivers;

    async fn scheme(line: &[&str]) -> Option<SecurityScheme> {
        let drivers = Drivers::new(built_in_drivers(), built_in_protocols());
        let command = DeviceArgs::augment_args(clap::Command::new("espctl"));
        let command = drivers.extend(command);
        let matches = command.get_matches_from([&["espctl"], line].concat());
        let args = DeviceArgs::from_arg_matches(&matches).unwrap();
        let mut inputs = Inputs::new(&matches, |_| {});
        let resolved = args.resolve(None, &mut inputs, None, &drivers).await;
        resolved.unwrap().access.scheme
    }

    #[tokio::test]
    async fn label_cannot_select_security_0() {
        const LABEL_0: &str = r#"{"name":"PROV_1","pop":"abcd1234","security":0}"#;
        const LABEL_1: &str = r#"{"name":"PROV_1","pop":"abcd1234","security":1}"#;
        let label = async |payload| scheme(&["--qrcode", payload]).await;
        assert_eq!(label(LABEL_0).await, None);
        assert_eq!(label(LABEL_1).await, Some(SecurityScheme::Sec1));
        // A typed scheme overrides the label.
        let typed = ["--qrcode", LABEL_1, "--sec-ver", "0"];
        assert_eq!(scheme(&typed).await, Some(SecurityScheme::Sec0));
        // The label is for provisioning, not for a device that joined a network.
        let on_network = ["--qrcode", LABEL_1, "--transport", "on-network"];
        assert_eq!(scheme(&on_network).await, None);
    }
}
