//! Which devices the last search has seen, so that a shell can complete their names: a small file
//! among this user's caches. Names and node ids alone, no secret, no address; it can be deleted at
//! any time. That it cannot be read or written is no reason to tell anybody.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tracing::debug;

/// What is kept, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::cli) struct Seen {
    pub(in crate::cli) names: VecDeque<String>,
    pub(in crate::cli) node_ids: VecDeque<String>,
}

impl Seen {
    /// One more device.
    pub(in crate::cli) fn add(&mut self, name: Option<&str>, node_id: Option<&str>) {
        for (list, one) in [(&mut self.names, name), (&mut self.node_ids, node_id)] {
            // Longer than any name that fits into an advertisement.
            let Some(one) = one.filter(|one| !one.is_empty() && one.len() <= LONGEST) else {
                continue;
            };
            list.retain(|known| known != one);
            list.push_front(one.to_owned());
            list.truncate(MOST);
        }
    }
}

/// Keeps what a search for all devices has seen, in place of what there was.
pub(in crate::cli) fn replace(seen: &Seen) {
    if let Err(error) = write(seen) {
        debug!(%error, "the devices that were seen are not remembered");
    }
}

/// Keeps one more device.
pub(in crate::cli) fn add(name: Option<&str>, node_id: Option<&str>) {
    let mut seen = remembered();
    let before = seen.clone();
    seen.add(name, node_id);
    if seen != before {
        replace(&seen);
    }
}

/// What was kept; nothing where nothing can be read.
pub(in crate::cli) fn remembered() -> Seen {
    let read = || {
        let text = fs::read(file()?).ok()?;
        serde_json::from_slice(&text).ok()
    };
    read().unwrap_or_default()
}

fn write(seen: &Seen) -> io::Result<()> {
    // A home that nobody named may be anybody's.
    let Some(path) = file() else {
        return Ok(());
    };
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    // Whole or not at all, and its owner's alone from the beginning.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, seen)?;
    file.flush()?;
    file.persist(path)?;
    Ok(())
}

/// Where it is, on a computer where this user has a home.
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

const LONGEST: usize = 128;
/// Of each kind: more than anybody reads in a list of completions.
const MOST: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept_and_come_first() {
        let mut seen = Seen::default();
        for number in 0..=MOST {
            seen.add(Some(&format!("PROV_{number}")), None);
        }
        seen.add(Some("PROV_7"), Some("node7"));
        seen.add(Some(""), Some(&"x".repeat(LONGEST + 1)));
        assert_eq!(seen.names.len(), MOST);
        assert_eq!((&*seen.names[0], &*seen.names[1]), ("PROV_7", "PROV_50"));
        assert!(!seen.names.contains(&"PROV_0".to_owned()));
        assert_eq!(seen.node_ids, ["node7"]);
    }
}
