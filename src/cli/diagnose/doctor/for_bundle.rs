//! The same look after another command, for its support bundle: at what that command had to do with,
//! by the flags that it was given, and at nothing else. Nobody is contacted whom it would not have.

use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};
use serde_json::Value;

use super::{Doctor, look};
use crate::cli::args::drivers::Drivers;
use crate::cli::args::inputs::Inputs;
use crate::cli::subcommand::{Devices, Touches};
use crate::transport::Medium;

/// What there is to see. `medium` is how a device was looked for, where it came to that.
pub(in crate::cli) async fn findings(
    touches: Touches,
    medium: Option<&'static Medium>,
    matches: &ArgMatches,
    drivers: &Drivers,
) -> Result<Vec<Value>, &'static str> {
    if touches == Touches::NOTHING {
        return Err("this command has to do with neither devices nor the account");
    }
    let (args, matches_of_doctor) = flags(matches, drivers).ok_or("its flags do not fit")?;
    let mut scope = args
        .scope(&Inputs::new(&matches_of_doctor), drivers)
        .map_err(|_| "its flags name what is not there")?;
    if args.transport.is_empty() {
        match (touches.devices, medium) {
            (Devices::None, _) => scope.media.clear(),
            (Devices::One, Some(medium)) => scope.media = vec![medium],
            (Devices::One, None) if !is_given(matches, "qrcode") => {
                let driver = drivers.default_driver().ok();
                scope.media = driver.map(|one| drivers.medium(one)).into_iter().collect();
            }
            (Devices::One, None) | (Devices::All, _) => {}
        }
    }
    scope.is_asked = scope.media.len() == 1;
    scope.asks_cloud = touches.cloud;
    let args = Doctor {
        no_cloud: args.no_cloud || !touches.account,
        ..args
    };
    let found = look(&args, &scope).await;
    let values = found.iter().map(serde_json::to_value);
    values
        .collect::<Result<_, _>>()
        .map_err(|_| "it cannot be told")
}

/// The flags of doctor, with the values that the other command has for those of the same name.
fn flags(matches: &ArgMatches, drivers: &Drivers) -> Option<(Doctor, ArgMatches)> {
    let command = Doctor::augment_args(Command::new("doctor").no_binary_name(true));
    let command = drivers.extend(command);
    // What a variable says, the other command knows already. No variable can have this name.
    let command = command.mut_args(|argument| argument.env(""));
    let mut words = Vec::new();
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        let Some(long) = argument.get_long() else {
            continue;
        };
        if !argument.get_action().takes_values() {
            if matches!(matches.try_get_one::<bool>(id), Ok(Some(true))) {
                words.push(format!("--{long}").into());
            }
            continue;
        }
        for value in matches.try_get_raw(id).ok().flatten().into_iter().flatten() {
            let mut word = std::ffi::OsString::from(format!("--{long}="));
            word.push(value);
            words.push(word);
        }
    }
    let matches = command.try_get_matches_from(words);
    matches
        .and_then(|matches| Ok((Doctor::from_arg_matches(&matches)?, matches)))
        .inspect_err(|error| tracing::debug!(kind = ?error.kind(), "no flags for doctor"))
        .ok()
}

fn is_given(matches: &ArgMatches, id: &str) -> bool {
    matches!(matches.try_get_raw(id), Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::drivers::TransportName;
    use crate::provisioner::built_in_protocols;
    use crate::transport::built_in_drivers;

    fn flags_of(words: &[&str]) -> (Doctor, ArgMatches) {
        let drivers = Drivers::new(built_in_drivers(), built_in_protocols());
        let tree = crate::cli::program::command(&drivers);
        let mut matches = tree.try_get_matches_from(words).unwrap();
        while let Some((_, inner)) = matches.remove_subcommand() {
            matches = inner;
        }
        flags(&matches, &drivers).unwrap()
    }

    #[test]
    fn doctor_gets_the_flags_of_the_command() {
        let (args, matches) = flags_of(&[
            "espctl",
            "provision",
            "--transport",
            "console",
            "--port",
            "/dev/x",
            "--no-cloud",
            "--pop",
            "secret",
        ]);
        assert_eq!(args.transport, [TransportName("console".to_owned())]);
        assert_eq!(Inputs::new(&matches).option("port"), Some("/dev/x"));
        assert!(args.no_cloud && !args.require);
        let (args, _) = flags_of(&["espctl", "node", "list", "--profile", "lab"]);
        assert!(args.transport.is_empty() && !args.no_cloud);
    }
}
