//! The devices that the last search found, for completions of their names: a small file in the user's
//! cache folder. It has names and node ids, no secret and no address, and can be deleted at any time.
//! An error of this file is only logged.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tracing::debug;

/// The latest devices first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::cli) struct Seen {
    pub(in crate::cli) names: VecDeque<String>,
    pub(in crate::cli) node_ids: VecDeque<String>,
}

impl Seen {
    /// Adds a device.
    pub(in crate::cli) fn add(&mut self, name: Option<&str>, node_id: Option<&str>) {
        for (list, word) in [(&mut self.names, name), (&mut self.node_ids, node_id)] {
            let Some(word) = word.filter(|word| !word.is_empty() && word.len() <= MAX_LENGTH)
            else {
                continue;
            };
            list.retain(|known| known != word);
            list.push_front(word.to_owned());
            list.truncate(MAX_ENTRIES);
        }
    }
}

/// Replaces the file by the devices of a search.
pub(in crate::cli) fn replace(seen: &Seen) {
    if let Err(error) = write(seen) {
        debug!(%error, "saving the devices of the last search");
    }
}

/// Adds a device to the file.
pub(in crate::cli) fn add(name: Option<&str>, node_id: Option<&str>) {
    let mut seen = read();
    let before = seen.clone();
    seen.add(name, node_id);
    if seen != before {
        replace(&seen);
    }
}

/// Reads the file; an unreadable file is empty.
pub(in crate::cli) fn read() -> Seen {
    let text = file().and_then(|path| fs::read(path).ok());
    let seen = text.and_then(|text| serde_json::from_slice(&text).ok());
    seen.unwrap_or_default()
}

fn write(seen: &Seen) -> io::Result<()> {
    // Without a home folder there is no safe place.
    let Some(path) = file() else {
        return Ok(());
    };
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    // Written as a whole, and readable only by its owner from the beginning.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, seen)?;
    file.flush()?;
    file.persist(path)?;
    Ok(())
}

/// The path, if the user has a home folder.
fn file() -> Option<PathBuf> {
    let folder = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    let caches = if cfg!(windows) {
        folder("LOCALAPPDATA")?
    } else {
        let home = folder("HOME")?;
        folder("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache"))
    };
    Some(caches.join("espctl").join("seen.json"))
}

/// Bytes of a name; more than fit into an advertisement.
const MAX_LENGTH: usize = 128;
/// Names, and node ids, in the file.
const MAX_ENTRIES: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latest_entries_are_first() {
        let mut seen = Seen::default();
        for number in 0..=MAX_ENTRIES {
            seen.add(Some(&format!("PROV_{number}")), None);
        }
        seen.add(Some("PROV_7"), Some("node7"));
        seen.add(Some(""), Some(&"x".repeat(MAX_LENGTH + 1)));
        assert_eq!(seen.names.len(), MAX_ENTRIES);
        assert_eq!((&*seen.names[0], &*seen.names[1]), ("PROV_7", "PROV_50"));
        assert!(!seen.names.contains(&"PROV_0".to_owned()));
        assert_eq!(seen.node_ids, ["node7"]);
    }
}
