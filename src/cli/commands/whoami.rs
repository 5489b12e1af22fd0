//! `whoami`: what the tokens say, and with `--check` what the cloud says.

use async_trait::async_trait;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::login::Account;
use crate::cli::args::account::{AccountArgs, LoggedIn, Source, foreign_issuer};
use crate::cli::args::environment::{ACCESS_TOKEN, cloud_failure};
use crate::cli::subcommand::{Subcommand, Touches};
use crate::cli::terminal::format_duration;
use crate::cli::terminal::{Printer, keys_of};
use crate::cli::workplace::Workplace;
use crate::ident::printable;
use crate::report::Failure;

/// Arguments of `whoami`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Whoami {
    /// Ask the cloud, too. Without this, nothing is sent.
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    account: AccountArgs,
}

/// A login, for machines.
#[derive(Serialize)]
struct Login<'a> {
    #[serde(flatten)]
    account: Account<'a>,
    source: &'static str,
    /// Of the access token, which is renewed where `renewable`.
    expires_at: Option<u64>,
    expires_in_s: Option<u64>,
    renewable: bool,
    checked: bool,
}

#[async_trait(?Send)]
impl Subcommand for Whoami {
    fn touches(&self) -> Touches {
        if self.check {
            Touches::ACCOUNT
        } else {
            Touches::ACCOUNT_FILES
        }
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        show_login(self, &workplace.printer).await
    }
}

async fn show_login(args: &Whoami, printer: &Printer) -> Result<(), Failure> {
    let found = args.account.logged_in()?;
    let tokens = &found.tokens;
    if let Some(warning) = foreign_issuer(&found.profile, tokens) {
        printer.say(&warning);
    }
    let mut login = Login {
        account: Account::new(&found.profile, tokens),
        source: match found.source {
            Source::Environment => "environment",
            Source::Stored => "stored",
        },
        expires_at: tokens.expires_at(),
        expires_in_s: tokens.time_left().map(|left| left.as_secs()),
        renewable: tokens.refresh.is_some(),
        checked: false,
    };
    if args.check {
        let account = args.account.open()?;
        let user = account.client.fetch_user().await;
        account.warn();
        let user = user.map_err(|error| cloud_failure(&error, "asking who is logged in"))?;
        login.account.user_id = Some(printable(user.user_id.as_bytes()));
        if let Some(name) = user.user_name {
            login.account.user_name = Some(printable(name.as_bytes()));
        }
        login.checked = true;
    }
    printer.result(&lines(&login, &found), keys_of("account", &login))
}

fn lines(login: &Login<'_>, found: &LoggedIn) -> Vec<String> {
    let account = &login.account;
    let unsaid = "the token does not say";
    let source = match found.source {
        Source::Environment => format!("from {ACCESS_TOKEN}; "),
        Source::Stored => String::new(),
    };
    let life = match found.tokens.time_left() {
        None => "its end is not known".to_owned(),
        Some(Duration::ZERO) if login.renewable => "has ended; the next call renews it".to_owned(),
        Some(Duration::ZERO) => "has ended".to_owned(),
        Some(left) if login.renewable => {
            format!("ends in {}, renewed by itself", format_duration(left))
        }
        Some(left) => format!("ends in {}", format_duration(left)),
    };
    let checked = if login.checked {
        "; the cloud takes it"
    } else {
        ""
    };
    [
        ("user", account.user_name.as_deref().unwrap_or(unsaid)),
        ("user id", account.user_id.as_deref().unwrap_or(unsaid)),
        ("profile", account.profile),
        ("base URL", account.base_url),
        ("region", account.region),
        ("login", &format!("{source}{life}{checked}")),
    ]
    .map(|(name, value)| format!("{name:<10}{value}"))
    .to_vec()
}
