//! What espctl asks at a terminal, and in which words. Prompts for text block, so they run on a thread of
//! their own and signals still reach the program. However a prompt ends, also when it is dropped, the
//! terminal is as before.

use std::fmt::Display;
use std::io;

use crossterm::cursor::Show;
use crossterm::event::DisableBracketedPaste;
use crossterm::style::Print;
use crossterm::{execute, terminal};
use inquire::ui::RenderConfig;
use inquire::validator::{StringValidator, Validation, ValueRequiredValidator};
use inquire::{
    Confirm, InquireError, Password, PasswordDisplayMode, Text, set_global_render_config,
};
use tokio::task::spawn_blocking;

use super::color::has_color;
use super::devices::device_table;
use super::list::{List, Picked, Row, pick};
use super::output::print_note;
use super::text::network_table;
use crate::endpoint::wifi_scan::AccessPoint;
use crate::flows::{Chosen, Growing, Question};
use crate::ident::{Passphrase, Ssid};
use crate::secret::Secret;
use crate::transport::Candidate;

/// Asks which of these networks.
pub(super) async fn choose_network(networks: Growing<AccessPoint>) -> Chosen {
    loop {
        let index = match at_terminal(pick(networks.clone(), list_networks)).await {
            Some(Picked::Row(index)) => index,
            Some(Picked::Zero) => return Chosen::Rescan,
            None => return Chosen::Nothing,
        };
        let question = match networks.items().get(index) {
            Some(network) if network.ssid.is_some() => return Chosen::Item(index),
            Some(_) => "Name of the hidden network (SSID):",
            None => "Name of the network (SSID):",
        };
        // Back to the list, on Esc.
        if let Some(ssid) = on_thread(move || ssid(question)).await {
            return Chosen::Manual(ssid);
        }
    }
}

/// Asks which of these devices; of one, whether it is meant.
pub(super) async fn choose_device(devices: Growing<Candidate>) -> Chosen {
    match at_terminal(pick(devices, list_devices)).await {
        Some(Picked::Row(index)) => Chosen::Item(index),
        Some(Picked::Zero) => Chosen::Rescan,
        None => Chosen::Declined,
    }
}

fn list_devices(devices: &[Candidate], is_complete: bool) -> List {
    let mut lines = device_table(devices).into_iter();
    List {
        title: match devices {
            _ if !is_complete => "Discovered so far:",
            [_] => "Discovered 1 device:",
            _ => "Discovered several devices:",
        },
        header: lines.next().unwrap_or_default(),
        rows: lines.map(Row::from).collect(),
        prompt: "Select device number (0 to look again, or 'q' to quit):",
    }
}

/// Asks one question.
pub(super) async fn ask(question: &Question) -> Option<Secret<String>> {
    let question = question.clone();
    on_thread(move || match question {
        Question::NewPassphrase(ssid) => {
            let note = format!("The device could not join {ssid} with the passphrase before");
            print_note(&note);
            passphrase(&format!("Another passphrase of {ssid}:"), &ssid)
        }
        Question::Passphrase(ssid) => passphrase(&format!("Passphrase of {ssid}:"), &ssid),
        Question::Password => secret("Password of Security 2:", PASSWORD, require_text()),
        Question::Pop => secret("Proof of possession (PoP):", POP, require_text()),
        Question::Ssid => ssid("Name of the Wi-Fi network (SSID):")
            .map(|ssid| Secret::new(String::from_utf8_lossy(ssid.as_bytes()).into_owned())),
    })
    .await
}

/// Asks for a secret that belongs to no device.
pub(super) async fn ask_secret(message: &str, help: &str) -> Option<Secret<String>> {
    let (message, help) = (message.to_owned(), help.to_owned());
    on_thread(move || secret(&message, &help, require_text())).await
}

/// Asks for a yes or no; Enter is no.
pub(super) async fn confirm(message: &str) -> bool {
    let message = message.to_owned();
    on_thread(move || ask_yes(&message)).await.unwrap_or(false)
}

fn ask_yes(message: &str) -> Result<bool, InquireError> {
    Confirm::new(message).with_default(false).prompt()
}

fn list_networks(networks: &[AccessPoint], _is_complete: bool) -> List {
    let mut lines = network_table(networks).into_iter();
    let header = lines.next().unwrap_or_default();
    let rows = lines.zip(networks).map(|(text, network)| Row {
        text,
        refusal: network.auth.is_enterprise().then_some(ENTERPRISE),
    });
    let mut rows: Vec<Row> = rows.collect();
    rows.push(format!("[{:>2}] Join another network", rows.len() + 1).into());
    List {
        title: "Select the Wi-Fi network from the following list:",
        header,
        rows,
        prompt: "Select AP by number (0 to rescan) :",
    }
}

fn ssid(message: &str) -> Result<Ssid, InquireError> {
    let text = Text::new(message)
        .with_validator(|text: &str| Ok(to_validation(text.parse::<Ssid>())))
        .prompt()?;
    Ok(text.parse().map_err(io::Error::other)?)
}

/// An empty passphrase is an open network, if the person confirms it.
fn passphrase(message: &str, ssid: &Ssid) -> Result<Secret<String>, InquireError> {
    let valid = |text: &str| Ok(to_validation(Passphrase::new(Secret::new(text.to_owned()))));
    loop {
        let typed = secret(message, PASSPHRASE, valid)?;
        if !typed.expose().is_empty() {
            return Ok(typed);
        }
        if ask_yes(&format!("Is {ssid} open, without a passphrase?"))? {
            return Ok(typed);
        }
    }
}

fn secret(
    message: &str,
    help: &str,
    validator: impl StringValidator + 'static,
) -> Result<Secret<String>, InquireError> {
    let typed = Password::new(message)
        .without_confirmation()
        .with_display_mode(PasswordDisplayMode::Masked)
        .with_display_toggle_enabled()
        .with_help_message(help)
        .with_validator(validator)
        .prompt()?;
    Ok(Secret::new(typed))
}

fn require_text() -> ValueRequiredValidator {
    ValueRequiredValidator::new("nothing was typed")
}

fn to_validation<T, E: Display>(parsed: Result<T, E>) -> Validation {
    match parsed {
        Ok(_) => Validation::Valid,
        Err(error) => Validation::Invalid(error.to_string().into()),
    }
}

/// Runs a blocking prompt on a thread of its own.
async fn on_thread<T: Send + 'static>(
    prompt: impl FnOnce() -> Result<T, InquireError> + Send + 'static,
) -> Option<T> {
    set_global_render_config(if has_color() {
        RenderConfig::default_colored()
    } else {
        RenderConfig::empty()
    });
    let prompting = spawn_blocking(prompt);
    at_terminal(async { prompting.await.map_err(io::Error::other)? }).await
}

/// Lends the terminal to a prompt. `None`: there is no answer, and none will come.
async fn at_terminal<T>(prompt: impl Future<Output = Result<T, InquireError>>) -> Option<T> {
    let screen = Screen { left: false };
    let outcome = prompt.await;
    screen.leave();
    match outcome {
        Ok(answer) => Some(answer),
        Err(InquireError::OperationCanceled) => None,
        Err(InquireError::OperationInterrupted) => interrupt().await,
        Err(error) => {
            tracing::debug!(%error, "asking");
            None
        }
    }
}

/// A prompt reads Ctrl-C as a key. This makes it a signal again, whose handler ends the wait.
async fn interrupt<T>() -> Option<T> {
    #[cfg(unix)]
    {
        use rustix::process::{Signal, getpid, kill_process};
        if kill_process(getpid(), Signal::INT).is_ok() {
            std::future::pending::<()>().await;
        }
    }
    None
}

/// The terminal while a prompt uses it. When the prompt is dropped, the terminal is restored here.
struct Screen {
    left: bool,
}

impl Screen {
    fn leave(mut self) {
        self.left = true;
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = io::stderr();
        // All of this changes nothing if the prompt has restored the terminal. A failure has no
        // remedy, so it is not reported.
        let _raw: io::Result<()> = terminal::disable_raw_mode();
        let _shown: io::Result<()> = execute!(out, DisableBracketedPaste, Show);
        if !self.left {
            let _line: io::Result<()> = execute!(out, Print("\n"));
        }
    }
}

const ENTERPRISE: &str = "this is an enterprise network, which cannot be joined by this protocol";
const PASSPHRASE: &str = "8 to 63 bytes; nothing for an open network; Ctrl+R shows what is typed";
const PASSWORD: &str = "for most firmware the PoP: on the label, or in the app for a device on the network; wrong ones can lock it; Ctrl+R shows what is typed";
const POP: &str = "on the label, or in the app for a device on the network; wrong ones can lock it; Ctrl+R shows what is typed";
