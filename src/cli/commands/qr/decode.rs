//! `qr decode`: what a label says, in words, and the command that follows from it. It shows the PoP,
//! because that is what it is for.

use clap::Args;
use clap::builder::{NonEmptyStringValueParser, TypedValueParser as _};
use serde_json::{Value, json};

use crate::cli::args::drivers::Drivers;
use crate::cli::args::inputs::Inputs;
use crate::cli::args::label::found;
use crate::cli::args::public_text::PublicText;
use crate::cli::args::serial::{LogArgs, SpeedArgs};
use crate::cli::terminal::{Printer, keys_of};
use crate::ident::printable;
use crate::qr::{Network, Payload, Remark};
use crate::report::{Failure, quote_word};
use crate::secret::Secret;

/// Arguments of `qr decode`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Decode {
    /// The code's text: JSON, `NP:…` or a URL with `data=`. `@FILE` reads a file, which may be text,
    /// a log, PNG or JPEG; `-` reads stdin; `serial:PORT` waits for it in a board's log.
    #[arg(
        value_name = "PAYLOAD|@FILE|-",
        required_unless_present = "from_serial"
    )]
    payload: Option<Secret<String>>,

    /// Wait for the code in the log of the board at this serial port, for a minute: it is printed
    /// when the board starts.
    #[arg(long, value_name = "PORT", conflicts_with = "payload", value_parser = NonEmptyStringValueParser::new().map(PublicText::from))]
    from_serial: Option<PublicText>,

    #[command(flatten)]
    speed: SpeedArgs,

    #[command(flatten)]
    log: LogArgs,
}

/// Runs `qr decode`.
pub(super) async fn run(
    args: &Decode,
    inputs: &mut Inputs<'_>,
    printer: &Printer,
    drivers: &Drivers,
) -> Result<(), Failure> {
    let given = match (&args.payload, &args.from_serial) {
        (Some(given), _) => given.clone(),
        (None, port) => Secret::new(format!("serial:{}", port.as_deref().unwrap_or_default())),
    };
    let found = found(&given, PAYLOAD, args.speed.log(&args.log), inputs, drivers).await?;
    let payload = &found.payload;
    let command = command(payload, given.expose());
    let mut lines: Vec<String> = rows(payload)
        .into_iter()
        .map(|(name, value)| format!("{name:<15}{value}"))
        .collect();
    lines.push(String::new());
    if payload.network == Some(Network::Thread) {
        lines.push(
            "The device wants a Thread network, which this version cannot give it.".to_owned(),
        );
    } else {
        if payload.transport.as_deref() == Some("softap") {
            lines.push("Join its hotspot with this computer, then run:".to_owned());
        } else {
            lines.push("Run:".to_owned());
        }
        lines.push(format!("  {command}"));
    }
    let mut keys = keys_of("payload", &document(payload));
    let cut = payload.remarks.iter().find_map(|remark| match remark {
        Remark::Cut { key } => Some(key.unwrap_or("")),
        Remark::NotEscaped => None,
    });
    keys.insert("cut".to_owned(), json!(cut));
    keys.insert("command".to_owned(), json!(command));
    printer.result(&lines, keys)
}

fn rows(payload: &Payload) -> Vec<(&'static str, String)> {
    let said = shown;
    let secret = |secret: &Option<Secret<String>>| {
        secret
            .as_ref()
            .filter(|secret| !secret.expose().is_empty())
            .map(|secret| said(secret.expose()))
    };
    let lost = |key| payload.remarks.contains(&Remark::Cut { key: Some(key) });
    let none = |key, otherwise: &str| {
        let cut = "cut off: take it from somewhere else";
        if lost(key) { cut } else { otherwise }.to_owned()
    };
    let mut rows = vec![
        (
            "name",
            payload
                .name
                .as_deref()
                .map_or_else(|| none("name", "not said"), said),
        ),
        (
            "transport",
            match payload.transport.as_deref() {
                Some("ble") => "ble (Bluetooth Low Energy)".to_owned(),
                Some("softap") => "softap (a hotspot of the device)".to_owned(),
                Some(other) => format!("{} (unknown)", said(other)),
                None => none("transport", "not said"),
            },
        ),
        (
            "PoP",
            secret(&payload.pop).unwrap_or_else(|| none("pop", "none")),
        ),
        (
            "security",
            match payload.security {
                Some(number) => number.to_string(),
                None => "not said: the device tells".to_owned(),
            },
        ),
    ];
    if let Some(username) = payload.username.as_deref() {
        rows.push(("user name", format!("{} (Security 2)", said(username))));
    }
    if let Some(network) = payload.network {
        rows.push(("network", network.name().to_owned()));
    }
    if let Some(password) = secret(&payload.password) {
        rows.push(("hotspot's key", password));
    }
    rows
}

/// As it is, so that it can be copied, but for what could steer a terminal.
fn shown(text: &str) -> String {
    let parts: Vec<String> = text
        .split('\\')
        .map(|part| printable(part.as_bytes()))
        .collect();
    parts.join("\\")
}

fn document(payload: &Payload) -> Value {
    let secret = |secret: &Option<Secret<String>>| secret.as_ref().map(|one| one.expose().clone());
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

/// What to type next, with the payload where it was.
fn command(payload: &Payload, given: &str) -> String {
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

/// As one word for a shell, and without what could steer a terminal: such a payload is better in
/// a file.
fn quote_payload(word: &str) -> String {
    if word.chars().any(char::is_control) {
        return "@FILE".to_owned();
    }
    quote_word(word)
}

/// How the argument is called in messages.
pub(super) const PAYLOAD: &str = "PAYLOAD";
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
    fn a_shell_reads_one_word() {
        assert_eq!(quote_payload("@label.png"), "@label.png");
        assert_eq!(quote_payload("NP:a|it's|b"), r#""NP:a|it's|b""#);
        assert_eq!(quote_payload("{\n}"), "@FILE");
    }
}
