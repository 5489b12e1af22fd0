//! `whoami`: shows the user of the login, as the tokens and, with `--check`, the cloud name it.

use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use serde_json::json;

use super::login::Account;
use crate::account::TokenSource;
use crate::cli::args::account::AccountArgs;
use crate::cli::args::environment::{ACCESS_TOKEN, cloud_failure};
use crate::cli::subcommand::{Handling, Subcommand, Touches};
use crate::cli::terminal::{CommandOutput, format_duration, merge_objects};
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

#[async_trait(?Send)]
impl Subcommand for Whoami {
    fn handling(&self) -> Handling {
        let touches = if self.check {
            Touches::ACCOUNT
        } else {
            Touches::ACCOUNT_FILES
        };
        touches.public()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let logged_in = self.account.read_login().await?;
        let tokens = &logged_in.tokens;
        if let Some(remark) = logged_in.profile.describe_foreign_issuer(tokens) {
            workplace.printer.print_line(&format!("warning: {remark}"));
        }
        let mut account = Account::new(&logged_in.profile, tokens);
        if self.check {
            let client = self.account.open().await?;
            let user = workplace.printer.show_call(client.fetch_user()).await;
            workplace.warn_if_not_saved(&client);
            let user = user.map_err(|error| cloud_failure(&error, "asking who is logged in"))?;
            account.user_id = Some(printable(user.user_id.as_bytes()));
            if let Some(name) = user.user_name {
                account.user_name = Some(printable(name.as_bytes()));
            }
        }
        let (source, time_left) = (logged_in.source, tokens.time_left());
        let is_renewable = tokens.refresh.is_some();
        let login = json!({
            "source": match source {
                TokenSource::Caller => "environment",
                TokenSource::Stored => "stored",
            },
            // Of the access token, in seconds since 1970.
            "expires_at": tokens.expires_at(),
            "expires_in_s": time_left.map(|left| left.as_secs()),
            "renewable": is_renewable,
            "checked": self.check,
        });
        let source = match source {
            TokenSource::Caller => format!("from {ACCESS_TOKEN}; "),
            TokenSource::Stored => String::new(),
        };
        let life = describe_life(time_left, is_renewable);
        let checked = if self.check {
            "; the cloud accepts it"
        } else {
            ""
        };
        let (user, user_id) = (account.user_name.as_deref(), account.user_id.as_deref());
        let lines = [
            ("user", user.unwrap_or(NOT_IN_TOKEN)),
            ("user id", user_id.unwrap_or(NOT_IN_TOKEN)),
            ("profile", account.profile),
            ("base URL", account.base_url),
            ("region", account.region),
            ("login", &format!("{source}{life}{checked}")),
        ];
        let lines = lines.map(|(name, value)| format!("{name:<10}{value}"));
        let keys = json!({ "account": merge_objects([json!(account), login]) });
        CommandOutput::new(lines, keys).print(&workplace.printer)
    }
}

fn describe_life(time_left: Option<Duration>, is_renewable: bool) -> String {
    match (time_left, is_renewable) {
        (None, _) => "its end is not known".to_owned(),
        (Some(Duration::ZERO), true) => "has ended; the next call renews it".to_owned(),
        (Some(Duration::ZERO), false) => "has ended".to_owned(),
        (Some(left), true) => format!("ends in {}, renewed by itself", format_duration(left)),
        (Some(left), false) => format!("ends in {}", format_duration(left)),
    }
}

const NOT_IN_TOKEN: &str = "not in the token";
