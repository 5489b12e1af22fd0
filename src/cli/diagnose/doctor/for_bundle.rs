//! The checks of doctor for the support bundle of another command: only what that command uses, with
//! the values of its flags. They contact no host that the command would not have contacted.

use clap::{ArgMatches, Args as _, Command, FromArgMatches as _};
use serde_json::{Value, json};

use super::Doctor;
use crate::cli::args::drivers::Drivers;
use crate::cli::args::inputs::Inputs;
use crate::cli::subcommand::{Devices, Touches};
use crate::cli::terminal::print_note;
use crate::cli::workplace::Workplace;
use crate::transport::Medium;

/// Checks this computer, as far as the command uses it. `medium` is the one that the command searched
/// for a device, if it did.
pub(in crate::cli) async fn collect_findings(
    touches: Touches,
    medium: Option<&'static Medium>,
    workplace: &Workplace,
) -> Result<Vec<Value>, &'static str> {
    if touches == Touches::NOTHING {
        return Err("this command uses neither devices nor the account");
    }
    let Workplace {
        drivers, matches, ..
    } = workplace;
    let (mut doctor, doctor_matches) =
        parse_as_doctor(matches, drivers).ok_or("doctor does not accept the command's flags")?;
    let mut scope = doctor
        .scope(&Inputs::new(&doctor_matches, print_note), drivers)
        .map_err(|_| "the flags name something that does not exist")?;
    if doctor.transport.is_empty() {
        match (touches.devices, medium) {
            (Devices::None, _) => scope.media.clear(),
            (Devices::One, Some(medium)) => scope.media = vec![medium],
            (Devices::One, None) if !matches!(matches.try_get_raw("qrcode"), Ok(Some(_))) => {
                let driver = drivers.default_driver().ok();
                let medium = driver.map(|driver| driver.medium());
                scope.media = medium.into_iter().collect();
            }
            (Devices::One, None) | (Devices::All, _) => {}
        }
    }
    scope.is_requested = scope.media.len() == 1;
    scope.should_call_cloud = touches.cloud;
    doctor.no_cloud |= !touches.account;
    let findings = Box::pin(doctor.examine_computer(&scope)).await;
    Ok(findings.iter().map(|finding| json!(finding)).collect())
}

/// Doctor with the values that the other command has for flags of the same name.
fn parse_as_doctor(matches: &ArgMatches, drivers: &Drivers) -> Option<(Doctor, ArgMatches)> {
    let command = Doctor::augment_args(Command::new("doctor").no_binary_name(true));
    let command = drivers.extend(command);
    // The other command has read the environment already. No variable can have this name.
    let command = command.mut_args(|argument| argument.env(""));
    let mut words = Vec::new();
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        let Some(long) = argument.get_long() else {
            continue;
        };
        if !argument.get_action().takes_values() {
            let is_on = Inputs::new(matches, print_note).is_on(id);
            words.extend(is_on.then(|| format!("--{long}").into()));
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
        .inspect_err(|error| tracing::debug!(kind = ?error.kind(), "the flags do not fit doctor"))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::drivers::TransportName;
    use crate::provisioner::built_in_protocols;
    use crate::transport::built_in_drivers;

    fn parse(line: &str) -> (Doctor, ArgMatches) {
        let drivers = Drivers::new(built_in_drivers(), built_in_protocols());
        let tree = crate::cli::program::command(&drivers);
        let mut matches = tree.try_get_matches_from(line.split(' ')).unwrap();
        while let Some((_, inner)) = matches.remove_subcommand() {
            matches = inner;
        }
        parse_as_doctor(&matches, &drivers).unwrap()
    }

    #[test]
    fn doctor_gets_the_flags_of_another_command() {
        let line = "espctl provision --transport console --port /dev/x --no-cloud --pop secret";
        let (doctor, matches) = parse(line);
        assert_eq!(doctor.transport, [TransportName("console".to_owned())]);
        assert_eq!(
            Inputs::new(&matches, print_note).option("port"),
            Some("/dev/x")
        );
        assert!(doctor.no_cloud && !doctor.require);
        let (doctor, _) = parse("espctl node list --profile lab");
        assert!(doctor.transport.is_empty() && !doctor.no_cloud);
    }
}
