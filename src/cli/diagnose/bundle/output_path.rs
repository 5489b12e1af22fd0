//! Where a bundle goes: never onto a file that the same run reads or writes, and for a command line
//! that was not understood wherever that line, or the variable, seems to want it.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Command};

use crate::report::{ErrorId, Failure};

/// An error where another argument names the same file.
pub(super) fn refuse_shared(
    path: &Path,
    command: &Command,
    matches: &ArgMatches,
) -> Result<(), Failure> {
    let Some(place) = canonical(path) else {
        return Ok(());
    };
    for argument in command.get_arguments() {
        let id = argument.get_id().as_str();
        if id == ID {
            continue;
        }
        let is_path = matches.try_get_many::<PathBuf>(id).is_ok();
        let values = matches.try_get_raw(id).ok().flatten();
        let shared = values.into_iter().flatten().any(|value| {
            let named = if is_path {
                Some(value.to_owned())
            } else {
                of_sign(value)
            };
            named.is_some_and(|named| canonical(Path::new(&named)).as_ref() == Some(&place))
        });
        if shared {
            let flag = argument.get_long().map_or_else(
                || argument.get_id().as_str().to_ascii_uppercase(),
                |long| format!("--{long}"),
            );
            let message = format!("{FLAG} and {flag} name the same file");
            return Err(Failure::new(ErrorId::ConflictingFlags, message)
                .hint("choose a file of its own for the bundle"));
        }
    }
    Ok(())
}

/// What a line that was not understood says about the place; nothing where another of its words, or
/// a variable, could mean the same file.
pub(in crate::cli) fn of_line(arguments: &[OsString]) -> Option<PathBuf> {
    let words = || arguments.iter().skip(1).take_while(|word| *word != "--");
    let joined = format!("{FLAG}=");
    let typed = words().enumerate().find_map(|(at, word)| {
        if word == FLAG {
            return words().nth(at + 1).cloned();
        }
        word.to_str()?.strip_prefix(&joined).map(OsString::from)
    });
    let path = typed.or_else(|| std::env::var_os(VARIABLE))?;
    if path.is_empty() || path.to_string_lossy().starts_with('-') {
        return None;
    }
    let path = PathBuf::from(path);
    let place = canonical(&path);
    let is_it = |word: &OsStr| {
        let named = of_sign(word).unwrap_or_else(|| word.to_owned());
        place.is_some() && canonical(Path::new(&named)) == place
    };
    let mut times = 0;
    for word in arguments.iter().skip(1) {
        let value = word.to_str().and_then(|word| word.split_once('='));
        let value = value.filter(|(flag, _)| flag.starts_with('-'));
        times += u8::from(is_it(word) || value.is_some_and(|(_, value)| is_it(value.as_ref())));
        if times > 1 {
            return None;
        }
    }
    let others = std::env::vars_os()
        .filter(|(name, _)| name != VARIABLE && name.to_string_lossy().starts_with("ESPCTL_"));
    let is_shared = others.into_iter().any(|(_, value)| is_it(&value));
    (!is_shared).then_some(path)
}

/// The file that `@FILE` names.
fn of_sign(value: &OsStr) -> Option<OsString> {
    value.to_str()?.strip_prefix('@').map(OsString::from)
}

/// The same for every way to name a file, whether it is there yet or not. What is no file, as
/// `/dev/null`, can be had twice.
fn canonical(path: &Path) -> Option<PathBuf> {
    if let Ok(found) = path.canonicalize() {
        return found.is_file().then_some(found);
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
