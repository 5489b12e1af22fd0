//! `emulate cloud`: the flags, the first line and the log of an emulated cloud. Its behavior is in
//! `emulator`.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::json;

use super::failures::conflict;
use super::listen::{ListenFlags, cannot_listen};
use crate::cli::args::inputs::{Existing, create_private};
use crate::cli::args::public_text::PublicText;
use crate::cli::terminal::{print_json, print_note};
use crate::emulator::cloud::listen::CloudPort;
use crate::emulator::cloud::{Cloud, CloudSettings, random};
use crate::emulator::log::Log;
use crate::report::Failure;
use crate::secret::Secret;

/// Play a RainMaker cloud with one account, without the internet.
///
/// It listens on this computer and answers as the classic API does; tokens and signatures are
/// really checked. The first line on standard output is a JSON object with its URL, the user and
/// the password; requests to it are shown on standard error. It forgets everything when it ends,
/// which it does when it is interrupted. Emulated devices register with it: emulate device
/// --cloud URL.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct EmulateCloud {
    #[command(flatten)]
    listen: ListenFlags,

    /// User name of the account.
    #[arg(long, value_name = "NAME", default_value = "user@example.com")]
    user: PublicText,

    /// The password [default: sixteen random letters and digits].
    #[arg(long)]
    password: Option<Secret<String>>,

    /// Another user with an account; can be given again.
    #[arg(long, value_name = "NAME:PASSWORD", value_parser = parse_user)]
    also_user: Vec<(String, Secret<String>)>,

    #[command(flatten)]
    settings: CloudSettings,

    /// Write a log of the requests to this file, one JSON object a line. Tokens, passwords and
    /// secret keys are not in it.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// Plays the cloud until the future is dropped.
pub(super) async fn play_cloud(args: &EmulateCloud) -> Result<(), Failure> {
    let mut log =
        Log::default().with_reader(Box::new(|line| print_note(&format!("cloud: {line}"))));
    if let Some(path) = &args.log {
        let file = create_private(path, "--log", Existing::Replaced)?;
        log = log.with_sink(Box::new(file));
    }
    let password = args.password.clone();
    let password = password.unwrap_or_else(|| random::alphanumerics(16).into());
    let cloud = Cloud::new(args.settings(password.clone())?, log);
    let address = SocketAddr::new(args.listen.listen, args.listen.port);
    let listener = CloudPort::bind(address).await;
    let listener = listener.map_err(|error| cannot_listen(address, &error))?;
    let bound = listener.address;
    let ready = json!({
        "event": "ready",
        "url": format!("http://{bound}"),
        "address": bound.ip(),
        "port": bound.port(),
        "user": &*args.user,
        "password": password.expose(),
        "user_id": cloud.user_id(&args.user),
    });
    print_json(&ready).map_err(|error| Failure::output_lost(&error))?;
    match listener.serve(cloud).await {}
}

impl EmulateCloud {
    fn settings(&self, password: Secret<String>) -> Result<CloudSettings, Failure> {
        let mut settings = self.settings.clone();
        let users = &mut settings.accounts.users;
        users.push((self.user.to_string(), password));
        for (name, password) in &self.also_user {
            if users.iter().any(|(user, _)| user == name) {
                return conflict(format!("--also-user: the user {name} already exists"));
            }
            users.push((name.clone(), password.clone()));
        }
        Ok(settings)
    }
}

fn parse_user(text: &str) -> Result<(String, Secret<String>), String> {
    match text.split_once(':') {
        Some((name, password)) if !name.is_empty() && !password.is_empty() => {
            Ok((name.to_owned(), Secret::new(password.to_owned())))
        }
        _ => Err("expected NAME:PASSWORD".to_owned()),
    }
}
