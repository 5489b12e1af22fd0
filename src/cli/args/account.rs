//! The flags of the account, for every command that needs one, and what they select: a profile, its
//! login, and a client for both. Tokens in environment variables replace a login.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::account::{CurrentLogin, Folder, Profile, TokenSource};
use crate::cli::args::completions::profiles;
use crate::cli::args::environment::{
    ACCESS_TOKEN, account_failure, account_folder, cloud_failure, variable,
};
use crate::cli::args::inputs::{parse_seconds, read_file};
use crate::cli::args::public_text::PublicText;
use crate::cloud::{Client, Limits, Settings, TokenStore, Tokens};
use crate::report::{ErrorId, Failure, remedies};
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

impl AccountArgs {
    /// A client for the account. It calls the profile's host only, with the profile's tokens. Nothing is
    /// sent yet.
    pub(in crate::cli) async fn open(&self) -> Result<Client, Failure> {
        let (folder, profile) = self.select().await?;
        let login = read_login(&folder, profile).await?;
        let store: Option<Box<dyn TokenStore>> = match login.source {
            TokenSource::Caller => None,
            TokenSource::Stored => Some(Box::new(folder.token_store(&login.profile))),
        };
        let client = self.client(&login.profile).await?;
        Ok(client.with_tokens(login.tokens, store))
    }

    /// The login of the profile; without one it fails.
    pub(in crate::cli) async fn read_login(&self) -> Result<CurrentLogin, Failure> {
        let (folder, profile) = self.select().await?;
        read_login(&folder, profile).await
    }

    /// The profile, with or without a login, and the folder of its files.
    pub(in crate::cli) async fn select(&self) -> Result<(Folder, Profile), Failure> {
        let folder = account_folder()?;
        let name = self.profile.clone();
        let profile = folder
            .run(move |folder| folder.select_profile(name.as_deref()))
            .await;
        let profile = profile.map_err(|error| account_failure(&error))?;
        Ok((folder, profile))
    }

    /// Whether espctl may send secrets over plain HTTP to another computer.
    pub(in crate::cli) fn allows_plain_http(&self) -> bool {
        self.allow_plain_http
    }

    /// A client without a login.
    pub(in crate::cli) async fn client(&self, profile: &Profile) -> Result<Client, Failure> {
        let ca_cert = match &self.ca_cert {
            Some(path) => Some(read_certificates(path).await?),
            None => None,
        };
        let settings = Settings {
            base_url: profile.base_url.clone(),
            ca_cert,
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

async fn read_certificates(path: &Path) -> Result<Vec<u8>, Failure> {
    let pem = read_file(path, MAX_CERTIFICATES, "--ca-cert").await?;
    // A file without certificates would have no effect.
    if pem.expose().windows(BEGIN.len()).any(|part| part == BEGIN) {
        return Ok(pem.expose().clone());
    }
    let message = format!(
        "--ca-cert: {} has no certificate in PEM form",
        path.display()
    );
    Err(Failure::new(ErrorId::BadCaCert, message))
}

/// The login in effect: the tokens of the environment, or those on disk.
async fn read_login(folder: &Folder, profile: Profile) -> Result<CurrentLogin, Failure> {
    let tokens = match read_token(ACCESS_TOKEN)? {
        Some(access) => Some(Tokens {
            id: read_token(ID_TOKEN)?,
            ..Tokens::access_only(access)
        }),
        None => None,
    };
    let login = folder
        .run(move |folder| folder.read_login(profile, tokens))
        .await;
    login.map_err(|error| account_failure(&error))
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
        .remedy(&remedies::TOKEN)),
    }
}

pub(in crate::cli) const ACCOUNT: &str = "Account";
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// Bytes of a file of certificates; the system's has 200,000.
const MAX_CERTIFICATES: u64 = 4 * 1024 * 1024;
const ID_TOKEN: &str = "ESPCTL_ID_TOKEN";
