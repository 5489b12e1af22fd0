//! Where a bundle is written: never to a file that the same run reads or writes. This also holds for
//! a command line that cannot be parsed.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command};

use crate::cli::usage::find_flag_value;
use crate::report::{ErrorId, Failure};

/// Fails if another argument names the same file.
pub(super) fn reject_shared_path(
    path: &Path,
    command: &Command,
    matches: &ArgMatches,
) -> Result<(), Failure> {
    let Some(path) = resolve(path) else {
        return Ok(());
    };
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        let is_path = matches.try_get_many::<PathBuf>(id).is_ok();
        let names_file = |value: &OsStr| {
            let named = if is_path {
                Some(value.to_owned())
            } else {
                strip_at_sign(value)
            };
            named.and_then(|named| resolve(named.as_ref())).as_ref() == Some(&path)
        };
        let values = matches.try_get_raw(id).ok().flatten();
        if id != ID && values.into_iter().flatten().any(names_file) {
            let flag = argument
                .get_long()
                .map_or_else(|| id.to_ascii_uppercase(), |long| format!("--{long}"));
            let message = format!("{FLAG} and {flag} name the same file");
            return Err(Failure::new(ErrorId::ConflictingFlags, message)
                .hint("choose another file for the bundle"));
        }
    }
    Ok(())
}

/// The path in a command line that cannot be parsed. `None` if another word, or a variable, could
/// mean the same file.
pub(super) fn find_unshared_path(arguments: &[OsString]) -> Option<PathBuf> {
    let path = find_flag_value(arguments, FLAG, VARIABLE)?;
    if path.is_empty() || path.to_string_lossy().starts_with('-') {
        return None;
    }
    let path = PathBuf::from(path);
    let resolved = resolve(&path);
    let names_file = |word: &OsStr| {
        let named = strip_at_sign(word).unwrap_or_else(|| word.to_owned());
        resolved.is_some() && resolve(named.as_ref()) == resolved
    };
    let words = arguments.iter().skip(1).filter(|word| {
        let value = word.to_str().and_then(|word| word.split_once('='));
        let value = value.filter(|(flag, _)| flag.starts_with('-'));
        names_file(word) || value.is_some_and(|(_, value)| names_file(value.as_ref()))
    });
    let mut variables = std::env::vars_os()
        .filter(|(name, _)| name != VARIABLE && name.to_string_lossy().starts_with("ESPCTL_"));
    let is_shared = words.count() > 1 || variables.any(|(_, value)| names_file(&value));
    (!is_shared).then_some(path)
}

/// The file that `@FILE` names.
fn strip_at_sign(value: &OsStr) -> Option<OsString> {
    value.to_str()?.strip_prefix('@').map(OsString::from)
}

/// One path for all ways to name a file, which need not exist. `None` for anything but a file, such
/// as `/dev/null`: it can be used twice.
fn resolve(path: &Path) -> Option<PathBuf> {
    if let Ok(path) = path.canonicalize() {
        return path.is_file().then_some(path);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}

const ID: &str = "support_bundle";
const FLAG: &str = "--support-bundle";
const VARIABLE: &str = "ESPCTL_SUPPORT_BUNDLE";
