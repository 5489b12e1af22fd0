//! The sources of a value: flag, environment, label, default, in this order. A file has the rank of the
//! flag or the variable that names it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ArgMatches;
use clap::parser::ValueSource;
use zeroize::Zeroizing;

use crate::report::{ErrorId, Failure, remedies};
use crate::secret::Secret;
use crate::transport::OptionSpec;

/// The value of a driver's flag, in its usual form.
#[derive(Clone, Debug)]
pub(in crate::cli) struct OptionText(pub(in crate::cli) String);

/// Knows which values were typed, and reads files and stdin for values that are there.
pub(in crate::cli) struct Inputs<'m> {
    matches: &'m ArgMatches,
    /// The flag whose value was read from stdin.
    stdin_reader: Option<String>,
    /// Shows a line to the user.
    pub(in crate::cli) notify: fn(&str),
}

impl<'m> Inputs<'m> {
    pub(in crate::cli) fn new(matches: &'m ArgMatches, notify: fn(&str)) -> Self {
        Self {
            matches,
            stdin_reader: None,
            notify,
        }
    }

    /// Whether this argument is on the command line, not only in the environment.
    pub(in crate::cli) fn is_typed(&self, id: &str) -> bool {
        // Asking clap for an argument that the command does not have is a panic.
        self.matches.try_contains_id(id).is_ok()
            && self.matches.value_source(id) == Some(ValueSource::CommandLine)
    }

    /// The value of a driver's flag, typed or from the environment.
    pub(in crate::cli) fn option(&self, id: &str) -> Option<&str> {
        let OptionText(value) = self.matches.try_get_one(id).ok().flatten()?;
        Some(value)
    }

    /// The values of a driver's flags. Of two that exclude each other, the one with the higher rank.
    pub(in crate::cli) fn driver_options(
        &self,
        specs: &'static [OptionSpec],
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let value = |id: &'static str| Some((id, self.option(id)?.to_owned()));
        let mut given: Vec<(&'static str, String)> = Vec::new();
        for spec in specs {
            let other = specs
                .iter()
                .find(|other| Some(other.id) == spec.conflicts_with);
            let Some(other) = other else {
                given.extend(value(spec.id));
                continue;
            };
            given.retain(|(id, _)| *id != other.id);
            let values = ((other.id, value(other.id)), (spec.id, value(spec.id)));
            given.extend(self.choose_one(values.0, values.1)?);
        }
        Ok(given)
    }

    /// Whether this switch is on, by flag or by environment.
    pub(in crate::cli) fn is_on(&self, id: &str) -> bool {
        matches!(self.matches.try_get_one::<bool>(id), Ok(Some(true)))
    }

    /// The flag or the variable that turned a switch on, in messages.
    pub(in crate::cli) fn switch(&self, id: &str, variable: &'static str) -> String {
        if self.is_typed(id) {
            flag_of(id)
        } else {
            variable.to_owned()
        }
    }

    /// Of two flags that exclude each other, the value with the higher rank; an error if both were
    /// typed.
    pub(in crate::cli) fn choose_one<T>(
        &self,
        (first_id, first): (&str, Option<T>),
        (second_id, second): (&str, Option<T>),
    ) -> Result<Option<T>, Failure> {
        match (self.is_typed(first_id), self.is_typed(second_id)) {
            (true, true) => Err(exclude_each_other(&flag_of(first_id), &flag_of(second_id))),
            (false, true) => Ok(second),
            (true, false) => Ok(first),
            (false, false) => Ok(first.or(second)),
        }
    }

    /// The secret of the flag with this id, or in the file that the flag `…-file` names. `given` and
    /// `path` are their values, typed or from the environment.
    pub(in crate::cli) async fn secret(
        &mut self,
        id: &str,
        given: Option<&Secret<String>>,
        path: Option<&PathBuf>,
    ) -> Result<Option<Secret<String>>, Failure> {
        let file_id = format!("{id}_file");
        let is_file_typed = self.is_typed(&file_id);
        let is_typed = self.is_typed(id) || id == "pop" && self.is_typed(POSITIONAL_POP);
        if is_typed && is_file_typed {
            return Err(exclude_each_other(&flag_of(id), &flag_of(&file_id)));
        }
        match (given, path) {
            (Some(value), _) if !is_file_typed => Ok(Some(value.clone())),
            (_, Some(path)) => self.read_secret(path, &flag_of(&file_id)).await.map(Some),
            (given, None) => Ok(given.cloned()),
        }
    }

    async fn read_secret(&mut self, path: &Path, flag: &str) -> Result<Secret<String>, Failure> {
        let bytes = self.read_bytes(path, flag).await?;
        let text = std::str::from_utf8(bytes.expose())
            .map_err(|_| unreadable(path, flag, &"it is not UTF-8 text"))?;
        // Editors and echo end a file with a line break, and some begin it with a byte order mark.
        let line = text
            .strip_suffix('\n')
            .map(|line| line.strip_suffix('\r').unwrap_or(line));
        let line = line.unwrap_or(text);
        let secret = Secret::new(line.strip_prefix('\u{feff}').unwrap_or(line).to_owned());
        // The device would count such a secret as a wrong one.
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

    /// The bytes of a file, or of stdin for `-`.
    pub(in crate::cli) async fn read_bytes(
        &mut self,
        path: &Path,
        flag: &str,
    ) -> Result<Secret<Vec<u8>>, Failure> {
        self.read_at_most(MAX_TEXT, path, flag).await
    }

    /// The bytes of a file whose name is in an argument that can contain a secret. If there is no such
    /// file, the name may be that secret, and no message repeats it.
    pub(in crate::cli) async fn read_unnamed(
        &mut self,
        max_bytes: u64,
        path: &Path,
        flag: &str,
    ) -> Result<Secret<Vec<u8>>, Failure> {
        let read = self.read_at_most(max_bytes, path, flag).await;
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

    /// The bytes of a file, or of stdin for `-`, up to a limit.
    pub(in crate::cli) async fn read_at_most(
        &mut self,
        max_bytes: u64,
        path: &Path,
        flag: &str,
    ) -> Result<Secret<Vec<u8>>, Failure> {
        if path.as_os_str() != "-" {
            return read_file(path, max_bytes, flag).await;
        }
        if let Some(other) = self.stdin_reader.replace(flag.to_owned()) {
            return Err(Failure::new(
                ErrorId::StdinTwice,
                format!("only one input may be `-`, not both {other} and {flag}"),
            ));
        }
        let read = read_on_thread(move || read_all(io::stdin(), max_bytes)).await;
        read.map_err(|error| unreadable(path, flag, &error))
    }
}

/// The bytes of a file, up to a limit.
pub(in crate::cli) async fn read_file(
    path: &Path,
    max_bytes: u64,
    flag: &str,
) -> Result<Secret<Vec<u8>>, Failure> {
    let opened = path.to_owned();
    let read = move || File::open(opened).and_then(|file| read_all(file, max_bytes));
    let read = read_on_thread(read).await;
    read.map_err(|error| unreadable(path, flag, &error))
}

/// Reads on a thread of its own, so that Ctrl-C ends the wait: a file can be a pipe.
async fn read_on_thread(
    read: impl FnOnce() -> io::Result<Secret<Vec<u8>>> + Send + 'static,
) -> io::Result<Secret<Vec<u8>>> {
    let read = tokio::task::spawn_blocking(read).await;
    read.map_err(io::Error::other).flatten()
}

/// The long form of the flag with this id.
pub(in crate::cli) fn flag_of(id: &str) -> String {
    format!("--{}", id.replace('_', "-"))
}

/// The failure of two arguments that exclude each other.
pub(in crate::cli) fn exclude_each_other(first: &str, second: &str) -> Failure {
    let message = format!("{first} and {second} exclude each other");
    Failure::new(ErrorId::ConflictingFlags, message)
}

fn unreadable(path: &Path, flag: &str, cause: &dyn std::fmt::Display) -> Failure {
    let message = format!("{flag}: cannot read {}", path.display());
    Failure::new(ErrorId::UnreadableFile, message).cause(cause)
}

fn read_all(from: impl io::Read, max_bytes: u64) -> io::Result<Secret<Vec<u8>>> {
    // Allocated once for a secret: a vector that grows leaves copies behind.
    let capacity = usize::try_from(max_bytes.min(MAX_TEXT) + 1).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    from.take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > max_bytes) {
        return Err(io::Error::other(format!("more than {max_bytes} bytes")));
    }
    Ok(Secret::new(std::mem::take(&mut *bytes)))
}

/// What happens to an existing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Existing {
    /// It is appended to.
    Extended,
    /// It is replaced.
    Replaced,
    /// It is kept, and nothing is written.
    Kept,
}

/// Opens a file that only its owner may read.
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
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
        // Another user may have put a link here, to a file that they want to see overwritten.
        if !is_open_file(path) {
            options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
        }
    }
    let unwritable = |error: io::Error| {
        let message = format!("{flag}: cannot write to {}", path.display());
        let failure = Failure::new(ErrorId::UnwritableFile, message);
        let failure = if path.is_symlink() {
            failure.cause(&"it is a symbolic link")
        } else {
            failure.cause(&error)
        };
        failure.remedy(&remedies::OTHER_PATH)
    };
    let file = options.open(path).map_err(unwritable)?;
    // The mode applies to new files only. A pipe or a terminal keeps its own.
    #[cfg(unix)]
    if file.metadata().is_ok_and(|data| data.is_file()) {
        let owner_only = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        file.set_permissions(owner_only).map_err(unwritable)?;
    }
    Ok(file)
}

/// Whether the path is one of the system's links to open files, such as `/dev/stderr`.
pub(in crate::cli) fn is_open_file(path: &Path) -> bool {
    let folders = ["/dev", "/proc"];
    folders.iter().any(|folder| path.starts_with(folder))
}

/// Parses seconds with decimals.
pub(in crate::cli) fn parse_seconds(text: &str) -> Result<Duration, String> {
    let expected = || format!("expected seconds, from 0 to {MAX_SECONDS}");
    let seconds: f64 = text.parse().map_err(|_| expected())?;
    if !(0.0..=MAX_SECONDS).contains(&seconds) {
        return Err(expected());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// clap's id of the positional proof of possession, which older scripts use.
const POSITIONAL_POP: &str = "positional_pop";
/// Bytes of a secret or a label; real ones are far shorter.
pub(in crate::cli) const MAX_TEXT: u64 = 64 * 1024;
/// A day.
const MAX_SECONDS: f64 = 86_400.0;

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
