//! The flags that say which device and how to get in, shared by every command that talks to one.
//! They become flow types here, checked before anything is touched.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};

use super::bundle::{Recording, transcript};
use super::completion::device_names;
use super::error_id::ErrorId;
use super::failure::Failure;
use super::qr::{payload, port_of};
use super::radio_args::RadioArgs;
use super::serial_args::{LogArgs, SerialArgs};
use super::settings::{Existing, Inputs, SecretInput, create_private, parse_seconds};
use super::ui::Ui;
use crate::flows::connect::Access;
use crate::flows::find::Target;
use crate::flows::{Pace, Run};
use crate::host::list_networks;
use crate::ident::printable;
use crate::qr::{Network, Payload};
use crate::secret::Secret;
use crate::security::SecurityScheme;
use crate::transport::{Address, DEVICE_PORT, DRIVERS, Limits, SOFTAP_HOST, TransportKind};

/// Which device, and how to get in.
#[derive(Args, Debug)]
pub(super) struct DeviceArgs {
    /// How to reach the device [default: the QR code's, else softap]
    #[arg(long, env = "ESPCTL_TRANSPORT", value_parser = transports(), help_heading = WHERE)]
    transport: Option<TransportKind>,

    /// The device's name, as its label or its QR code says; over ble also its address, on the
    /// network its instance name or node id; or the beginning of a name. Over SoftAP it is for messages only: the device is
    /// whichever answers.
    #[arg(long, alias = "device_name", value_name = "NAME", env = "ESPCTL_DEVICE_NAME", add = device_names(), help_heading = WHERE)]
    device_name: Option<String>,

    /// The device's IP address: over SoftAP where it is not 192.168.4.1, on the network instead
    /// of looking for it.
    #[arg(long, value_name = "IP", env = "ESPCTL_DEVICE_IP", value_parser = parse_ip, help_heading = WHERE)]
    device_ip: Option<String>,

    /// The device's host name, instead of an IP address.
    #[arg(long, value_name = "HOST", env = "ESPCTL_DEVICE_HOST", value_parser = parse_host, help_heading = WHERE)]
    device_host: Option<String>,

    /// The device's TCP port, where it is not 80 (on the network: not 80 nor 8080).
    #[arg(long, value_name = "PORT", env = "ESPCTL_DEVICE_PORT", value_parser = clap::value_parser!(u16).range(1..), help_heading = WHERE)]
    device_port: Option<u16>,

    #[command(flatten)]
    network: InterfaceArgs,

    #[command(flatten)]
    radio: RadioArgs,

    #[command(flatten)]
    serial: SerialArgs,

    #[command(flatten)]
    log: LogArgs,

    /// How long to look for the device, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_DISCOVERY_TIMEOUT", value_parser = parse_seconds, default_value = "5.0", help_heading = WHERE)]
    discovery_timeout: Duration,

    /// QR payload: JSON, `NP:…`, or a URL with `data=`; `@FILE` for a file with one, text or
    /// picture (PNG, JPEG); `-` for stdin; `serial:PORT` for the log of a board that starts. Flags
    /// win over its values.
    #[arg(long, value_name = "PAYLOAD", env = "ESPCTL_QRCODE", hide_env_values = true, help_heading = WHERE)]
    qrcode: Option<Secret<String>>,

    /// Proof of possession. For Security 2 it is the password when none is given.
    #[arg(long, value_name = "POP", env = "ESPCTL_POP", hide_env_values = true, help_heading = SECURITY)]
    pop: Option<Secret<String>>,

    /// A file with the proof of possession, `-` for stdin: arguments are visible to everybody.
    #[arg(long, value_name = "FILE", env = "ESPCTL_POP_FILE", help_heading = SECURITY)]
    pop_file: Option<PathBuf>,

    /// Security scheme: 0, 1 or 2 [default: what the device announces]
    #[arg(long, alias = "sec_ver", value_name = "N", env = "ESPCTL_SEC_VER", help_heading = SECURITY)]
    sec_ver: Option<SecurityScheme>,

    /// User name for Security 2 [default: the QR code's, else wifiprov]
    #[arg(long, alias = "sec2_username", value_name = "NAME", env = "ESPCTL_SEC2_USERNAME", help_heading = SECURITY)]
    sec2_username: Option<String>,

    /// Password for Security 2 [default: the proof of possession]
    #[arg(long, alias = "sec2_password", value_name = "PASSWORD", env = "ESPCTL_SEC2_PASSWORD", hide_env_values = true, help_heading = SECURITY)]
    sec2_password: Option<Secret<String>>,

    /// A file with the Security 2 password, `-` for stdin.
    #[arg(long, value_name = "FILE", env = "ESPCTL_SEC2_PASSWORD_FILE", help_heading = SECURITY)]
    sec2_password_file: Option<PathBuf>,

    /// After a refused Security 2 password, try it as two known firmware faults would store it.
    /// Each try counts as a wrong one on the device, and five lock it.
    #[arg(long, help_heading = SECURITY)]
    sec2_compat: bool,

    /// Take the whole conversation down in this file, without secrets: one JSON object a line.
    #[arg(
        long,
        value_name = "FILE",
        env = "ESPCTL_TRANSCRIPT",
        help_heading = "Output"
    )]
    transcript: Option<PathBuf>,
}

/// On which of this computer's networks to look.
#[derive(Args, Clone, Debug)]
pub(super) struct InterfaceArgs {
    /// Network interface to look on, such as eth0; `lo` for emulators [default: all]
    #[arg(long, value_name = "NAME", env = "ESPCTL_INTERFACE", help_heading = WHERE)]
    interface: Option<String>,

    /// Another port than that of mDNS, which keeps tests apart.
    #[arg(long, value_name = "PORT", env = "ESPCTL_MDNS_PORT", hide = true, value_parser = clap::value_parser!(u16).range(1..))]
    mdns_port: Option<u16>,
}

impl InterfaceArgs {
    /// Has the search keep to it, once it is known to be there.
    pub(super) fn apply(&self, target: &mut Target) -> Result<(), Failure> {
        target.mdns_port = self.mdns_port;
        let Some(name) = &self.interface else {
            return Ok(());
        };
        let mut known: Vec<String> = list_networks()
            .into_iter()
            .map(|network| network.interface)
            .collect();
        known.dedup();
        if !known.contains(name) {
            let name = printable(name.as_bytes());
            let message = format!("--interface: this computer has no interface {name}");
            return Err(Failure::new(ErrorId::UnknownInterface, message)
                .hint(format!("there are: {}", known.join(", "))));
        }
        target.interface = Some(name.clone());
        Ok(())
    }
}

/// What the arguments mean.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) target: Target,
    pub(super) access: Access,
    pub(super) pace: Pace,
    /// The device, in messages.
    pub(super) label: String,
    /// What its label says that it joins.
    pub(super) network: Option<Network>,
}

impl Asked {
    /// A run with this device that reports to `ui`, and that nothing ends from outside.
    pub(super) fn run(&self, ui: &Ui) -> Run {
        Run::new(Arc::new(ui.clone()), self.pace.clone())
    }
}

impl DeviceArgs {
    /// Puts flags, environment, QR code and files together. `pop` is the positional one; what is said
    /// to the device goes to the recording, too.
    pub(super) async fn resolve(
        &self,
        pop: Option<&Secret<String>>,
        inputs: &mut Inputs<'_>,
        recording: Option<&Recording>,
    ) -> Result<Asked, Failure> {
        let qr = self.payload(inputs).await?;
        let given = self
            .pop
            .as_ref()
            .filter(|_| inputs.is_typed("pop") || pop.is_none())
            .or(pop);
        let pop = inputs
            .secret(SecretInput {
                value: ("pop", "--pop"),
                file: ("pop_file", "--pop-file"),
                given,
                path: self.pop_file.as_ref(),
            })
            .await?
            .or_else(|| qr.pop.filter(|pop| !pop.expose().is_empty()));
        let password = inputs
            .secret(SecretInput {
                value: ("sec2_password", "--sec2-password"),
                file: ("sec2_password_file", "--sec2-password-file"),
                given: self.sec2_password.as_ref(),
                path: self.sec2_password_file.as_ref(),
            })
            .await?;
        let username = self.sec2_username.clone().or(qr.username);
        if username
            .as_ref()
            .is_some_and(|name| name.is_empty() || name.len() > LONGEST_USERNAME)
        {
            return Err(Failure::new(
                ErrorId::InvalidUsername,
                format!("a Security 2 user name has 1 to {LONGEST_USERNAME} bytes"),
            ));
        }

        let kind = match (self.transport, qr.transport) {
            (Some(kind), _) => kind,
            (None, Some(name)) => name.parse().map_err(|_| {
                // Not repeated: in a label that is mixed up it can be anything.
                let message = "the QR code asks for a transport that espctl does not have";
                Failure::new(ErrorId::UnsupportedTransport, message)
                    .hint("--transport chooses another")
            })?,
            // A port says which way.
            (None, None) if inputs.is_typed("port") => TransportKind::Console,
            (None, None) => TransportKind::SoftAp,
        };
        refuse_address(kind, inputs)?;
        let address = self.address(kind, inputs)?;
        // A label is about provisioning: on the network its name and its scheme are others.
        let on_label = !kind.needs_an_owner_only();
        let name = self
            .device_name
            .clone()
            .or_else(|| qr.name.filter(|_| on_label));
        let label = match (&name, &address) {
            (Some(name), _) => printable(name.as_bytes()),
            (None, Some(address)) => address.to_string(),
            (None, None) => "the device".to_owned(),
        };
        // A label cannot ask for plaintext: only a typed --sec-ver 0 does.
        let labelled = qr
            .security
            .and_then(SecurityScheme::from_number)
            .filter(|scheme| *scheme != SecurityScheme::Sec0 && on_label);
        let scheme = self.sec_ver.or(labelled);
        let file = self
            .transcript
            .as_ref()
            .map(|path| create_private(path, "--transcript", Existing::Replaced))
            .transpose()?;
        let mut target = Target {
            address,
            name: name.clone(),
            is_whole_name: self.device_name.is_none(),
            transcript: transcript(file, recording),
            ..Target::of_kind(kind)
        };
        self.network.apply(&mut target)?;
        self.radio.apply(&mut target);
        // A board whose code was read at its port is on that port.
        self.serial
            .apply(self.qrcode.as_ref().and_then(port_of), &mut target);
        Ok(Asked {
            target,
            access: Access {
                scheme,
                pop,
                username,
                password,
                label_password: qr.password,
                sec2_compat: self.sec2_compat,
            },
            pace: Pace {
                search: self.discovery_timeout,
                limits: Limits::of_kind(kind),
                ..Pace::default()
            },
            label,
            network: qr.network,
        })
    }

    async fn payload(&self, inputs: &mut Inputs<'_>) -> Result<Payload, Failure> {
        match &self.qrcode {
            Some(given) => payload(given, "--qrcode", self.serial.log(&self.log), inputs).await,
            None => Ok(Payload::default()),
        }
    }

    fn address(
        &self,
        kind: TransportKind,
        inputs: &Inputs<'_>,
    ) -> Result<Option<Address>, Failure> {
        let host = inputs.one_of(
            ("device_ip", "--device-ip", self.device_ip.clone()),
            ("device_host", "--device-host", self.device_host.clone()),
        )?;
        Ok(where_it_is(kind, host, self.device_port))
    }
}

/// A flag that says where a device is on a network makes no sense where there is none.
pub(super) fn refuse_address(kind: TransportKind, inputs: &Inputs<'_>) -> Result<(), Failure> {
    let typed = ADDRESS_FLAGS
        .into_iter()
        .find(|(id, _)| inputs.is_typed(id));
    match typed {
        Some((_, flag)) if kind == TransportKind::Ble => Err(Failure::new(
            ErrorId::ConflictingFlags,
            format!("{flag} and the transport ble exclude each other: Bluetooth has no such address"),
        )
        .hint("--device-name takes a name, or the address that `espctl discover --transport ble` shows")),
        Some((_, flag)) if kind == TransportKind::Console => Err(Failure::new(
            ErrorId::ConflictingFlags,
            format!("{flag} and the transport console exclude each other: a serial line has no such address"),
        )
        .hint("--port names the serial port")),
        _ if kind != TransportKind::Console && inputs.is_typed("port") => Err(Failure::new(
            ErrorId::ConflictingFlags,
            format!("--port and the transport {kind} exclude each other: it is for a serial line"),
        )
        .hint("--transport console uses it; a TCP port goes to --device-port")),
        _ => Ok(()),
    }
}

/// Host and port, as far as they are given, completed by what is usual for the kind.
pub(super) fn where_it_is(
    kind: TransportKind,
    host: Option<String>,
    port: Option<u16>,
) -> Option<Address> {
    match (kind, host, port) {
        // Of an announcement, the port is part; others have none.
        (TransportKind::Ble | TransportKind::Console, _, _)
        | (TransportKind::SoftAp, None, None)
        | (TransportKind::OnNetwork, None, _) => None,
        (TransportKind::SoftAp, host, port) => Some(Address::Http {
            host: host.unwrap_or_else(|| SOFTAP_HOST.to_owned()),
            port: port.unwrap_or(DEVICE_PORT),
        }),
        (TransportKind::OnNetwork, Some(host), None) => Some(Address::Host { host }),
        (TransportKind::OnNetwork, Some(host), Some(port)) => Some(Address::Http { host, port }),
    }
}

/// The values of `--transport`: whatever drivers there are.
pub(super) fn transports() -> impl clap::builder::TypedValueParser<Value = TransportKind> {
    PossibleValuesParser::new(DRIVERS.iter().map(|driver| driver.kind().name()))
        .try_map(|name| name.parse())
}

/// An address, IPv6 with or without brackets and zone.
pub(super) fn parse_ip(text: &str) -> Result<String, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let (address, zone) = bare
        .split_once('%')
        .map_or((bare, None), |(ip, zone)| (ip, Some(zone)));
    let expected = || "expected an IP address; a host name goes to --device-host".to_owned();
    match address.parse().map_err(|_| expected())? {
        std::net::IpAddr::V4(_) if zone.is_some() => Err(expected()),
        _ if zone.is_some_and(str::is_empty) => Err(expected()),
        _ => Ok(bare.to_owned()),
    }
}

pub(super) fn parse_host(text: &str) -> Result<String, String> {
    if text.contains(':') {
        return parse_ip(text).map_err(|_| "a port goes to --device-port".to_owned());
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    if text.is_empty() || text.len() > 253 || !text.chars().all(fits) {
        return Err("expected a host name, without scheme and path".to_owned());
    }
    Ok(text.to_owned())
}

/// What says where a device is on a network.
const ADDRESS_FLAGS: [(&str, &str); 3] = [
    ("device_ip", "--device-ip"),
    ("device_host", "--device-host"),
    ("device_port", "--device-port"),
];
const LONGEST_USERNAME: usize = 65_535;
const SECURITY: &str = "Security";
const WHERE: &str = "Which device";

#[cfg(test)]
mod tests {
    use clap::FromArgMatches as _;

    use super::*;

    #[test]
    fn addresses_are_addresses_and_hosts_are_hosts() {
        assert_eq!(parse_ip("192.168.4.1").as_deref(), Ok("192.168.4.1"));
        assert_eq!(parse_ip("[::1]").as_deref(), Ok("::1"));
        assert_eq!(parse_ip("fe80::1%wlan0").as_deref(), Ok("fe80::1%wlan0"));
        for wrong in [
            "",
            "device.local",
            "192.168.4.1:80",
            "127.0.0.1%lo",
            "::1%",
            "1.2.3",
        ] {
            assert!(parse_ip(wrong).is_err(), "{wrong}");
        }
        assert!(parse_host("mydevice.local").is_ok());
        for wrong in ["", "http://x", "a/b", "a b", "a\r\nb", "host:80"] {
            assert!(parse_host(wrong).is_err(), "{wrong}");
        }
    }

    async fn scheme(line: &[&str]) -> Option<SecurityScheme> {
        let command = DeviceArgs::augment_args(clap::Command::new("espctl"));
        let matches = command.get_matches_from([&["espctl"], line].concat());
        let args = DeviceArgs::from_arg_matches(&matches).unwrap();
        let resolved = args.resolve(None, &mut Inputs::new(&matches), None).await;
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
        // The label is about provisioning, not about a device that joined a network.
        let on_network = ["--qrcode", LABEL_1, "--transport", "on-network"];
        assert_eq!(scheme(&on_network).await, None);
    }
}
