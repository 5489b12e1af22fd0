//! The flags of the account, for every command that needs one, and what they select: a profile, its
//! login, and a client for both. Tokens in environment variables replace a login.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::account::{Folder, Profile};
use crate::cli::args::completions::profiles;
use crate::cli::args::environment::{
    ACCESS_TOKEN, account_folder, cloud_failure, variable, without_device,
};
use crate::cli::args::inputs::parse_seconds;
use crate::cli::args::public_text::PublicText;
use crate::cli::terminal::print_note;
use crate::cloud::{Client, Limits, Settings, TokenStore, Tokens};
use crate::ident::printable;
use crate::report::{Context, ErrorId, Failure, quote_word, remedies};
use crate::secret::Secret;

/// The account.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct AccountArgs {
    /// Profile of the account [default: the current one]
    #[arg(long, value_name = "NAME", env = "ESPCTL_PROFILE", add = profiles(), help_heading = ACCOUNT)]
    profile: Option<PublicText>,

    /// Trust these certificates (PEM) in addition to the system's, for a cloud of your own.
    #[arg(long, value_name = "FILE", env = "ESPCTL_CA_CERT", help_heading = ACCOUNT)]
    ca_cert: Option<PathBuf>,

    /// Send login and tokens over plain HTTP to another computer. Others on the way can read them.
    #[arg(long, env = "ESPCTL_ALLOW_PLAIN_HTTP", value_parser = FalseyValueParser::new(), help_heading = ACCOUNT)]
    allow_plain_http: bool,

    /// Time limit for each answer of the cloud, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_CLOUD_TIMEOUT", value_parser = parse_seconds, default_value = "15", help_heading = ACCOUNT)]
    cloud_timeout: Duration,
}

/// A login on disk or in the environment.
#[derive(Debug)]
pub(in crate::cli) struct LoggedIn {
    folder: Folder,
    pub(in crate::cli) profile: Profile,
    pub(in crate::cli) tokens: Tokens,
    pub(in crate::cli) source: Source,
}

/// Where the tokens came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Source {
    /// `ESPCTL_ACCESS_TOKEN`: never renewed, never written.
    Environment,
    /// A login on disk.
    Stored,
}

impl AccountArgs {
    /// A client for the account. It calls the profile's host only, with the profile's tokens. Nothing is
    /// sent yet.
    pub(in crate::cli) fn open(&self) -> Result<Client, Failure> {
        let LoggedIn {
            folder,
            profile,
            tokens,
            source,
        } = self.read_login()?;
        let store: Option<Box<dyn TokenStore>> = match source {
            Source::Environment => None,
            Source::Stored => Some(Box::new(folder.token_store(&profile))),
        };
        Ok(self.client(&profile)?.with_tokens(tokens, store))
    }

    /// The login of the profile; without one it fails.
    pub(in crate::cli) fn read_login(&self) -> Result<LoggedIn, Failure> {
        let (folder, profile) = self.select()?;
        let (tokens, source) =
            read_tokens(&folder, &profile)?.ok_or_else(|| not_logged_in(&profile))?;
        Ok(LoggedIn {
            folder,
            profile,
            tokens,
            source,
        })
    }

    /// The profile, with or without a login, and the folder of its files.
    pub(in crate::cli) fn select(&self) -> Result<(Folder, Profile), Failure> {
        let folder = account_folder()?;
        let profile = folder.select_profile(self.profile.as_deref());
        let profile = profile.map_err(|error| Failure::of_account(&error))?;
        Ok((folder, profile))
    }

    /// Whether espctl may send secrets over plain HTTP to another computer.
    pub(in crate::cli) fn allows_plain_http(&self) -> bool {
        self.allow_plain_http
    }

    /// A client without a login.
    pub(in crate::cli) fn client(&self, profile: &Profile) -> Result<Client, Failure> {
        let ca_cert = self.ca_cert.as_deref().map(read_certificates);
        let settings = Settings {
            base_url: profile.base_url.clone(),
            ca_cert: ca_cert.transpose()?,
            allow_plain_http: self.allow_plain_http,
            limits: Limits {
                answer: self.cloud_timeout,
                ..Limits::default()
            },
        };
        let step = format!("preparing the account of the profile {}", profile.name);
        Client::new(&settings).map_err(|error| cloud_failure(&error, &step))
    }
}

/// The message about a renewed login that could not be saved, if there is one.
pub(in crate::cli) fn describe_save_error(client: &Client) -> Option<String> {
    let why = client.take_save_error()?;
    Some(format!(
        "the renewed login could not be kept, so that the next command may need `espctl login`: {why}"
    ))
}

/// Prints a warning if a renewed login could not be saved.
pub(in crate::cli) fn warn_if_not_saved(client: &Client) {
    if let Some(error) = describe_save_error(client) {
        print_note(&format!("warning: {error}"));
    }
}

/// The warning about tokens of another cloud than the profile's, if they are.
pub(in crate::cli) fn describe_foreign_issuer(
    profile: &Profile,
    tokens: &Tokens,
) -> Option<String> {
    let issuer = tokens.issuer()?;
    (!profile.may_be_issued_by(&issuer)).then(|| {
        format!(
            "warning: these tokens were issued by {}, not by the cloud of the profile {}, which will \
             probably reject them",
            printable(issuer.as_bytes()),
            profile.name
        )
    })
}

fn read_certificates(path: &Path) -> Result<Vec<u8>, Failure> {
    let pem = fs::read(path).map_err(|error| {
        let message = format!("--ca-cert: cannot read {}", path.display());
        Failure::new(ErrorId::UnreadableFile, message).cause(&error)
    })?;
    // A file without certificates would have no effect.
    if pem.windows(BEGIN.len()).any(|part| part == BEGIN) {
        return Ok(pem);
    }
    let message = format!(
        "--ca-cert: {} has no certificate in PEM form",
        path.display()
    );
    Err(Failure::new(ErrorId::BadCaCert, message))
}

/// The tokens in effect, if there are any.
fn read_tokens(folder: &Folder, profile: &Profile) -> Result<Option<(Tokens, Source)>, Failure> {
    if let Some(access) = read_token(ACCESS_TOKEN)? {
        let tokens = Tokens {
            id: read_token(ID_TOKEN)?,
            ..Tokens::access_only(access)
        };
        return Ok(Some((tokens, Source::Environment)));
    }
    let stored = folder.read_tokens(profile);
    let stored = stored.map_err(|error| Failure::of_account(&error))?;
    Ok(stored.map(|tokens| (tokens, Source::Stored)))
}

fn read_token(name: &str) -> Result<Option<Secret<String>>, Failure> {
    let Some(value) = variable(name) else {
        return Ok(None);
    };
    // A shell that read the token from a file may have kept the line break.
    let text = value.into_string().ok();
    let token = text.map(|text| text.trim().to_owned());
    match token.filter(|token| !token.is_empty() && token.chars().all(|c| c.is_ascii_graphic())) {
        Some(token) => Ok(Some(Secret::new(token))),
        None => Err(Failure::new(
            ErrorId::UnusableSecret,
            format!("{name} does not hold a token"),
        )
        .hint(remedies::TOKEN)),
    }
}

fn not_logged_in(profile: &Profile) -> Failure {
    let message = format!("not logged in to the profile {}", profile.name);
    let mut login = vec![
        "--profile".to_owned(),
        quote_word(&profile.name.to_string()),
    ];
    if profile.browser.is_none() {
        login.extend(["--user-name", "NAME"].map(str::to_owned));
    }
    let context = Context {
        login,
        ..without_device()
    };
    Failure::in_context(ErrorId::LoginRequired, message, &context)
}

pub(in crate::cli) const ACCOUNT: &str = "Account";
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
const ID_TOKEN: &str = "ESPCTL_ID_TOKEN";
