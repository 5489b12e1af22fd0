//! `login`: with a password, a one-time code, or a browser, and the tokens into the profile's
//! file. Leaving and asking who one is are beside it.

use async_trait::async_trait;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{FalseyValueParser, NonEmptyStringValueParser, TypedValueParser as _};
use serde::Serialize;

use crate::account::login::{BrowserError, BrowserVisit};
use crate::account::{AccountError, Profile};
use crate::cli::args::account::{AccountArgs, foreign_issuer};
use crate::cli::args::environment::{
    ACCESS_TOKEN, cloud_failure, has_access_token, without_device,
};
use crate::cli::args::inputs::{Inputs, parse_seconds};
use crate::cli::args::public_text::PublicText;
use crate::cli::subcommand::{Subcommand, Touches};
use crate::cli::terminal::{Printer, TerminalObserver, keys_of};
use crate::cli::workplace::Workplace;
use crate::cloud::account::LogIn;
use crate::cloud::{Client, Tokens};
use crate::ident::printable;
use crate::report::{ErrorId, Failure, remedies};
use crate::secret::Secret;

/// Log in to an account: with a user name, or with the browser.
///
/// The login is kept in the folder that esp-rainmaker-cli uses, so that it counts there, too. A
/// login that is there already is replaced.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Login {
    /// E-mail address or telephone number of the account. Without it, the browser asks.
    #[arg(long, aliases = ["user_name", "email"], value_name = "NAME", env = "ESPCTL_USER_NAME", value_parser = NonEmptyStringValueParser::new().map(PublicText::from), help_heading = USER)]
    user_name: Option<PublicText>,

    /// Its password. `ESP_RAINMAKER_PASSWORD` is read, too.
    #[arg(long, value_name = "PASSWORD", env = "ESPCTL_PASSWORD", hide_env_values = true, help_heading = USER)]
    password: Option<Secret<String>>,

    /// A file with the password, `-` for stdin: arguments are visible to everybody.
    #[arg(long, value_name = "FILE", env = "ESPCTL_PASSWORD_FILE", help_heading = USER)]
    password_file: Option<PathBuf>,

    /// Without a password: have the cloud send a one-time code.
    #[arg(long, help_heading = USER)]
    otp: bool,

    /// The one-time code, where the cloud wants one.
    #[arg(long, value_name = "CODE", env = "ESPCTL_CODE", hide_env_values = true, help_heading = USER)]
    code: Option<Secret<String>>,

    /// A file with the one-time code, `-` for stdin. It is read after the cloud has sent one.
    #[arg(long, value_name = "FILE", env = "ESPCTL_CODE_FILE", help_heading = USER)]
    code_file: Option<PathBuf>,

    /// Open no browser: print the address of the login page.
    #[arg(long, env = "ESPCTL_NO_BROWSER", value_parser = FalseyValueParser::new(), help_heading = BROWSER)]
    no_browser: bool,

    /// How long to wait for the browser, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_BROWSER_TIMEOUT", value_parser = parse_seconds, default_value = "300", help_heading = BROWSER)]
    browser_timeout: Duration,

    #[command(flatten)]
    account: AccountArgs,
}

/// Who is logged in where: for machines.
#[derive(Debug, Serialize)]
pub(super) struct Account<'a> {
    pub(super) profile: &'a str,
    pub(super) base_url: &'a str,
    pub(super) region: &'a str,
    pub(super) user_name: Option<String>,
    pub(super) user_id: Option<String>,
}

impl<'a> Account<'a> {
    pub(super) fn new(profile: &'a Profile, tokens: &Tokens) -> Self {
        let shown = |text: String| printable(text.as_bytes());
        Self {
            profile: profile.name.as_str(),
            base_url: profile.base_url.as_str(),
            region: profile.region(),
            user_name: tokens.user_name().map(shown),
            user_id: tokens.user_id().map(shown),
        }
    }

    /// The user, in messages.
    fn user(&self) -> &str {
        let name = self.user_name.as_deref().or(self.user_id.as_deref());
        name.unwrap_or("a user without a name")
    }
}

#[async_trait(?Send)]
impl Subcommand for Login {
    fn touches(&self) -> Touches {
        Touches::ACCOUNT
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        log_in(self, workplace).await
    }
}

async fn log_in(args: &Login, workplace: &Workplace) -> Result<(), Failure> {
    let printer = &workplace.printer;
    let mut inputs = workplace.inputs();
    // Whatever is wrong is said before anything is asked or sent.
    let (folder, profile) = args.account.select()?;
    let client = args.account.client(&profile)?;
    let tokens = match &args.user_name {
        Some(user) => with_name(user, args, &client, &mut inputs, workplace).await?,
        None => with_browser(args, &profile, &client, &inputs, workplace).await?,
    };
    folder.save_login(&profile, &tokens).map_err(|error| {
        let failure = Failure::of_account(&error);
        match error {
            // The login is there, at the cloud, and lost.
            AccountError::Unwritable { .. } => Failure {
                id: ErrorId::LoginNotKept,
                ..failure
            },
            _ => failure,
        }
    })?;
    if let Some(warning) = foreign_issuer(&profile, &tokens) {
        printer.say(&warning);
    }
    if has_access_token() {
        printer.say(&format!(
            "warning: {ACCESS_TOKEN} is set, and counts instead of this login until it is not"
        ));
    }
    let account = Account::new(&profile, &tokens);
    let line = format!(
        "Logged in as {} to {} (profile {})",
        account.user(),
        client.host(),
        account.profile
    );
    let mut lines = vec![line];
    let current = folder.read_current_name().unwrap_or_default();
    if current != account.profile {
        let name = account.profile;
        lines.push(format!(
            "The current profile is another: use --profile {name}, or `espctl profile switch {name}`"
        ));
    }
    printer.result(&lines, keys_of("account", &account))
}

async fn with_name(
    user: &str,
    args: &Login,
    client: &Client,
    inputs: &mut Inputs<'_>,
    workplace: &Workplace,
) -> Result<Tokens, Failure> {
    if args.otp && (inputs.is_typed("password") || inputs.is_typed("password_file")) {
        let message = "--otp and a password exclude each other";
        return Err(Failure::new(ErrorId::ConflictingFlags, message));
    }
    // A code that is sent and cannot be handed in is a code lost.
    let later = args.code.is_some() || args.code_file.is_some() || workplace.observer.can_ask();
    if args.otp && !later {
        return Err(no_code());
    }
    let password = if args.otp {
        None
    } else {
        Some(password(user, args, inputs, &workplace.observer).await?)
    };
    let doing = format!(
        "logging in as {} to {}",
        printable(user.as_bytes()),
        client.host()
    );
    let failed = |error| cloud_failure(&error, &doing);
    let session = match client.log_in(user, password.as_ref()).await {
        Ok(LogIn::Done(tokens)) => return Ok(tokens),
        Ok(LogIn::NeedsCode { session }) => session,
        Err(error) => return Err(failed(error)),
    };
    workplace.printer.say("The cloud has sent a one-time code");
    let code = code(args, inputs, &workplace.observer).await?;
    let done = client.log_in_with_code(user, &session, &code).await;
    done.map_err(failed)
}

async fn password(
    user: &str,
    args: &Login,
    inputs: &mut Inputs<'_>,
    observer: &TerminalObserver,
) -> Result<Secret<String>, Failure> {
    let (given, path) = (args.password.as_ref(), args.password_file.as_ref());
    let given = match inputs.secret("password", given, path).await? {
        Some(given) => Some(given),
        None => old_variable()?,
    };
    let asked = if given.is_some() {
        given
    } else {
        let user = printable(user.as_bytes());
        observer
            .ask_secret(&format!("Password of {user}:"), SHOWN)
            .await
    };
    match asked {
        Some(password) if password.expose().is_empty() => {
            let message = "--password: the password is empty";
            Err(Failure::new(ErrorId::UnusableSecret, message))
        }
        Some(password) => Ok(password),
        None => Err(
            Failure::new(ErrorId::MissingLogin, "the password is missing")
                .remedy(&remedies::PASSWORD)
                .remedy(&remedies::OTP),
        ),
    }
}

/// Where esp-rainmaker-cli looks.
fn old_variable() -> Result<Option<Secret<String>>, Failure> {
    const NAME: &str = "ESP_RAINMAKER_PASSWORD";
    let value = std::env::var_os(NAME).filter(|value| !value.is_empty());
    let text = value.map(std::ffi::OsString::into_string).transpose();
    text.map(|text| text.map(Secret::new)).map_err(|_| {
        let message = format!("{NAME} is not UTF-8 text");
        Failure::new(ErrorId::UnusableSecret, message)
    })
}

async fn code(
    args: &Login,
    inputs: &mut Inputs<'_>,
    observer: &TerminalObserver,
) -> Result<Secret<String>, Failure> {
    let (given, path) = (args.code.as_ref(), args.code_file.as_ref());
    let code = match inputs.secret("code", given, path).await? {
        Some(code) => Some(code),
        None => observer.ask_secret("One-time code:", SHOWN).await,
    };
    // Copied out of a message, it comes with spaces.
    let code = code.map(|code| Secret::new(code.expose().trim().to_owned()));
    code.filter(|code| !code.expose().is_empty())
        .ok_or_else(no_code)
}

fn no_code() -> Failure {
    Failure::new(ErrorId::MissingLogin, "the one-time code is missing").remedy(&remedies::CODE)
}

async fn with_browser(
    args: &Login,
    profile: &Profile,
    client: &Client,
    inputs: &Inputs<'_>,
    workplace: &Workplace,
) -> Result<Tokens, Failure> {
    let secrets = ["password", "password_file", "otp", "code", "code_file"];
    if let Some(typed) = secrets.iter().find(|id| inputs.is_typed(id)) {
        let flag = typed.replace('_', "-");
        let message = format!("--{flag} is for a login with --user-name, which is missing");
        return Err(Failure::new(ErrorId::MissingLogin, message).remedy(&remedies::USER_NAME));
    }
    let has_page = profile.browser.is_some();
    if has_page && !workplace.observer.can_ask() && !args.no_browser {
        let message = "the user name is missing, and without a terminal espctl opens no browser";
        return Err(Failure::new(ErrorId::MissingLogin, message)
            .remedy(&remedies::USER_NAME)
            .remedy(&remedies::NO_BROWSER));
    }
    let failed = |error: BrowserError| Failure::of_browser_login(&error, &without_device());
    let visit = BrowserVisit::prepare(profile, args.account.allows_plain_http()).await;
    let visit = visit.map_err(failed)?;
    show_login_page(&visit, !args.no_browser, &workplace.printer);
    let tokens = visit.wait(client, args.browser_timeout).await;
    tokens.map_err(failed)
}

fn show_login_page(visit: &BrowserVisit<'_>, opens_browser: bool, printer: &Printer) {
    if visit.is_readable_by_others() {
        printer.say(
            "warning: this login page comes over plain HTTP, where others on the way can read what \
             is typed; --user-name sends the password over HTTPS",
        );
    }
    let url = visit.url();
    let request = if opens_browser {
        "Log in with the browser. If it does not open, open this page on this computer"
    } else {
        "Open this page with a browser on this computer"
    };
    let line = format!("{request}:\n{url}");
    printer.announce("login_page", &line, keys_of("url", &url.as_str()));
    if opens_browser && let Err(error) = open::that_detached(url.as_str()) {
        tracing::debug!(%error, "opening a browser");
        printer.say("No browser could be opened");
    }
}

const USER: &str = "User name";
const BROWSER: &str = "Browser";
const SHOWN: &str = "Ctrl+R shows what is typed";
const EXAMPLES: &str = "\
Examples:
  espctl login
  espctl login --user-name me@example.com
  espctl login --user-name me@example.com --password-file - --profile lab";
