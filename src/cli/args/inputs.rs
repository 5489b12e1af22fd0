//! Where a value comes from: flag, environment, QR code, default, in this order. A file ranks with
//! the flag or the variable that names it. Reads files and stdin, and nothing else of the world.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::report::{ErrorId, Failure, remedies};
use crate::secret::Secret;
use crate::transport::OptionSpec;

/// The value of a driver's flag, in its usual form.
#[derive(Clone, Debug)]
pub(in crate::cli) struct OptionText(pub(in crate::cli) String);

/// Knows which values were typed, and reads files and stdin for those that stand there.
pub(in crate::cli) struct Inputs<'m> {
    matches: &'m ArgMatches,
    stdin_read_for: Option<&'static str>,
}

/// A secret that can be given on the command line, in the environment or in a file.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct SecretInput<'a> {
    /// clap's id of the flag with the value, and the flag.
    pub(in crate::cli) value: (&'static str, &'static str),
    /// clap's id of the flag with the file, and the flag.
    pub(in crate::cli) file: (&'static str, &'static str),
    /// The value, typed or from the environment.
    pub(in crate::cli) given: Option<&'a Secret<String>>,
    /// The file, typed or from the environment.
    pub(in crate::cli) path: Option<&'a PathBuf>,
}

impl<'m> Inputs<'m> {
    pub(in crate::cli) fn new(matches: &'m ArgMatches) -> Self {
        Self {
            matches,
            stdin_read_for: None,
        }
    }

    /// Whether this argument stands on the command line, not only in the environment.
    pub(in crate::cli) fn is_typed(&self, id: &str) -> bool {
        // Not every command has every flag, and asking for one that it lacks is a panic.
        self.matches.try_contains_id(id).is_ok()
            && self.matches.value_source(id) == Some(ValueSource::CommandLine)
    }

    /// The value of a driver's flag, typed or from the environment.
    pub(in crate::cli) fn option(&self, id: &str) -> Option<&str> {
        let OptionText(value) = self.matches.try_get_one(id).ok().flatten()?;
        Some(value)
    }

    /// What a driver's flags were given. Of two that exclude each other, the one that counts.
    pub(in crate::cli) fn driver_options(
        &self,
        specs: &'static [OptionSpec],
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let value = |id: &'static str| Some((id, self.option(id)?.to_owned()));
        let mut given: Vec<(&'static str, String)> = Vec::new();
        for spec in specs {
            let other = specs.iter().find(|one| Some(one.id) == spec.conflicts_with);
            let Some(other) = other else {
                given.extend(value(spec.id));
                continue;
            };
            given.retain(|(id, _)| *id != other.id);
            given.extend(self.one_of(
                (other.id, &format!("--{}", other.long), value(other.id)),
                (spec.id, &format!("--{}", spec.long), value(spec.id)),
            )?);
        }
        Ok(given)
    }

    /// Whether this switch is on, by flag or by environment.
    pub(in crate::cli) fn is_on(&self, id: &str) -> bool {
        matches!(self.matches.try_get_one::<bool>(id), Ok(Some(true)))
    }

    /// What a switch that is on was switched on by, in messages.
    pub(in crate::cli) fn switch(
        &self,
        id: &str,
        flag: &'static str,
        variable: &'static str,
    ) -> &'static str {
        if self.is_typed(id) { flag } else { variable }
    }

    /// Of two flags that exclude each other, the one that counts; an error when both were typed.
    pub(in crate::cli) fn one_of<T>(
        &self,
        (first_id, first_flag, first): (&str, &str, Option<T>),
        (second_id, second_flag, second): (&str, &str, Option<T>),
    ) -> Result<Option<T>, Failure> {
        match (self.is_typed(first_id), self.is_typed(second_id)) {
            (true, true) => Err(Failure::new(
                ErrorId::ConflictingFlags,
                format!("{first_flag} and {second_flag} exclude each other"),
            )),
            (false, true) => Ok(second),
            (true, false) => Ok(first),
            (false, false) => Ok(first.or(second)),
        }
    }

    /// The secret, from wherever it stands.
    pub(in crate::cli) async fn secret(
        &mut self,
        input: SecretInput<'_>,
    ) -> Result<Option<Secret<String>>, Failure> {
        let (value_id, value_flag) = input.value;
        let (file_id, file_flag) = input.file;
        let typed = self.is_typed(value_id) || self.is_typed(POSITIONAL_POP) && value_id == "pop";
        if typed && self.is_typed(file_id) {
            return Err(Failure::new(
                ErrorId::ConflictingFlags,
                format!("{value_flag} and {file_flag} exclude each other"),
            ));
        }
        match (input.given, input.path) {
            (Some(_), Some(path)) if self.is_typed(file_id) => {
                self.read_secret(path, file_flag).await.map(Some)
            }
            (Some(value), _) => Ok(Some(value.clone())),
            (None, Some(path)) => self.read_secret(path, file_flag).await.map(Some),
            (None, None) => Ok(None),
        }
    }

    async fn read_secret(
        &mut self,
        path: &Path,
        flag: &'static str,
    ) -> Result<Secret<String>, Failure> {
        let mut text = self.read(path, flag).await?;
        // Editors and echo end a file with a line break, some begin it with a mark; neither
        // belongs to a secret.
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        let secret = Secret::new(text);
        // Sent as it is, it would be refused, and count as a wrong one.
        let wrong = if secret.expose().is_empty() {
            "is empty"
        } else if secret.expose().chars().any(char::is_control) {
            "has more than one line, or control characters"
        } else {
            return Ok(secret);
        };
        let message = format!("{flag}: {} {wrong}", path.display());
        Err(Failure::new(ErrorId::UnusableSecret, message))
    }

    /// The text of a file, or of stdin for `-`.
    pub(in crate::cli) async fn read(
        &mut self,
        path: &Path,
        flag: &'static str,
    ) -> Result<String, Failure> {
        let bytes = self.read_bytes(path, flag).await?;
        String::from_utf8(bytes).map_err(|_| unreadable(path, flag, &"it is not UTF-8 text"))
    }

    /// The bytes of a file, or of stdin for `-`.
    pub(in crate::cli) async fn read_bytes(
        &mut self,
        path: &Path,
        flag: &'static str,
    ) -> Result<Vec<u8>, Failure> {
        self.read_at_most(LONGEST_TEXT, path, flag).await
    }

    /// Likewise, where the name stands in an argument that can hold a secret itself. A name that
    /// leads to no file may be that secret behind a stray sign, and is not repeated.
    pub(in crate::cli) async fn read_unnamed(
        &mut self,
        longest: u64,
        path: &Path,
        flag: &'static str,
    ) -> Result<Vec<u8>, Failure> {
        let read = self.read_at_most(longest, path, flag).await;
        read.map_err(|failure| {
            if failure.id != ErrorId::UnreadableFile || path.as_os_str() == "-" || path.exists() {
                return failure;
            }
            Failure {
                message: format!("the file of {flag} cannot be read"),
                ..failure
            }
            .hint("name a file after the @")
        })
    }

    /// Likewise, of what may be longer than texts are.
    pub(in crate::cli) async fn read_at_most(
        &mut self,
        longest: u64,
        path: &Path,
        flag: &'static str,
    ) -> Result<Vec<u8>, Failure> {
        // On a thread, so that Ctrl-C ends the wait: a file can be a pipe, too.
        let read = if path.as_os_str() == "-" {
            if let Some(other) = self.stdin_read_for.replace(flag) {
                return Err(Failure::new(
                    ErrorId::StdinTwice,
                    format!("only one input may be `-`, not both {other} and {flag}"),
                ));
            }
            tokio::task::spawn_blocking(move || read_all(io::stdin(), longest))
        } else {
            let path = path.to_owned();
            tokio::task::spawn_blocking(move || {
                File::open(path).and_then(|file| read_all(file, longest))
            })
        };
        read.await
            .map_err(io::Error::other)
            .flatten()
            .map_err(|error| unreadable(path, flag, &error))
    }
}

fn unreadable(path: &Path, flag: &str, cause: &dyn std::fmt::Display) -> Failure {
    let message = format!("{flag}: cannot read {}", path.display());
    Failure::new(ErrorId::UnreadableFile, message).cause(cause)
}

fn read_all(from: impl io::Read, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(longest.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > longest) {
        return Err(io::Error::other(format!("more than {longest} bytes")));
    }
    Ok(bytes)
}

/// What becomes of a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Existing {
    /// It grows.
    Extended,
    /// It begins anew.
    Replaced,
    /// It stays, and nothing is written.
    Kept,
}

/// A file that is written for its owner alone.
pub(in crate::cli) fn create_private(
    path: &Path,
    flag: &str,
    existing: Existing,
) -> Result<File, Failure> {
    if path.as_os_str() == "-" {
        let message = format!("{flag}: `-` is not a file, and standard output is for the result");
        return Err(Failure::new(ErrorId::UnwritableFile, message).remedy(&remedies::NAMED_DASH));
    }
    let mut options = File::options();
    options
        .create(true)
        .create_new(existing == Existing::Kept)
        .append(existing == Existing::Extended)
        .write(true)
        .truncate(existing == Existing::Replaced);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let unwritable = |error: io::Error| {
        let message = format!("{flag}: cannot write to {}", path.display());
        Failure::new(ErrorId::UnwritableFile, message)
            .cause(&error)
            .remedy(&remedies::OTHER_PATH)
    };
    let file = options.open(path).map_err(unwritable)?;
    // The mode counts for new files only. A pipe or a terminal is somebody else's to protect.
    #[cfg(unix)]
    if file.metadata().is_ok_and(|data| data.is_file()) {
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        file.set_permissions(owner_only).map_err(unwritable)?;
    }
    Ok(file)
}

/// Seconds with decimals.
pub(in crate::cli) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected seconds, from 0 to {LONGEST}");
    let seconds: f64 = text.parse().map_err(|_| expected())?;
    if !(0.0..=LONGEST).contains(&seconds) {
        return Err(expected());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// The old way to give `--pop`.
const POSITIONAL_POP: &str = "positional_pop";
/// No secret and no label comes near this.
pub(in crate::cli) const LONGEST_TEXT: u64 = 64 * 1024;
/// A day.
const LONGEST: f64 = 86_400.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_decimals_and_bounds() {
        assert_eq!(parse_seconds("10.5"), Ok(Duration::from_millis(10_500)));
        assert_eq!(parse_seconds("0"), Ok(Duration::ZERO));
        for wrong in ["", "-1", "NaN", "inf", "1e9", "5s"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
