//! `logout`: ends the login on this computer, then at the cloud if the cloud can be reached.

use async_trait::async_trait;
use clap::Args;
use serde_json::json;

use crate::account::Folder;
use crate::cli::args::account::AccountArgs;
use crate::cli::args::environment::{
    ACCESS_TOKEN, account_failure, cloud_failure, has_access_token,
};
use crate::cli::subcommand::{Handling, Subcommand, Touches};
use crate::cli::terminal::CommandOutput;
use crate::cli::workplace::Workplace;
use crate::report::Failure;

/// Arguments of `logout`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Logout {
    #[command(flatten)]
    account: AccountArgs,
}

#[async_trait(?Send)]
impl Subcommand for Logout {
    fn handling(&self) -> Handling {
        Touches::ACCOUNT.public()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let printer = &workplace.printer;
        let (folder, profile) = self.account.select().await?;
        let of_profile = profile.clone();
        // The login on this computer ends first, because the cloud may be out of reach.
        let remove = move |folder: &Folder| {
            let tokens = folder.read_tokens(&of_profile)?;
            Ok((tokens, folder.remove_login(&of_profile)?))
        };
        let removed = folder.run(remove).await;
        let (tokens, removed) = removed.map_err(|error| account_failure(&error))?;
        let revoked = async {
            let Some(tokens) = tokens else {
                return Ok(());
            };
            let client = self
                .account
                .client(&profile)
                .await?
                .with_tokens(tokens, None);
            let revoked = client.log_out().await;
            revoked.map_err(|error| cloud_failure(&error, "logging out"))
        };
        let revoked = printer.show_call(revoked).await;
        if let Err(failure) = &revoked {
            let causes = failure.causes.iter().map(|cause| format!(": {cause}"));
            printer.print_line(&format!(
                "warning: the cloud did not end the login, and keeps it until it expires: {}{}",
                failure.message,
                causes.collect::<String>()
            ));
        }
        if removed.has_legacy_login {
            printer.print_line(
                "warning: rainmaker_config.json, a file from before profiles, lets esp-rainmaker-cli \
                 log in again; remove the file to prevent this",
            );
        }
        if has_access_token() {
            printer.print_line(&format!(
                "warning: {ACCESS_TOKEN} is set and remains a login"
            ));
        }
        let (name, was_logged_in) = (&profile.name, removed.was_logged_in);
        let line = if was_logged_in {
            format!("Logged out of the profile {name}")
        } else {
            format!("There was no login to the profile {name}")
        };
        let keys = json!({
            "profile": name.as_str(),
            "was_logged_in": was_logged_in,
            "cloud_told": was_logged_in.then_some(revoked.is_ok()),
        });
        CommandOutput::new([line], keys).print(printer)
    }
}
