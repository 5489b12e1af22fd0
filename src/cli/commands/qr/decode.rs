//! `qr decode`: explains a label and names the next command. It shows the PoP, because people run it
//! to read the PoP.

use clap::Args;
use clap::builder::{NonEmptyStringValueParser, TypedValueParser as _};
use serde_json::{Value, json};

use super::board::BoardArgs;
use crate::cli::args::public_text::PublicText;
use crate::cli::workplace::Workplace;
use crate::ident::printable;
use crate::qr::{Network, Payload, Remark};
use crate::report::{Failure, quote_word};
use crate::secret::Secret;

/// Arguments of `qr decode`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Decode {
    /// The text of the code: JSON, `NP:…` or a URL with `data=`. `@FILE` reads a file: text, a log, PNG
    /// or JPEG; `-` reads stdin; `serial:PORT` waits for the code in a board's log.
    #[arg(
        value_name = "PAYLOAD|@FILE|-",
        required_unless_present = "from_serial"
    )]
    payload: Option<Secret<String>>,

    /// Wait for the code in the log of the board at this serial port. Boards print it when they
    /// start.
    #[arg(long, value_name = "PORT", conflicts_with = "payload", value_parser = NonEmptyStringValueParser::new().map(PublicText::from))]
    from_serial: Option<PublicText>,

    #[command(flatten)]
    board: BoardArgs,
}

impl Decode {
    /// Runs `qr decode`.
    pub(super) async fn decode(&self, workplace: &Workplace) -> Result<(), Failure> {
        let source = match (&self.payload, &self.from_serial) {
            (Some(payload), _) => payload.clone(),
            (None, port) => Secret::new(format!("serial:{}", port.as_deref().unwrap_or_default())),
        };
        let payload = &self.board.read_label(&source, workplace).await?;
        let command = provision_command(payload, source.expose());
        let advice = match (payload.network, payload.transport.as_deref()) {
            (Some(Network::Thread), _) => {
                "The device needs a Thread network, which this version does not support."
            }
            (_, Some("softap")) => "Join its hotspot with this computer, then run:",
            _ => "Run:",
        };
        let mut lines = describe(payload);
        lines.extend([String::new(), advice.to_owned()]);
        if payload.network != Some(Network::Thread) {
            lines.push(format!("  {command}"));
        }
        let cut = payload.remarks.iter().find_map(|remark| match remark {
            Remark::Cut { key } => Some(key.unwrap_or("")),
            Remark::NotEscaped => None,
        });
        let keys = json!({ "payload": json_payload(payload), "cut": cut, "command": command });
        workplace.printer.result(&lines, keys)
    }
}

/// The values for people, each with its name.
fn describe(payload: &Payload) -> Vec<String> {
    let or_missing = |key, value: Option<String>, missing: &str| {
        let is_cut = payload.remarks.contains(&Remark::Cut { key: Some(key) });
        let missing = if is_cut { CUT_OFF } else { missing };
        Some(value.unwrap_or_else(|| missing.to_owned()))
    };
    let secret = |secret: &Option<Secret<String>>| {
        let text = secret.as_ref().map(|secret| escape(secret.expose()));
        text.filter(|text| !text.is_empty())
    };
    let name = payload.name.as_deref().map(escape);
    let transport = payload.transport.as_deref().map(|name| match name {
        "ble" => "ble (Bluetooth Low Energy)".to_owned(),
        "softap" => "softap (a hotspot of the device)".to_owned(),
        other => format!("{} (unknown)", escape(other)),
    });
    let security = payload.security.as_ref().map(ToString::to_string);
    let unlabeled_security = || format!("{UNLABELED}; read from the device");
    let username = payload.username.as_deref();
    let rows = [
        ("name", or_missing("name", name, UNLABELED)),
        ("transport", or_missing("transport", transport, UNLABELED)),
        ("PoP", or_missing("pop", secret(&payload.pop), "none")),
        ("security", security.or_else(|| Some(unlabeled_security()))),
        (
            "user name",
            username.map(|name| format!("{} (Security 2)", escape(name))),
        ),
        (
            "network",
            payload.network.map(|network| network.name().to_owned()),
        ),
        ("hotspot's key", secret(&payload.password)),
    ];
    let rows = rows.into_iter();
    rows.filter_map(|(name, value)| Some(format!("{name:<15}{}", value?)))
        .collect()
}

/// Escapes what could steer a terminal, but not backslashes, so that people can copy the text.
fn escape(text: &str) -> String {
    let parts = text.split('\\').map(|part| printable(part.as_bytes()));
    parts.collect::<Vec<_>>().join("\\")
}

fn json_payload(payload: &Payload) -> Value {
    let secret =
        |secret: &Option<Secret<String>>| secret.as_ref().map(|text| text.expose().clone());
    json!({
        "ver": payload.ver,
        "name": payload.name,
        "username": payload.username,
        "pop": secret(&payload.pop),
        "transport": payload.transport,
        "security": payload.security,
        "network": payload.network.map(Network::name),
        "password": secret(&payload.password),
    })
}

/// The next command to run. It reads the payload from the same source.
fn provision_command(payload: &Payload, given: &str) -> String {
    let mut command = format!("espctl provision --qrcode {}", quote_payload(given));
    for (key, flag) in [
        ("name", " --device-name NAME"),
        ("pop", " --pop POP"),
        ("transport", " --transport TRANSPORT"),
    ] {
        if payload.remarks.contains(&Remark::Cut { key: Some(key) }) {
            command.push_str(flag);
        }
    }
    command.push_str(" --ssid SSID --passphrase-file FILE");
    command
}

/// The payload as one word for a shell. A payload with control characters, which could steer a
/// terminal, belongs in a file.
fn quote_payload(word: &str) -> String {
    if word.chars().any(char::is_control) {
        return "@FILE".to_owned();
    }
    quote_word(word)
}

const UNLABELED: &str = "not in the label";
const CUT_OFF: &str = "cut off; get it from another source";
const EXAMPLES: &str = "\
Examples:
  espctl qr decode '{\"ver\":\"v1\",\"name\":\"PROV_fc9ea3\",\"pop\":\"7a9d365e\",\"transport\":\"ble\"}'
  espctl qr decode 'NP:PROV_fc9ea3|7a9d365e|b'
  espctl qr decode @label.jpg
  espctl qr decode @boot.log --format json";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payload_is_one_word_for_a_shell() {
        assert_eq!(quote_payload("@label.png"), "@label.png");
        assert_eq!(quote_payload("NP:a|it's|b"), r#""NP:a|it's|b""#);
        assert_eq!(quote_payload("{\n}"), "@FILE");
    }
}
