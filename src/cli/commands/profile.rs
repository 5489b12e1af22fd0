//! `profile`: which clouds there are, and which one counts. It touches files only; what they are
//! is `account`'s.

use async_trait::async_trait;
use clap::Args;
use serde::Serialize;
use serde_json::Map;

use crate::account::{AccountError, Folder, Profile, parse_base_url};
use crate::cli::args::candidates::profiles;
use crate::cli::args::environment::account_folder;
use crate::cli::args::public_text::PublicText;
use crate::cli::subcommand::{Subcommand, Touches};
use crate::cli::terminal::{Printer, columns, keys_of};
use crate::cli::workplace::Workplace;
use crate::cloud::is_loopback;
use crate::ident::printable;
use crate::report::Failure;

/// What to do with profiles.
#[derive(Debug, clap::Subcommand)]
pub(in crate::cli) enum Profiles {
    /// Add a cloud of your own.
    Add(Add),
    /// Say which profile counts where none is named.
    Current,
    /// List the profiles: which one is current, and who is logged in.
    List,
    /// Remove a profile of your own, and its login.
    Remove(Named),
    /// Make another profile the current one.
    Switch(Named),
}

/// Arguments of `profile add`.
#[derive(Args, Debug)]
pub(in crate::cli) struct Add {
    /// What to call it: letters, digits and _-.#
    name: PublicText,

    /// Where its API is; `v1/` is added where it is missing.
    #[arg(long, value_name = "URL")]
    base_url: PublicText,

    /// A note for people.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Arguments of the commands about one profile.
#[derive(Args, Debug)]
pub(in crate::cli) struct Named {
    /// Which profile.
    #[arg(add = profiles())]
    name: PublicText,
}

/// A profile, for people and machines.
#[derive(Serialize)]
struct Row {
    name: String,
    description: String,
    base_url: String,
    region: String,
    built_in: bool,
    current: bool,
    /// Null where its file cannot be understood.
    logged_in: Option<bool>,
    user_name: Option<String>,
}

#[async_trait(?Send)]
impl Subcommand for Profiles {
    fn touches(&self) -> Touches {
        Touches::ACCOUNT_FILES
    }

    async fn run(&self, workplace: &Workplace) -> Result<(), Failure> {
        let (folder, printer) = (account_folder()?, &workplace.printer);
        match self {
            Self::Add(args) => add(args, &folder, printer),
            Self::Current => current(&folder, printer),
            Self::List => list(&folder, printer),
            Self::Remove(args) => remove(&folder, &args.name, printer),
            Self::Switch(args) => switch(&folder, &args.name, printer),
        }
    }
}

fn add(args: &Add, folder: &Folder, printer: &Printer) -> Result<(), Failure> {
    let url = parse_base_url(&args.base_url).map_err(|error| failed(&error.into()))?;
    let added = folder.add_profile(&args.name, &url, args.description.as_deref());
    let added = added.map_err(|error| failed(&error))?;
    if added.base_url.scheme() != "https" && !is_loopback(&added.base_url) {
        printer.say(
            "warning: over plain HTTP anybody in between can read tokens; commands refuse to send \
             them there without --allow-plain-http",
        );
    }
    let row = row(folder, &added)?;
    let lines = [
        format!("Added the profile {} at {}", row.name, row.base_url),
        format!(
            "To use it: espctl profile switch {0}; espctl login --user-name NAME",
            row.name
        ),
    ];
    printer.result(&lines, keys_of("profile", &row))
}

fn current(folder: &Folder, printer: &Printer) -> Result<(), Failure> {
    let current = folder
        .select_profile(None)
        .map_err(|error| failed(&error))?;
    let row = row(folder, &current)?;
    printer.result(std::slice::from_ref(&row.name), keys_of("profile", &row))
}

fn list(folder: &Folder, printer: &Printer) -> Result<(), Failure> {
    let profiles = folder.list_profiles().map_err(|error| failed(&error))?;
    let rows = profiles.iter().map(|profile| row(folder, profile));
    let rows = rows.collect::<Result<Vec<Row>, Failure>>()?;
    let current = folder.read_current_name().map_err(|error| failed(&error))?;
    if rows.iter().all(|row| !row.current) {
        let name = printable(current.as_bytes());
        printer.say(&format!(
            "warning: the current profile is {name}, and there is none of this name"
        ));
    }
    let heading = ["", "NAME", "LOGGED IN", "BASE URL", "DESCRIPTION"].map(str::to_owned);
    let cells: Vec<_> = std::iter::once(heading)
        .chain(rows.iter().map(Row::cells))
        .collect();
    printer.result(&columns(&cells), keys_of("profiles", &rows))
}

fn remove(folder: &Folder, name: &str, printer: &Printer) -> Result<(), Failure> {
    let current = folder
        .remove_profile(name)
        .map_err(|error| failed(&error))?;
    let line = format!("Removed the profile {name}; the current one is {current}");
    let mut keys = Map::new();
    keys.insert("removed".to_owned(), name.into());
    keys.insert("current".to_owned(), current.into());
    printer.result(&[line], keys)
}

fn switch(folder: &Folder, name: &str, printer: &Printer) -> Result<(), Failure> {
    let profile = folder
        .switch_profile(name)
        .map_err(|error| failed(&error))?;
    let row = row(folder, &profile)?;
    let who = match (row.logged_in, &row.user_name) {
        (Some(true), Some(user)) => format!("logged in as {user}"),
        (Some(true), None) => "logged in".to_owned(),
        _ => "nobody is logged in".to_owned(),
    };
    let line = format!("The current profile is {name} ({}): {who}", row.base_url);
    printer.result(&[line], keys_of("profile", &row))
}

fn failed(error: &AccountError) -> Failure {
    Failure::of_account(error)
}

fn row(folder: &Folder, profile: &Profile) -> Result<Row, Failure> {
    let current = folder.read_current_name().map_err(|error| failed(&error))?;
    // One login that cannot be understood is no reason to hide the others.
    let tokens = folder.read_tokens(profile).ok();
    let user_name = tokens.iter().flatten().find_map(|tokens| {
        let name = tokens.user_name()?;
        Some(printable(name.as_bytes()))
    });
    Ok(Row {
        name: profile.name.to_string(),
        description: printable(profile.description.as_bytes()),
        base_url: profile.base_url.to_string(),
        region: profile.region().to_owned(),
        built_in: profile.is_built_in,
        current: current == profile.name.as_str(),
        logged_in: tokens.map(|tokens| tokens.is_some()),
        user_name,
    })
}

impl Row {
    fn cells(&self) -> [String; 5] {
        let logged_in = match (self.logged_in, &self.user_name) {
            (Some(true), Some(name)) => name.clone(),
            (Some(true), None) => "yes".to_owned(),
            (Some(false), _) => "-".to_owned(),
            (None, _) => "unreadable".to_owned(),
        };
        let mark = if self.current { "*" } else { "" };
        [
            mark.to_owned(),
            self.name.clone(),
            logged_in,
            self.base_url.clone(),
            self.description.clone(),
        ]
    }
}
