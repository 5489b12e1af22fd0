//! `login`: logs in with a password, a one-time code, or a browser, and stores the tokens.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use clap::builder::{FalseyValueParser, NonEmptyStringValueParser, TypedValueParser as _};
use serde::Serialize;
use serde_json::json;

use crate::account::login::{BrowserError, BrowserVisit};
use crate::account::{AccountError, Folder, Profile};
use crate::cli::args::account::AccountArgs;
use crate::cli::args::environment::{
    ACCESS_TOKEN, account_failure, cloud_failure, has_access_token, variable, without_device,
};
use crate::cli::args::inputs::{Inputs, parse_seconds};
use crate::cli::args::public_text::PublicText;
use crate::cli::subcommand::{Handling, Subcommand, Touches};
use crate::cli::terminal::{CommandOutput, TerminalObserver};
use crate::cli::workplace::Workplace;
use crate::cloud::account::LogIn;
use crate::cloud::{Client, Tokens};
use crate::host::open_page;
use crate::ident::printable;
use crate::report::{ErrorId, Failure, remedies};
use crate::secret::Secret;

/// Log in to an account with a user name, or in the browser.
///
/// The login is stored in the folder of esp-rainmaker-cli, which also uses it. An existing login is
/// replaced.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Login {
    /// E-mail address or telephone number of the account. Without it, you log in in the browser.
    #[arg(long, aliases = ["user_name", "email"], value_name = "NAME", env = "ESPCTL_USER_NAME", value_parser = NonEmptyStringValueParser::new().map(PublicText::from), help_heading = USER)]
    user_name: Option<PublicText>,

    /// Password of the account. espctl also reads `ESP_RAINMAKER_PASSWORD`.
    #[arg(long, value_name = "PASSWORD", env = "ESPCTL_PASSWORD", hide_env_values = true, help_heading = USER)]
    password: Option<Secret<String>>,

    /// A file with the password, `-` for stdin. Other users of this computer can see arguments.
    #[arg(long, value_name = "FILE", env = "ESPCTL_PASSWORD_FILE", help_heading = USER)]
    password_file: Option<PathBuf>,

    /// Log in without a password: the cloud sends a one-time code.
    #[arg(long, help_heading = USER)]
    otp: bool,

    /// The one-time code, if the cloud requires one.
    #[arg(long, value_name = "CODE", env = "ESPCTL_CODE", hide_env_values = true, help_heading = USER)]
    code: Option<Secret<String>>,

    /// A file with the one-time code, `-` for stdin. espctl reads it after the cloud has sent the code.
    #[arg(long, value_name = "FILE", env = "ESPCTL_CODE_FILE", help_heading = USER)]
    code_file: Option<PathBuf>,

    /// Do not open a browser: print the URL of the login page.
    #[arg(long, env = "ESPCTL_NO_BROWSER", value_parser = FalseyValueParser::new(), help_heading = BROWSER)]
    no_browser: bool,

    /// Maximum time to wait for the login in the browser, in seconds.
    #[arg(long, value_name = "SECONDS", env = "ESPCTL_BROWSER_TIMEOUT", value_parser = parse_seconds, default_value = "300", help_heading = BROWSER)]
    browser_timeout: Duration,

    #[command(flatten)]
    account: AccountArgs,
}

/// The user of a login and its cloud, for machines.
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
        let escape = |text: String| printable(text.as_bytes());
        Self {
            profile: profile.name.as_str(),
            base_url: profile.base_url.as_str(),
            region: profile.region(),
            user_name: tokens.user_name().map(escape),
            user_id: tokens.user_id().map(escape),
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
    fn handling(&self) -> Handling {
        Touches::ACCOUNT.public()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let printer = &workplace.printer;
        // All errors in the arguments are reported before espctl asks or sends anything.
        let (folder, profile) = self.account.select().await?;
        let client = self.account.client(&profile).await?;
        let tokens = match &self.user_name {
            Some(user) => self.log_in_as(user, &client, workplace).await?,
            None => {
                self.log_in_with_browser(&profile, &client, workplace)
                    .await?
            }
        };
        let (saved_profile, saved_tokens) = (profile.clone(), tokens.clone());
        let save = move |folder: &Folder| {
            folder.save_login(&saved_profile, &saved_tokens)?;
            folder.read_current_name()
        };
        let current_name = folder.run(save).await.map_err(|error| {
            let mut failure = account_failure(&error);
            // The cloud has accepted the login, but the tokens are lost.
            if let AccountError::Unwritable { .. } = error {
                failure.id = ErrorId::LoginNotKept;
            }
            failure
        })?;
        if let Some(remark) = profile.describe_foreign_issuer(&tokens) {
            printer.print_line(&format!("warning: {remark}"));
        }
        if has_access_token() {
            printer.print_line(&format!(
                "warning: {ACCESS_TOKEN} is set and replaces this login until you unset it"
            ));
        }
        let account = Account::new(&profile, &tokens);
        let name = account.profile;
        let (user, host) = (account.user(), client.host());
        let mut lines = vec![format!("Logged in as {user} to {host} (profile {name})")];
        if current_name != name {
            lines.push(format!(
                "This is not the current profile: use --profile {name}, or `espctl profile switch {name}`"
            ));
        }
        CommandOutput::new(lines, json!({ "account": account })).print(printer)
    }
}

impl Login {
    async fn log_in_as(
        &self,
        user: &str,
        client: &Client,
        workplace: &Workplace,
    ) -> Result<Tokens, Failure> {
        let mut inputs = workplace.inputs();
        let observer = &workplace.observer;
        if self.otp && (inputs.is_typed("password") || inputs.is_typed("password_file")) {
            let message = "--otp and a password exclude each other";
            return Err(Failure::new(ErrorId::ConflictingFlags, message));
        }
        // Otherwise the cloud would send a code that espctl cannot read.
        let can_get_code = self.code.is_some() || self.code_file.is_some() || observer.can_ask();
        if self.otp && !can_get_code {
            return Err(missing_code());
        }
        let user_text = printable(user.as_bytes());
        let password = if self.otp {
            None
        } else {
            Some(
                self.read_password(&user_text, &mut inputs, observer)
                    .await?,
            )
        };
        let step = format!("logging in as {user_text} to {}", client.host());
        let printer = &workplace.printer;
        let logging_in = client.log_in(user, password.as_ref());
        let session = match printer.show_call(logging_in).await {
            Ok(LogIn::Done(tokens)) => return Ok(tokens),
            Ok(LogIn::NeedsCode { session }) => session,
            Err(error) => return Err(cloud_failure(&error, &step)),
        };
        printer.print_line("The cloud has sent a one-time code");
        let code = self.read_code(&mut inputs, observer).await?;
        let logging_in = client.log_in_with_code(user, &session, &code);
        let tokens = printer.show_call(logging_in).await;
        tokens.map_err(|error| cloud_failure(&error, &step))
    }

    async fn read_password(
        &self,
        user: &str,
        inputs: &mut Inputs<'_>,
        observer: &TerminalObserver,
    ) -> Result<Secret<String>, Failure> {
        let (given, path) = (self.password.as_ref(), self.password_file.as_ref());
        let mut password = inputs.secret("password", given, path).await?;
        if password.is_none() {
            password = read_password_variable()?;
        }
        if password.is_none() {
            let question = format!("Password of {user}:");
            password = observer.ask_secret(&question, SECRET_HELP).await;
        }
        match password {
            Some(password) if password.expose().is_empty() => {
                let message = "--password: the password is empty";
                Err(Failure::new(ErrorId::UnusableSecret, message))
            }
            Some(password) => Ok(password),
            None => Err(
                Failure::new(ErrorId::MissingLogin, "the password is missing")
                    .hint(remedies::PASSWORD)
                    .hint(remedies::OTP),
            ),
        }
    }

    async fn read_code(
        &self,
        inputs: &mut Inputs<'_>,
        observer: &TerminalObserver,
    ) -> Result<Secret<String>, Failure> {
        let (given, path) = (self.code.as_ref(), self.code_file.as_ref());
        let code = match inputs.secret("code", given, path).await? {
            Some(code) => Some(code),
            None => observer.ask_secret("One-time code:", SECRET_HELP).await,
        };
        // A code that is copied out of a message has spaces around it.
        let code = code.map(|code| Secret::new(code.expose().trim().to_owned()));
        code.filter(|code| !code.expose().is_empty())
            .ok_or_else(missing_code)
    }

    /// Refuses flags of a login with a user name, and a browser that no person can see.
    fn check_browser_flags(&self, profile: &Profile, workplace: &Workplace) -> Result<(), Failure> {
        let inputs = workplace.inputs();
        let secrets = ["password", "password_file", "otp", "code", "code_file"];
        if let Some(typed) = secrets.iter().find(|id| inputs.is_typed(id)) {
            let flag = typed.replace('_', "-");
            let message = format!("--{flag} is for a login with --user-name, which is missing");
            return Err(Failure::new(ErrorId::MissingLogin, message).hint(remedies::USER_NAME));
        }
        if profile.browser.is_some() && !workplace.observer.can_ask() && !self.no_browser {
            let message =
                "the user name is missing, and espctl opens no browser without a terminal";
            return Err(Failure::new(ErrorId::MissingLogin, message)
                .hint(remedies::USER_NAME)
                .hint(remedies::NO_BROWSER));
        }
        Ok(())
    }

    async fn log_in_with_browser(
        &self,
        profile: &Profile,
        client: &Client,
        workplace: &Workplace,
    ) -> Result<Tokens, Failure> {
        self.check_browser_flags(profile, workplace)?;
        let printer = &workplace.printer;
        let failed = |error: BrowserError| Failure::of_browser_login(&error, &without_device());
        let visit = BrowserVisit::prepare(profile, self.account.allows_plain_http()).await;
        let visit = visit.map_err(failed)?;
        if visit.is_readable_by_others() {
            printer.print_line(
                "warning: this login page uses plain HTTP, so others on the network can read what you \
                 type; --user-name sends the password over HTTPS",
            );
        }
        let url = visit.url().as_str();
        let request = if self.no_browser {
            "Open this page with a browser on this computer"
        } else {
            "Log in with the browser. If it does not open, open this page on this computer"
        };
        let line = format!("{request}:\n{url}");
        printer.announce("login_page", &line, json!({ "url": url }));
        if !self.no_browser
            && let Err(error) = open_page(url)
        {
            tracing::debug!(%error, "opening a browser");
            printer.print_line("espctl could not open a browser");
        }
        let login = visit.wait(client, self.browser_timeout);
        let tokens = printer.show_wait("Waiting for the browser", login).await;
        let tokens = tokens.map_err(failed)?;
        // Any page can send a browser here, with a login of its author.
        let (user, host) = (Account::new(profile, &tokens), client.host());
        let question = format!("Store the login of {} to {host}?", user.user());
        if workplace.observer.can_ask() && !workplace.observer.confirm(&question).await {
            let message = "the login was not confirmed, and not stored";
            return Err(Failure::new(ErrorId::Interrupted, message));
        }
        Ok(tokens)
    }
}

/// The password in the variable that esp-rainmaker-cli also reads.
fn read_password_variable() -> Result<Option<Secret<String>>, Failure> {
    const NAME: &str = "ESP_RAINMAKER_PASSWORD";
    let password = variable(NAME).map(OsString::into_string).transpose();
    let password = password.map_err(|_| {
        let message = format!("{NAME} is not UTF-8 text");
        Failure::new(ErrorId::UnusableSecret, message)
    })?;
    Ok(password.map(Secret::new))
}

fn missing_code() -> Failure {
    Failure::new(ErrorId::MissingLogin, "the one-time code is missing").hint(remedies::CODE)
}

const USER: &str = "User name";
const BROWSER: &str = "Browser";
const SECRET_HELP: &str = "Ctrl+R shows what is typed";
const EXAMPLES: &str = "\
Examples:
  espctl login
  espctl login --user-name me@example.com
  espctl login --user-name me@example.com --password-file - --profile lab";
