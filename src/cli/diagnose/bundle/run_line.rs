//! How a run was started: its command line and the environment variables that matter. They are
//! composed again from the parsed arguments, so that the type of a value decides whether it is shown.

use std::ffi::OsStr;
use std::path::Path;

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use crate::cli::args::public_text::Exposure;
use crate::ident::printable;
use crate::report::{Failure, quote_word};
use crate::secret::Secret;

/// A command line, and the environment variables that took part.
#[derive(Debug)]
pub(super) struct RunLine {
    /// The command as it could be typed again, except for redacted values.
    pub(super) command: String,
    /// `NAME=value` of a variable that set an argument, and only the name of any other.
    pub(super) environment: Vec<String>,
    /// Text that is not shown, and the parts of it that a message could quote.
    withheld: Vec<Secret<String>>,
}

impl RunLine {
    /// The line of a parsed command. `names` leads from the program to `command`.
    pub(super) fn compose(names: &[&str], command: &Command, matches: &ArgMatches) -> Self {
        let mut words: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut environment = Vec::new();
        let mut withheld = Vec::new();
        for argument in command.get_arguments() {
            let id = argument.get_id().as_str();
            if matches.try_contains_id(id).is_err() {
                continue;
            }
            let argument = ParsedArgument::new(argument, matches);
            withheld.extend(argument.withheld_parts());
            match matches.value_source(id) {
                Some(ValueSource::CommandLine) => words.extend(argument.words()),
                Some(ValueSource::EnvVariable) => environment.extend(argument.variable()),
                _ => {}
            }
        }
        environment.extend(list_other_variables(&environment));
        Self {
            command: words.join(" "),
            environment,
            withheld,
        }
    }

    /// The line of a command that could not be parsed: nothing of it is shown.
    pub(super) fn unparsed() -> Self {
        Self {
            command: format!("espctl {REDACTED}"),
            environment: list_other_variables(&[]),
            withheld: Vec::new(),
        }
    }

    /// The failure without withheld text, which its sentences can quote.
    pub(super) fn redact(&self, failure: &Failure) -> Failure {
        let causes = failure.causes.iter();
        let hints = failure.hints.iter();
        Failure {
            message: self.redact_text(&failure.message),
            step: failure.step.clone(),
            causes: causes.map(|cause| self.redact_text(cause)).collect(),
            hints: hints.map(|hint| self.redact_text(hint)).collect(),
            ..*failure
        }
    }

    fn redact_text(&self, text: &str) -> String {
        let parts = self.withheld.iter();
        parts.fold(text.to_owned(), |text, part| {
            text.replace(part.expose(), REDACTED)
        })
    }
}

/// An argument of the command, with its values.
struct ParsedArgument<'a> {
    argument: &'a Arg,
    exposure: Exposure,
    values: Vec<&'a OsStr>,
    /// How often a flag without a value is repeated.
    count: u8,
}

impl<'a> ParsedArgument<'a> {
    fn new(argument: &'a Arg, matches: &'a ArgMatches) -> Self {
        let id = argument.get_id().as_str();
        let values = matches.try_get_raw(id).ok().flatten();
        let count = matches.try_get_one::<u8>(id).ok().flatten();
        Self {
            argument,
            exposure: Exposure::of(argument),
            values: values.into_iter().flatten().collect(),
            count: count.copied().unwrap_or(1),
        }
    }

    /// What a message could quote of values that are not shown: each value, and the parts that
    /// espctl splits it into, as text and as a literal. The name of an existing file is no secret,
    /// but without the file, `@` may be the first character of a secret.
    fn withheld_parts(&self) -> Vec<Secret<String>> {
        let separators: &[char] = match self.exposure {
            Exposure::Public => return Vec::new(),
            Exposure::Withheld => &[',', ':'],
            // Between the fields of a label.
            Exposure::Secret => &['|'],
        };
        let mut withheld = Vec::new();
        for value in &self.values {
            let value = printable(value.as_encoded_bytes());
            let after_sign = value.strip_prefix('@');
            if after_sign.is_some_and(|name| Path::new(name).exists()) {
                continue;
            }
            let parts = [value.as_str()].into_iter().chain(after_sign);
            let parts = parts.chain(value.split(separators));
            for part in parts.flat_map(|part| [part, part.trim()]) {
                if part.len() >= MIN_WITHHELD {
                    let literal = format!("{part:?}");
                    withheld.push(Secret::new(literal.trim_matches('"').to_owned()));
                    withheld.push(Secret::new(part.to_owned()));
                }
            }
        }
        withheld
    }

    /// The words of the command line.
    fn words(&self) -> Vec<String> {
        let long = self.argument.get_long().map(|long| format!("--{long}"));
        let short = self.argument.get_short().map(|short| format!("-{short}"));
        let flag = long.or(short);
        if !self.argument.get_action().takes_values() {
            let words = std::iter::repeat_n(flag, self.count.into());
            return words.flatten().collect();
        }
        let values = self.values.iter().map(|value| {
            let value = self.show(value);
            value.map_or_else(|| REDACTED.to_owned(), |value| quote_word(&value))
        });
        values
            .flat_map(|value| flag.clone().into_iter().chain([value]))
            .collect()
    }

    /// The assignment to the environment variable.
    fn variable(&self) -> Option<String> {
        let name = self.argument.get_env()?.to_str()?;
        if !self.argument.get_action().takes_values() {
            return Some(format!("{name}=…"));
        }
        let values = self.values.iter().map(|value| self.show(value));
        let values: Vec<String> = values
            .map(|value| value.unwrap_or_else(|| REDACTED.to_owned()))
            .collect();
        Some(format!("{name}={}", values.join(",")))
    }

    /// The value, if other people may read it. A URL can contain a user name and a password.
    fn show(&self, value: &OsStr) -> Option<String> {
        let text = value.to_string_lossy();
        let may_have_login = text.contains("://") && text.contains(['@', '?']);
        (self.exposure == Exposure::Public && !may_have_login)
            .then(|| printable(value.as_encoded_bytes()))
    }
}

/// The names of the set variables that affect a run, except for those in `assignments`.
fn list_other_variables(assignments: &[String]) -> Vec<String> {
    let affects_run = |name: &str| {
        name.starts_with("ESPCTL_")
            || name.starts_with("ESP_RAINMAKER_")
            || name.to_ascii_lowercase().ends_with("_proxy")
            || VARIABLES.contains(&name)
    };
    let is_listed = |name: &str| {
        let mut assigned = assignments.iter().filter_map(|text| text.split_once('='));
        assigned.any(|(listed, _)| listed == name)
    };
    let variables = std::env::vars_os().filter(|(_, value)| !value.is_empty());
    let names = variables.filter_map(|(name, _)| name.into_string().ok());
    let mut names: Vec<String> = names
        .filter(|name| affects_run(name) && !is_listed(name))
        .collect();
    names.sort();
    names
}

const REDACTED: &str = "<redacted>";
/// In bytes. Shorter parts occur in ordinary words.
const MIN_WITHHELD: usize = 4;
/// Variables of other programs that change what a run does.
const VARIABLES: [&str; 8] = [
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
    use std::collections::BTreeSet;

    use super::super::select_command;
    use super::*;
    use crate::cli::args::drivers::Drivers;
    use crate::provisioner::built_in_protocols;
    use crate::transport::built_in_drivers;

    fn tree() -> Command {
        let drivers = Drivers::new(built_in_drivers(), built_in_protocols());
        crate::cli::program::command(&drivers)
    }

    #[track_caller]
    fn compose(words: &[&str]) -> RunLine {
        let mut tree = tree();
        let matches = tree.clone().try_get_matches_from(words).unwrap();
        tree.build();
        let (names, command, matches) = select_command(&tree, &matches);
        RunLine::compose(&names, command, matches)
    }

    #[test]
    fn shows_public_values_and_redacts_others() {
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
            (
                "espctl emulate cloud --user me --also-user you:s3cret",
                "espctl emulate cloud --user me --also-user <redacted>",
            ),
            ("espctl explain wrong-pop", "espctl explain wrong-pop"),
        ] {
            let words: Vec<&str> = words.split(' ').collect();
            assert_eq!(compose(&words).command, expected);
        }
        let words = ["espctl", "provision", "--device-name", "a>b"];
        let line = compose(&words).command;
        assert_eq!(line, "espctl provision --device-name 'a>b'");
        let words = ["espctl", "provision", "--ssid", "My Home's", "--open"];
        let line = compose(&words).command;
        assert_eq!(line, r#"espctl provision --ssid "My Home's" --open"#);
    }

    /// A new argument is public only after its author has added it to one of the lists below.
    #[test]
    #[cfg_attr(
        not(debug_assertions),
        ignore = "clap knows the names of types in debug builds"
    )]
    fn every_public_argument_is_reviewed() {
        fn collect(command: &Command, values: &mut BTreeSet<String>) {
            for argument in command.get_arguments() {
                let has_text = argument.get_action().takes_values()
                    && argument.get_possible_values().is_empty();
                if has_text && Exposure::of(argument) == Exposure::Public {
                    let name = format!("{:?}", argument.get_value_parser().type_id());
                    let name = name.rsplit("::").next().unwrap_or_default();
                    values.insert(match name {
                        "OptionText" | "PublicText" => format!("{name} {}", argument.get_id()),
                        _ => name.to_owned(),
                    });
                }
            }
            for subcommand in command.get_subcommands() {
                collect(subcommand, values);
            }
        }
        let mut values = BTreeSet::new();
        collect(&tree(), &mut values);
        for reviewed in OPTION_TEXTS.split(' ') {
            values.remove(&format!("OptionText {reviewed}"));
        }
        for reviewed in PUBLIC_TEXTS.split(' ') {
            values.remove(&format!("PublicText {reviewed}"));
        }
        for reviewed in OTHER_TYPES.split(' ') {
            values.remove(reviewed);
        }
        assert!(values.is_empty(), "not reviewed: {values:?}");
    }

    const OPTION_TEXTS: &str =
        "adapter baud device_host device_ip device_port interface mdns_port port";
    const PUBLIC_TEXTS: &str = "base_url cap device_name endpoint from_serial group id name \
        node_id profile sec2_username source ssid ssid_hex user user_name username";
    /// `String)` ends the key and the value of a TXT record.
    const OTHER_TYPES: &str = "Address ConsoleTrouble Duration Fault CloudFaultKind> Firmware IpAddr \
        KeyKind NodeCloud PathBuf Scenario SecurityScheme String) TimeScale Uuid i16 u16 u32 u64 u8";
}
