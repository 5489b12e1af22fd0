//! `whoami`: shows the user of the login, as the tokens and, with `--check`, the cloud name it.

use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::login::Account;
use crate::cli::args::account::{AccountArgs, Source, foreign_issuer};
use crate::cli::args::environment::{ACCESS_TOKEN, cloud_failure};
use crate::cli::subcommand::{Subcommand, Touches};
use crate::cli::terminal::{CommandOutput, format_duration};
use crate::cli::workplace::Workplace;
use crate::ident::printable;
use crate::report::Failure;

/// Arguments of `whoami`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Whoami {
    /// Also ask the cloud. Without this, espctl sends nothing.
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
    /// When the access token expires, in seconds since 1970. A `renewable` token is renewed then.
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
        let logged_in = self.account.logged_in()?;
        let tokens = &logged_in.tokens;
        if let Some(warning) = foreign_issuer(&logged_in.profile, tokens) {
            workplace.printer.say(&warning);
        }
        let mut account = Account::new(&logged_in.profile, tokens);
        if self.check {
            let opened = self.account.open()?;
            let user = opened.client.fetch_user().await;
            opened.warn();
            let user = user.map_err(|error| cloud_failure(&error, "asking who is logged in"))?;
            account.user_id = Some(printable(user.user_id.as_bytes()));
            if let Some(name) = user.user_name {
                account.user_name = Some(printable(name.as_bytes()));
            }
        }
        let login = Login {
            account,
            source: match logged_in.source {
                Source::Environment => "environment",
                Source::Stored => "stored",
            },
            expires_at: tokens.expires_at(),
            expires_in_s: tokens.time_left().map(|left| left.as_secs()),
            renewable: tokens.refresh.is_some(),
            checked: self.check,
        };
        let lines = login.lines(logged_in.source, tokens.time_left());
        CommandOutput::new(lines, json!({ "account": login })).print(&workplace.printer)
    }
}

impl Login<'_> {
    fn lines(&self, source: Source, time_left: Option<Duration>) -> Vec<String> {
        let source = match source {
            Source::Environment => format!("from {ACCESS_TOKEN}; "),
            Source::Stored => String::new(),
        };
        let life = match (time_left, self.renewable) {
            (None, _) => "its end is not known".to_owned(),
            (Some(Duration::ZERO), true) => "has ended; the next call renews it".to_owned(),
            (Some(Duration::ZERO), false) => "has ended".to_owned(),
            (Some(left), true) => format!("ends in {}, renewed by itself", format_duration(left)),
            (Some(left), false) => format!("ends in {}", format_duration(left)),
        };
        let checked = if self.checked {
            "; the cloud accepts it"
        } else {
            ""
        };
        let account = &self.account;
        let user = account.user_name.as_deref();
        let user_id = account.user_id.as_deref();
        [
            ("user", user.unwrap_or(NOT_IN_TOKEN)),
            ("user id", user_id.unwrap_or(NOT_IN_TOKEN)),
            ("profile", account.profile),
            ("base URL", account.base_url),
            ("region", account.region),
            ("login", &format!("{source}{life}{checked}")),
        ]
        .map(|(name, value)| format!("{name:<10}{value}"))
        .to_vec()
    }
}

const NOT_IN_TOKEN: &str = "not in the token";
