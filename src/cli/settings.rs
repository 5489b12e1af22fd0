//! Where a value comes from: a flag or the file that a flag names, the environment likewise, the
//! QR code, the default, in this order. Reads files and stdin, and nothing else of the world.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::failure::Failure;
use crate::secret::Secret;

/// Knows which values were typed, and reads files and stdin for those that stand there.
pub(super) struct Inputs<'m> {
    matches: &'m ArgMatches,
    stdin_read_for: Option<&'static str>,
}

/// A secret that can be given on the command line, in the environment or in a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecretInput<'a> {
    /// clap's id of the flag with the value, and the flag.
    pub(super) value: (&'static str, &'static str),
    /// clap's id of the flag with the file, and the flag.
    pub(super) file: (&'static str, &'static str),
    /// The value, typed or from the environment.
    pub(super) given: Option<&'a Secret<String>>,
    /// The file, typed or from the environment.
    pub(super) path: Option<&'a PathBuf>,
}

impl<'m> Inputs<'m> {
    pub(super) fn new(matches: &'m ArgMatches) -> Self {
        Self {
            matches,
            stdin_read_for: None,
        }
    }

    /// Whether this argument stands on the command line, not only in the environment.
    pub(super) fn is_typed(&self, id: &str) -> bool {
        self.matches.value_source(id) == Some(ValueSource::CommandLine)
    }

    /// Of two flags that exclude each other, the one that counts; an error when both were typed.
    pub(super) fn one_of<T>(
        &self,
        (first_id, first_flag, first): (&str, &str, Option<T>),
        (second_id, second_flag, second): (&str, &str, Option<T>),
    ) -> Result<Option<T>, Failure> {
        match (self.is_typed(first_id), self.is_typed(second_id)) {
            (true, true) => Err(Failure::usage(
                "conflicting-flags",
                format!("{first_flag} and {second_flag} exclude each other"),
            )),
            (false, true) => Ok(second),
            (true, false) => Ok(first),
            (false, false) => Ok(first.or(second)),
        }
    }

    /// The secret, from wherever it stands.
    pub(super) async fn secret(
        &mut self,
        input: SecretInput<'_>,
    ) -> Result<Option<Secret<String>>, Failure> {
        let (value_id, value_flag) = input.value;
        let (file_id, file_flag) = input.file;
        let typed = self.is_typed(value_id);
        if typed && self.is_typed(file_id) {
            return Err(Failure::usage(
                "conflicting-flags",
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
        // Editors and echo end a file with a line break, which belongs to no secret.
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        Ok(Secret::new(text))
    }

    /// The text of a file, or of stdin for `-`.
    pub(super) async fn read(
        &mut self,
        path: &Path,
        flag: &'static str,
    ) -> Result<String, Failure> {
        let unreadable = |error: io::Error| {
            Failure::usage(
                "unreadable-file",
                format!("{flag}: cannot read {}", path.display()),
            )
            .hint(error.to_string())
        };
        if path.as_os_str() != "-" {
            return fs::read_to_string(path).map_err(unreadable);
        }
        if let Some(other) = self.stdin_read_for.replace(flag) {
            return Err(Failure::usage(
                "stdin-twice",
                format!("only one input may be `-`, not both {other} and {flag}"),
            ));
        }
        // On a thread, so that Ctrl-C ends the wait.
        let read = tokio::task::spawn_blocking(|| {
            let mut text = String::new();
            io::stdin().read_to_string(&mut text).map(|_| text)
        });
        read.await
            .map_err(io::Error::other)
            .flatten()
            .map_err(unreadable)
    }
}

/// Seconds with decimals.
pub(super) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected seconds, from 0 to {LONGEST}");
    let seconds: f64 = text.parse().map_err(|_| expected())?;
    if !(0.0..=LONGEST).contains(&seconds) {
        return Err(expected());
    }
    Ok(Duration::from_secs_f64(seconds))
}

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
