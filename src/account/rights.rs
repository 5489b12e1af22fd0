//! Checks the permissions of the account files: whether other users may read or change them.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::Folder;

/// A file or folder that other users may access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exposed {
    pub path: PathBuf,
    /// The permission bits, as for `chmod`.
    pub mode: u32,
}

/// The permissions of the account files and folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights {
    /// The number of account files.
    pub files: usize,
    /// Files that other users may read or write.
    pub exposed: Vec<Exposed>,
    /// Folders in which other users may replace files.
    pub folders: Vec<Exposed>,
    /// Files and folders of another user.
    pub foreign: Vec<PathBuf>,
    /// Paths that could not be checked, each with the error.
    pub unseen: Vec<(PathBuf, String)>,
}

impl Folder {
    /// Checks each account file; `None` if the system has no such permissions.
    pub(crate) fn rights(&self) -> Option<Rights> {
        cfg!(unix).then(|| self.rights_for(current_user()))
    }

    fn rights_for(&self, user: u32) -> Rights {
        let mut rights = Rights::default();
        for folder in [self.path.clone(), self.path.join("profiles")] {
            rights.look_into(&folder, user);
        }
        rights
            .exposed
            .sort_by(|one, other| one.path.cmp(&other.path));
        rights
    }
}

impl Rights {
    fn look_into(&mut self, folder: &Path, user: u32) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.not_seen(folder, &error),
        };
        match fs::metadata(folder) {
            Ok(data) => self.note(folder, &data, user),
            Err(error) => self.not_seen(folder, &error),
        }
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => {
                    self.not_seen(folder, &error);
                    continue;
                }
            };
            if !is_of_an_account(&path) {
                continue;
            }
            match fs::metadata(&path) {
                Ok(data) if data.is_file() => {
                    self.files += 1;
                    self.note(&path, &data, user);
                }
                Ok(_) => {}
                Err(error) => self.not_seen(&path, &error),
            }
        }
    }

    #[cfg(unix)]
    fn note(&mut self, path: &Path, data: &Metadata, user: u32) {
        use std::os::unix::fs::MetadataExt as _;
        let mode = data.mode() & 0o777;
        let one = || Exposed {
            path: path.to_owned(),
            mode,
        };
        if data.is_file() && is_open(mode) {
            self.exposed.push(one());
        }
        if data.is_dir() && is_writable(mode) {
            self.folders.push(one());
        }
        if is_foreign(data.uid(), user) {
            self.foreign.push(path.to_owned());
        }
    }

    #[cfg(not(unix))]
    fn note(&mut self, _path: &Path, _data: &Metadata, _user: u32) {}

    /// Records a path that could not be checked. A missing path is fine.
    fn not_seen(&mut self, path: &Path, error: &io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            self.unseen.push((path.to_owned(), error.to_string()));
        }
    }
}

/// Other programs may have files in the same folder.
fn is_of_an_account(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let is_ours = |name: &str| {
        name.ends_with("_config.json") || matches!(name, "profiles.json" | "current_profile")
    };
    name.is_some_and(is_ours)
}

/// The effective user id; 0 on systems without user ids.
#[cfg(unix)]
fn current_user() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[cfg(not(unix))]
fn current_user() -> u32 {
    0
}

/// Root can use every user's files, and the hint `chown` would take them from their owners.
#[cfg(unix)]
const fn is_foreign(owner: u32, user: u32) -> bool {
    user != ROOT && owner != user
}

/// Whether users other than the owner have any access.
#[cfg(any(unix, test))]
const fn is_open(mode: u32) -> bool {
    mode & 0o077 != 0
}

/// Whether users other than the owner may write.
#[cfg(any(unix, test))]
const fn is_writable(mode: u32) -> bool {
    mode & 0o022 != 0
}

#[cfg(unix)]
const ROOT: u32 = 0;

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
    #[test]
    fn a_folder_is_its_owners_to_change() {
        for (mode, writable) in [(0o700, false), (0o755, false), (0o775, true), (0o702, true)] {
            assert_eq!(is_writable(mode), writable, "{mode:o}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn root_leaves_files_of_another_user_alone() {
        for (owner, user, foreign) in [
            (1000, 1000, false),
            (1001, 1000, true),
            (ROOT, 1000, true),
            (1000, ROOT, false),
            (ROOT, ROOT, false),
        ] {
            assert_eq!(is_foreign(owner, user), foreign, "{owner} {user}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_of_another_user_are_listed() {
        use std::os::unix::fs::MetadataExt as _;
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("rainmaker_config.json");
        fs::write(&file, "{}").unwrap();
        let folder = Folder::new(home.path());
        let owner = fs::metadata(&file).unwrap().uid();
        assert!(folder.rights_for(owner).foreign.is_empty());
        let foreign = folder.rights_for(owner + 1).foreign;
        assert_eq!(foreign, [home.path().to_owned(), file]);
    }
}
