//! `logout`: here at once, and at the cloud if it can be reached.

use async_trait::async_trait;
use clap::Args;
use serde_json::{Map, json};

use crate::account::Profile;
use crate::cli::args::account::AccountArgs;
use crate::cli::args::environment::{ACCESS_TOKEN, cloud_failure, has_access_token};
use crate::cli::subcommand::{Subcommand, Touches};
use crate::cli::terminal::Printer;
use crate::cli::workplace::Workplace;
use crate::cloud::Tokens;
use crate::report::Failure;

/// Arguments of `logout`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Logout {
    #[command(flatten)]
    account: AccountArgs,
}

#[async_trait(?Send)]
impl Subcommand for Logout {
    fn touches(&self) -> Touches {
        Touches::ACCOUNT
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        log_out(self, &workplace.printer).await
    }
}

async fn log_out(args: &Logout, printer: &Printer) -> Result<(), Failure> {
    let (folder, profile) = args.account.select()?;
    let failed = |error| Failure::of_account(&error);
    let tokens = folder.read_tokens(&profile).map_err(failed)?;
    // First here: whatever the cloud does, nobody is logged in on this computer.
    let done = folder.remove_login(&profile).map_err(failed)?;
    let untold = match tokens {
        None => None,
        Some(tokens) => tell(args, &profile, tokens).await.err(),
    };
    if let Some(failure) = &untold {
        let causes = failure.causes.iter().map(|cause| format!(": {cause}"));
        printer.say(&format!(
            "warning: the cloud was not told, and its side of the login goes on until it ends by \
             itself: {}{}",
            failure.message,
            causes.collect::<String>()
        ));
    }
    if done.has_legacy_login {
        printer.say(
            "warning: esp-rainmaker-cli can log itself in again from rainmaker_config.json, which \
             is older than profiles; remove that file if it should not",
        );
    }
    if has_access_token() {
        printer.say(&format!("warning: {ACCESS_TOKEN} is set, and still counts"));
    }
    let name = &profile.name;
    let line = if done.was_logged_in {
        format!("Logged out of the profile {name}")
    } else {
        format!("Nobody was logged in to the profile {name}")
    };
    let mut keys = Map::new();
    keys.insert("profile".to_owned(), json!(name.as_str()));
    keys.insert("was_logged_in".to_owned(), json!(done.was_logged_in));
    let told = done.was_logged_in.then_some(untold.is_none());
    keys.insert("cloud_told".to_owned(), json!(told));
    printer.result(&[line], keys)
}

async fn tell(args: &Logout, profile: &Profile, tokens: Tokens) -> Result<(), Failure> {
    let client = args.account.client(profile)?.with_tokens(tokens, None);
    let told = client.log_out().await;
    told.map_err(|error| cloud_failure(&error, "logging out"))
}
