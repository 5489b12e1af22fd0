//! How a run was started: its command line and the variables that count, put together again from
//! what they were understood as, so that what is secret is known by its type. What is free text
//! could hold a secret, and stands there only where it is known to be harmless.

use std::ffi::OsStr;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::ident::printable;
use crate::report::{Failure, quote_word};
use crate::secret::Secret;

/// A command line, and which variables took part.
#[derive(Debug)]
pub(super) struct RunLine {
    /// As it could be typed again, but for what is redacted.
    pub(super) command: String,
    /// `NAME=value` of those that gave a flag its value; of others, the name.
    pub(super) environment: Vec<String>,
    /// Free text that is not shown, in all the pieces that a message could quote.
    withheld: Vec<Secret<String>>,
}

impl RunLine {
    /// Of the whole tree of commands, which is built, and of what was made of the arguments.
    pub(super) fn of(tree: &Command, matches: &ArgMatches) -> Self {
        let mut words = vec![tree.get_name().to_owned()];
        let (mut command, mut matches) = (tree, matches);
        while let Some((name, inner)) = matches.subcommand() {
            let Some(next) = command.find_subcommand(name) else {
                break;
            };
            words.push(name.to_owned());
            (command, matches) = (next, inner);
        }
        let mut environment = Vec::new();
        let mut withheld = Vec::new();
        for argument in command.get_arguments() {
            // Of an argument of another command, nothing is known.
            if matches.try_contains_id(argument.get_id().as_str()).is_err() {
                continue;
            }
            if is_free(argument, matches) {
                withheld.extend(pieces(argument, matches));
            }
            if is_secret(argument, matches) {
                withheld.extend(parts(argument, matches));
            }
            match matches.value_source(argument.get_id().as_str()) {
                Some(ValueSource::CommandLine) => words.extend(typed(argument, matches)),
                Some(ValueSource::EnvVariable) => environment.extend(set(argument, matches)),
                _ => {}
            }
        }
        environment.extend(others(&environment));
        Self {
            command: words.join(" "),
            environment,
            withheld,
        }
    }

    /// Of a line that was not understood.
    pub(super) fn of_nothing() -> Self {
        Self {
            command: format!("espctl {REDACTED}"),
            environment: others(&[]),
            withheld: Vec::new(),
        }
    }

    /// A failure without what the user typed as free text or as a secret: messages can quote it.
    pub(super) fn redact(&self, failure: &Failure) -> Failure {
        let causes = failure.causes.iter();
        let hints = failure.hints.iter();
        Failure {
            message: self.without_withheld(&failure.message),
            step: failure.step.clone(),
            causes: causes.map(|cause| self.without_withheld(cause)).collect(),
            hints: hints
                .map(|hint| self.without_withheld(&hint.to_string()).into())
                .collect(),
            ..*failure
        }
    }

    fn without_withheld(&self, message: &str) -> String {
        let pieces = self.withheld.iter();
        pieces.fold(message.to_owned(), |text, piece| {
            text.replace(piece.expose(), REDACTED)
        })
    }
}

/// The value as it is and where it is split, as text and as a literal.
fn pieces(argument: &Arg, matches: &ArgMatches) -> Vec<Secret<String>> {
    let values = matches.try_get_raw(argument.get_id().as_str());
    let values = values.ok().flatten().into_iter().flatten();
    let mut pieces = Vec::new();
    for value in values {
        let value = printable(value.as_encoded_bytes());
        for piece in std::iter::once(value.as_str()).chain(value.split([',', ':'])) {
            let piece = piece.trim();
            // Shorter ones would take words apart.
            if piece.len() >= SHORTEST {
                let literal = format!("{piece:?}");
                pieces.push(Secret::new(literal.trim_matches('"').to_owned()));
                pieces.push(Secret::new(piece.to_owned()));
            }
        }
    }
    pieces
}

/// A secret as it is, and the fields of a label, where a stray sign made a file's name of it. The
/// name of a file that is there is none.
fn parts(argument: &Arg, matches: &ArgMatches) -> Vec<Secret<String>> {
    let values = matches.try_get_raw(argument.get_id().as_str());
    let values = values.ok().flatten().into_iter().flatten();
    let mut parts = Vec::new();
    for value in values {
        let value = printable(value.as_encoded_bytes());
        let name = value.strip_prefix('@');
        if name.is_some_and(|name| Path::new(name).exists()) {
            continue;
        }
        for part in [value.as_str()]
            .into_iter()
            .chain(name)
            .chain(value.split('|'))
        {
            if part.len() >= SHORTEST {
                let literal = format!("{part:?}");
                parts.push(Secret::new(literal.trim_matches('"').to_owned()));
                parts.push(Secret::new(part.to_owned()));
            }
        }
    }
    parts
}

fn is_secret(argument: &Arg, matches: &ArgMatches) -> bool {
    let id = argument.get_id().as_str();
    matches.try_get_many::<Secret<String>>(id).is_ok()
}

/// Whether it could hold anything.
fn is_free(argument: &Arg, matches: &ArgMatches) -> bool {
    let id = argument.get_id().as_str();
    matches.try_get_many::<String>(id).is_ok() && !HARMLESS.contains(&id)
}

fn typed(argument: &Arg, matches: &ArgMatches) -> Vec<String> {
    let long = argument.get_long().map(|long| format!("--{long}"));
    let short = argument.get_short().map(|short| format!("-{short}"));
    let flag = long.or(short);
    if !argument.get_action().takes_values() {
        let count = matches.try_get_one::<u8>(argument.get_id().as_str());
        let count = count.ok().flatten().copied().unwrap_or(1);
        return std::iter::repeat_n(flag, count.into()).flatten().collect();
    }
    values(argument, matches)
        .into_iter()
        .flat_map(|value| flag.clone().into_iter().chain([shown(&value)]))
        .collect()
}

fn set(argument: &Arg, matches: &ArgMatches) -> Option<String> {
    let name = argument.get_env()?.to_str()?;
    let values = if argument.get_action().takes_values() {
        values(argument, matches).join(",")
    } else {
        "…".to_owned()
    };
    Some(format!("{name}={values}"))
}

/// The variables that count without being a flag's, by their names.
fn others(known: &[String]) -> Vec<String> {
    let counts = |name: &str| {
        name.starts_with("ESPCTL_")
            || name.starts_with("ESP_RAINMAKER_")
            || name.to_ascii_lowercase().ends_with("_proxy")
            || OTHERS.contains(&name)
    };
    let is_known = |name: &str| {
        known
            .iter()
            .any(|one| one.split_once('=').is_some_and(|(flag, _)| flag == name))
    };
    let names = std::env::vars_os().filter(|(_, value)| !value.is_empty());
    let names = names.filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<String> = names
        .filter(|name| counts(name) && !is_known(name))
        .collect();
    names.sort();
    names
}

/// What the argument was given, as far as it may be seen.
fn values(argument: &Arg, matches: &ArgMatches) -> Vec<String> {
    let id = argument.get_id().as_str();
    let is_secret = is_secret(argument, matches);
    let is_free = is_free(argument, matches);
    let values = matches.try_get_raw(id).ok().flatten();
    let values = values.into_iter().flatten();
    values
        .map(|value| {
            if is_secret || is_free || may_have_a_login(value) {
                REDACTED.to_owned()
            } else {
                printable(value.as_encoded_bytes())
            }
        })
        .collect()
}

/// A URL can hold a user and a password.
fn may_have_a_login(value: &OsStr) -> bool {
    let value = value.to_string_lossy();
    value.contains("://") && value.contains(['@', '?'])
}

/// As a shell takes it; what is left out is not there to be typed.
fn shown(value: &str) -> String {
    if value == REDACTED {
        value.to_owned()
    } else {
        quote_word(value)
    }
}

const REDACTED: &str = "<redacted>";
/// Of what is looked for in messages, in bytes.
const SHORTEST: usize = 4;
/// Arguments of free text that hold names and addresses, and nothing that opens anything. Of what is
/// not here, no value is shown.
const HARMLESS: [&str; 20] = [
    "adapter",
    "base_url",
    "cap",
    "device_name",
    "endpoint",
    "from_serial",
    "group",
    "id",
    "name",
    "node_id",
    "port",
    "profile",
    "sec2_username",
    "source",
    "ssid",
    "ssid_hex",
    "transport",
    "user",
    "user_name",
    "username",
];
/// Variables that change what a run does.
const OTHERS: [&str; 8] = [
    "CI",
    "CLICOLOR_FORCE",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "NO_COLOR",
    "RM_USER_CONFIG_DIR",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn line(words: &[&str]) -> String {
        let drivers = crate::cli::args::drivers::Drivers::new(
            crate::transport::built_in_drivers(),
            crate::provisioner::built_in_protocols(),
        );
        let mut tree = crate::cli::program::command(&drivers);
        let matches = tree.clone().try_get_matches_from(words).unwrap();
        tree.build();
        RunLine::of(&tree, &matches).command
    }

    #[test]
    fn what_is_secret_is_not_repeated_and_the_rest_is() {
        for (words, expected) in [
            (
                "espctl provision -vv s3cret --ssid Home --passphrase=s3cret --no-cloud",
                "espctl provision <redacted> --ssid Home --passphrase <redacted> --no-cloud \
                 --verbose --verbose",
            ),
            (
                "espctl device call custom --pop s3cret --hex 00ff --device-ip ::1 --format json",
                "espctl device call custom --hex <redacted> --pop <redacted> --device-ip ::1 \
                 --format json",
            ),
            (
                "espctl qr decode {\"pop\":\"s3cret\"}",
                "espctl qr decode <redacted>",
            ),
            (
                "espctl provision --tags a:s3cret --metadata {} --pop-file /a/b",
                "espctl provision --pop-file /a/b --tags <redacted> --metadata <redacted>",
            ),
            (
                "espctl profile add lab --base-url http://me:s3cret@x/ --description s3cret",
                "espctl profile add lab --base-url <redacted> --description <redacted>",
            ),
            ("espctl explain wrong-pop", "espctl explain wrong-pop"),
        ] {
            let words: Vec<&str> = words.split(' ').collect();
            assert_eq!(line(&words), expected);
        }
        let words = ["espctl", "provision", "--device-name", "a>b"];
        assert_eq!(line(&words), "espctl provision --device-name 'a>b'");
        let words = ["espctl", "provision", "--ssid", "My Home's", "--open"];
        assert_eq!(
            line(&words),
            r#"espctl provision --ssid "My Home's" --open"#
        );
    }
}
