//! `logout`: here at once, and at the cloud if it can be reached.

use clap::Args;
use serde_json::{Map, json};

use super::super::account_args::AccountArgs;
use super::super::environment::{ACCESS_TOKEN, cloud_failure, has_access_token};
use super::super::ui::Ui;
use crate::account::Profile;
use crate::cloud::Tokens;
use crate::report::Failure;

/// Arguments of `logout`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Logout {
    #[command(flatten)]
    account: AccountArgs,
}

/// Runs `logout`.
pub(in crate::cli) async fn run(args: &Logout, ui: &Ui) -> Result<(), Failure> {
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
        ui.say(&format!(
            "warning: the cloud was not told, and its side of the login goes on until it ends by \
             itself: {}{}",
            failure.message,
            causes.collect::<String>()
        ));
    }
    if done.has_legacy_login {
        ui.say(
            "warning: esp-rainmaker-cli can log itself in again from rainmaker_config.json, which \
             is older than profiles; remove that file if it should not",
        );
    }
    if has_access_token() {
        ui.say(&format!("warning: {ACCESS_TOKEN} is set, and still counts"));
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
    ui.result(&[line], keys)
}

async fn tell(args: &Logout, profile: &Profile, tokens: Tokens) -> Result<(), Failure> {
    let client = args.account.client(profile)?.with_tokens(tokens, None);
    let told = client.log_out().await;
    told.map_err(|error| cloud_failure(&error, "logging out"))
}
