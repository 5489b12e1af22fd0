//! `emulate cloud`: plays the owner's account on this computer, for tests and for trying things
//! without one. What it knows and answers is `emulator`'s; here are the flags, the first line,
//! and the log.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::{cannot_listen, print};
use crate::cli::args::inputs::{Existing, create_private};
use crate::cli::args::public_text::PublicText;
use crate::cli::terminal;
use crate::emulator::cloud::account::AccountSettings;
use crate::emulator::cloud::fault::Fault;
use crate::emulator::cloud::listen::Listener;
use crate::emulator::cloud::{Cloud, CloudSettings, random};
use crate::emulator::log::Log;
use crate::report::{ErrorId, Failure};
use crate::secret::Secret;

/// Play a RainMaker cloud with one account, without the internet.
///
/// It listens on this computer and answers as the classic API does; tokens and signatures are
/// really checked. The first line on standard output is a JSON object with its URL, the user and
/// the password; what it is asked is shown on standard error. It forgets everything when it ends,
/// which it does when it is interrupted. Emulated devices register with it: emulate device
/// --cloud URL.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct EmulateCloud {
    /// Address to listen on. Anything but this computer lets others in.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,

    /// Port to listen on; 0 takes a free one, and the first line says which.
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,

    /// Who has an account.
    #[arg(long, value_name = "NAME", default_value = "user@example.com")]
    user: PublicText,

    /// The password [default: sixteen random letters and digits].
    #[arg(long)]
    password: Option<Secret<String>>,

    /// Somebody else who has an account; can be given again.
    #[arg(long, value_name = "NAME:PASSWORD", value_parser = parse_user)]
    also_user: Vec<(String, Secret<String>)>,

    /// Want this code after the password; a user name and this code are enough, too.
    #[arg(long, value_name = "CODE")]
    otp: Option<Secret<String>>,

    /// How long an access token counts, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    access_life: u64,

    /// Give a new refresh token with every refresh, and end the old one.
    #[arg(long)]
    rotate_refresh: bool,

    /// Put the characters - and _ into every token's claims, which plain base64 does not know.
    /// Without it, there are none.
    #[arg(long)]
    base64url_claims: bool,

    /// How many nodes or groups a page of a list holds at most.
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u16).range(1..))]
    page_size: u16,

    /// How long a mapping by secret key waits for the node, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    mapping_timeout: u64,

    /// How long a challenge counts if the client does not say, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    challenge_life: u64,

    /// What goes wrong with the N-th request to a path, or with its answer, as in
    /// user/nodes/mapping/initiate:1:drop; N is * for every one, and so is the path; a method may
    /// come before it, as in "GET user/nodes:2:html"; can be given again. Kinds: close, delay=MS,
    /// drop, error-code-string, failure-200, html, malformed, mute, no-challenge, not-found,
    /// request-status=TEXT, status=NNN, unauthorized.
    #[arg(long, value_name = "PATH:N:KIND")]
    fault: Vec<Fault>,

    /// Write what the cloud is asked to this file, one JSON object a line. Tokens, passwords and
    /// secret keys are not in it.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

/// Plays the cloud until it is dropped.
pub(super) async fn run(args: &EmulateCloud) -> Result<(), Failure> {
    let mut log = Log::default().shown_to(Box::new(|line| {
        terminal::print_note(&format!("cloud: {line}"));
    }));
    if let Some(path) = &args.log {
        let file = create_private(path, "--log", Existing::Replaced)?;
        log = log.lines_to(Box::new(file));
    }
    let password = args.password.clone();
    let password = password.unwrap_or_else(|| Secret::new(random::alphanumerics(16)));
    let cloud = Cloud::new(args.settings(password.clone())?, log);
    let asked = SocketAddr::new(args.listen, args.port);
    let listener = Listener::bind(asked).await;
    let listener = listener.map_err(|error| cannot_listen(asked, &error))?;
    let bound = listener.address;
    // Where the cloud is, and what opens the account.
    print(&json!({
        "event": "ready",
        "url": format!("http://{bound}"),
        "address": bound.ip(),
        "port": bound.port(),
        "user": &*args.user,
        "password": password.expose(),
        "user_id": cloud.user_id(&args.user),
    }))?;
    match listener.serve(cloud).await {}
}

impl EmulateCloud {
    fn settings(&self, password: Secret<String>) -> Result<CloudSettings, Failure> {
        let mut users = vec![(self.user.to_string(), password)];
        for (name, password) in &self.also_user {
            if users.iter().any(|(known, _)| known == name) {
                let message = format!("--also-user: there is {name} already");
                return Err(Failure::new(ErrorId::ConflictingFlags, message));
            }
            users.push((name.clone(), password.clone()));
        }
        Ok(CloudSettings {
            accounts: AccountSettings {
                users,
                otp: self.otp.clone(),
                access_life: Duration::from_secs(self.access_life),
                rotates: self.rotate_refresh,
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
