//! Who else may read the files of the account. Not what is in them.

use std::fs;
use std::path::{Path, PathBuf};

use super::Folder;

/// A file that others than its owner may read or write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// Which.
    pub path: PathBuf,
    /// Its rights, as `chmod` takes them.
    pub mode: u32,
}

/// The rights of the files, as far as there are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rights {
    /// How many files there are.
    pub files: usize,
    /// Those that are open to others.
    pub exposed: Vec<Exposed>,
}

impl Folder {
    /// Looks at each file of the account; `None` where files have no such rights.
    pub fn rights(&self) -> Option<Rights> {
        if !cfg!(unix) {
            return None;
        }
        let mut rights = Rights::default();
        for folder in [self.path.clone(), self.path.join("profiles")] {
            // Where there is none, nobody reads it.
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            let paths = entries.map(|entry| entry.path());
            for path in paths.filter(|path| is_of_an_account(path)) {
                rights.files += 1;
                rights.exposed.extend(exposed(path));
            }
        }
        rights
            .exposed
            .sort_by(|one, other| one.path.cmp(&other.path));
        Some(rights)
    }
}

/// Other programs may keep what they like beside these.
fn is_of_an_account(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let is_ours = |name: &str| {
        name.ends_with("_config.json") || matches!(name, "profiles.json" | "current_profile")
    };
    name.is_some_and(is_ours) && path.is_file()
}

#[cfg(unix)]
fn exposed(path: PathBuf) -> Option<Exposed> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(&path).ok()?.permissions().mode() & 0o777;
    is_open(mode).then_some(Exposed { path, mode })
}

#[cfg(not(unix))]
fn exposed(_path: PathBuf) -> Option<Exposed> {
    None
}

/// To anybody but its owner.
#[cfg(any(unix, test))]
const fn is_open(mode: u32) -> bool {
    mode & 0o077 != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_its_owners_alone() {
        for (mode, open) in [
            (0o600, false),
            (0o400, false),
            (0o700, false),
            (0o640, true),
            (0o644, true),
            (0o602, true),
        ] {
            assert_eq!(is_open(mode), open, "{mode:o}");
        }
    }
}
