//! `profile`: manages the profiles of the account. It only touches files.

use async_trait::async_trait;
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::account::{AccountError, Folder, Profile, parse_base_url};
use crate::cli::args::completions::profiles;
use crate::cli::args::environment::{account_failure, account_folder};
use crate::cli::args::public_text::PublicText;
use crate::cli::subcommand::{Handling, Subcommand, Touches};
use crate::cli::terminal::{CommandOutput, Printer, table};
use crate::cli::workplace::Workplace;
use crate::cloud::is_loopback;
use crate::ident::printable;
use crate::report::Failure;

/// The commands about profiles.
#[derive(Clone, Debug, clap::Subcommand)]
pub(in crate::cli) enum Profiles {
    /// Add a profile for your own cloud.
    Add(Add),
    /// Show the profile that commands use without --profile.
    Current,
    /// List the profiles, with the current one and the logins.
    List,
    /// Remove a profile that you added, and its login.
    Remove(Named),
    /// Make another profile the current one.
    Switch(Named),
}

/// Arguments of `profile add`.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Add {
    /// Name of the profile: letters, digits and _-.#
    name: PublicText,

    /// URL of the cloud's API; espctl adds a missing `v1/`.
    #[arg(long, value_name = "URL")]
    base_url: PublicText,

    /// A note for people.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Arguments of the commands about one profile.
#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Named {
    /// Name of the profile.
    #[arg(add = profiles())]
    name: PublicText,
}

/// A profile and its login.
#[derive(Serialize)]
struct ProfileRow {
    name: String,
    description: String,
    base_url: String,
    region: String,
    built_in: bool,
    current: bool,
    /// Null if espctl cannot read the file of the login.
    logged_in: Option<bool>,
    user_name: Option<String>,
}

#[async_trait(?Send)]
impl Subcommand for Profiles {
    fn handling(&self) -> Handling {
        Touches::ACCOUNT_FILES.public()
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let (command, printer) = (self.clone(), workplace.printer.clone());
        let work = move |folder: &Folder| match &command {
            Self::Add(args) => add_profile(args, folder, &printer),
            Self::Current => show_current(folder),
            Self::List => list_profiles(folder, &printer),
            Self::Remove(Named { name }) => remove_profile(name, folder),
            Self::Switch(Named { name }) => switch_to(name, folder),
        };
        let output = account_folder()?.run(work).await;
        let output = output.map_err(|error| account_failure(&error))?;
        output.print(&workplace.printer)
    }
}

fn add_profile(
    args: &Add,
    folder: &Folder,
    printer: &Printer,
) -> Result<CommandOutput, AccountError> {
    let url = parse_base_url(&args.base_url)?;
    let added = folder.add_profile(&args.name, &url, args.description.as_deref())?;
    if added.base_url.scheme() != "https" && !is_loopback(&added.base_url) {
        printer.print_line(
            "warning: plain HTTP lets others on the network read tokens; commands refuse to send \
             tokens there without --allow-plain-http",
        );
    }
    let row = ProfileRow::of(&added, folder)?;
    let name = &row.name;
    let lines = [
        format!("Added the profile {name} at {}", row.base_url),
        format!("To use it: espctl profile switch {name}; espctl login --user-name NAME"),
    ];
    Ok(CommandOutput::new(lines, json!({ "profile": row })))
}

fn show_current(folder: &Folder) -> Result<CommandOutput, AccountError> {
    let row = ProfileRow::of(&folder.select_profile(None)?, folder)?;
    let line = row.name.clone();
    Ok(CommandOutput::new([line], json!({ "profile": row })))
}

fn list_profiles(folder: &Folder, printer: &Printer) -> Result<CommandOutput, AccountError> {
    let profiles = folder.list_profiles()?;
    let rows = profiles
        .iter()
        .map(|profile| ProfileRow::of(profile, folder));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    if rows.iter().all(|row| !row.current) {
        let name = folder.read_current_name()?;
        let name = printable(name.as_bytes());
        printer.print_line(&format!(
            "warning: the current profile is {name}, but there is no profile of this name"
        ));
    }
    let heading = ["", "NAME", "LOGGED IN", "BASE URL", "DESCRIPTION"];
    let lines = table(heading, rows.iter().map(ProfileRow::cells));
    Ok(CommandOutput::new(lines, json!({ "profiles": rows })))
}

fn remove_profile(name: &str, folder: &Folder) -> Result<CommandOutput, AccountError> {
    let current = folder.remove_profile(name)?;
    let line = format!("Removed the profile {name}; the current one is {current}");
    let keys = json!({ "removed": name, "current": current });
    Ok(CommandOutput::new([line], keys))
}

fn switch_to(name: &str, folder: &Folder) -> Result<CommandOutput, AccountError> {
    let row = ProfileRow::of(&folder.switch_profile(name)?, folder)?;
    let login = match (row.logged_in, &row.user_name) {
        (Some(true), Some(user)) => &format!("logged in as {user}"),
        (Some(true), None) => "logged in",
        _ => "not logged in",
    };
    let line = format!("The current profile is {name} ({}): {login}", row.base_url);
    Ok(CommandOutput::new([line], json!({ "profile": row })))
}

impl ProfileRow {
    fn of(profile: &Profile, folder: &Folder) -> Result<Self, AccountError> {
        // An unreadable login must not hide the other profiles of a list.
        let tokens = folder.read_tokens(profile).ok();
        let user_name = tokens.iter().flatten().find_map(|tokens| {
            let name = tokens.user_name()?;
            Some(printable(name.as_bytes()))
        });
        Ok(Self {
            name: profile.name.to_string(),
            description: printable(profile.description.as_bytes()),
            base_url: profile.base_url.to_string(),
            region: profile.region().to_owned(),
            built_in: profile.is_built_in,
            current: folder.read_current_name()? == profile.name.as_str(),
            logged_in: tokens.map(|tokens| tokens.is_some()),
            user_name,
        })
    }

    fn cells(&self) -> [String; 5] {
        let login = match (self.logged_in, &self.user_name) {
            (Some(true), Some(name)) => name,
            (Some(true), None) => "yes",
            (Some(false), _) => "-",
            (None, _) => "unreadable",
        };
        let mark = if self.current { "*" } else { "" };
        [mark, &self.name, login, &self.base_url, &self.description].map(str::to_owned)
    }
}
