//! `emulate cloud`: the flags, the first line and the log of an emulated cloud. Its behavior is in
//! `emulator`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::failures::conflict;
use super::listen::{ListenFlags, cannot_listen};
use crate::cli::args::inputs::{Existing, create_private};
use crate::cli::args::public_text::PublicText;
use crate::cli::terminal::{print_json, print_note};
use crate::emulator::cloud::account::AccountSettings;
use crate::emulator::cloud::fault::CloudFault;
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

    /// Require this code after the password. A user name and this code also suffice.
    #[arg(long, value_name = "CODE")]
    otp: Option<Secret<String>>,

    /// How long an access token is valid, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    access_life: u64,

    /// Give a new refresh token with every refresh, and end the old one.
    #[arg(long)]
    rotate_refresh: bool,

    /// Put the characters - and _ into every token's claims, which plain base64 does not know.
    /// Without it, no claim contains them.
    #[arg(long)]
    base64url_claims: bool,

    /// How many nodes or groups a page of a list holds at most.
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..))]
    page_size: u16,

    /// How long a mapping by secret key waits for the node, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    mapping_timeout: u64,

    /// How long a challenge is valid if the client sets no time, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    challenge_life: u64,

    /// What goes wrong with the N-th request to a path, or with its answer, as in
    /// user/nodes/mapping/initiate:1:drop; N is * for every one, and so is the path; a method may
    /// come before it, as in "GET user/nodes:2:html"; can be given again. Kinds: close, delay=MS,
    /// drop, error-code-string, failure-200, html, malformed, mute, no-challenge, not-found,
    /// request-status=TEXT, status=NNN, unauthorized.
    #[arg(long, value_name = "PATH:N:KIND")]
    fault: Vec<CloudFault>,

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
    let password = args
        .password
        .clone()
        .unwrap_or_else(|| Secret::new(random::alphanumerics(16)));
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
        let mut users = vec![(self.user.to_string(), password)];
        for (name, password) in &self.also_user {
            if users.iter().any(|(user, _)| user == name) {
                return conflict(format!("--also-user: the user {name} already exists"));
            }
            users.push((name.clone(), password.clone()));
        }
        Ok(CloudSettings {
            accounts: AccountSettings {
                users,
                otp: self.otp.clone(),
                access_life: Duration::from_secs(self.access_life),
                rotates_refresh: self.rotate_refresh,
                base64url_claims: self.base64url_claims,
            },
            page_size: usize::from(self.page_size),
            mapping_wait: Duration::from_secs(self.mapping_timeout),
            challenge_life: Duration::from_secs(self.challenge_life),
            faults: self.fault.clone(),
        })
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
