//! Values that only this computer knows, for completions: profiles, devices of the last search, error
//! ids. They come from files; nothing is contacted.

use std::ffi::OsStr;

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use super::environment::account_folder;
use super::seen_devices::{self, Seen};
use crate::report::ErrorId;

/// Error ids with their titles.
pub(in crate::cli) fn error_ids() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let ids = ErrorId::ALL.iter();
        let ids = ids.map(|id| (id.into_str().to_owned(), Some(id.entry().title)));
        list_candidates(typed, ids)
    })
}

/// Names of profiles.
pub(in crate::cli) fn profiles() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let profiles = account_folder()
            .ok()
            .and_then(|folder| folder.list_profiles().ok());
        let names = profiles.into_iter().flatten();
        list_candidates(typed, names.map(|profile| (profile.name.to_string(), None)))
    })
}

/// Names and node ids of the devices that the last search found.
pub(in crate::cli) fn device_names() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let Seen { names, node_ids } = seen_devices::read();
        let all = names.into_iter().chain(node_ids);
        list_candidates(typed, all.map(|name| (name, None)))
    })
}

/// Node ids that the last search found.
pub(in crate::cli) fn node_ids() -> ArgValueCompleter {
    ArgValueCompleter::new(|typed: &OsStr| {
        let ids = seen_devices::read().node_ids.into_iter();
        list_candidates(typed, ids.map(|id| (id, None)))
    })
}

fn list_candidates(
    typed: &OsStr,
    words: impl Iterator<Item = (String, Option<&'static str>)>,
) -> Vec<CompletionCandidate> {
    let Some(typed) = typed.to_str() else {
        return Vec::new();
    };
    words
        .filter(|(word, _)| word.starts_with(typed) && is_plain(word))
        .map(|(word, help)| CompletionCandidate::new(word).help(help.map(Into::into)))
        .collect()
}

/// Whether a shell reads it as one plain word. Any device nearby can announce a name, and some shells
/// insert a candidate unquoted.
fn is_plain(word: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    !word.is_empty() && !word.starts_with('-') && word.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_shell_syntax_are_not_offered() {
        for name in ["PROV_d76c30", "kitchen-lamp.2", "XeRQn9TDhQDTfhrGgcLesA"] {
            assert!(is_plain(name), "{name}");
        }
        for name in [
            "",
            "$(reboot)",
            "a b",
            "a;b",
            "`x`",
            "--pop",
            "a'b",
            "ä",
            "a\nb",
        ] {
            assert!(!is_plain(name), "{name}");
        }
    }
}
