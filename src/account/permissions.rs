//! Checks the permissions of the account files: whether other users may read or change them.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::Folder;

/// A file or folder that other users may access.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExposedPath {
    pub path: PathBuf,
    /// The permission bits, as for `chmod`.
    pub mode: u32,
}

/// The permissions of the account files and folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Permissions {
    /// The number of account files.
    pub files: usize,
    /// Files that other users may read or write.
    pub exposed: Vec<ExposedPath>,
    /// Folders in which other users may replace files.
    pub folders: Vec<ExposedPath>,
    /// Files and folders of another user.
    pub foreign: Vec<PathBuf>,
    /// Paths that could not be checked, each with the error.
    pub unchecked: Vec<(PathBuf, String)>,
}

impl Folder {
    /// Checks each account file; `None` if the system has no such permissions.
    pub(crate) fn check_permissions(&self) -> Option<Permissions> {
        cfg!(unix).then(|| self.check_permissions_for(current_user()))
    }

    fn check_permissions_for(&self, user: u32) -> Permissions {
        let mut permissions = Permissions::default();
        for folder in [self.path.clone(), self.path.join("profiles")] {
            permissions.check_folder(&folder, user);
        }
        permissions
            .exposed
            .sort_by(|left, right| left.path.cmp(&right.path));
        permissions
    }
}

impl Permissions {
    fn check_folder(&mut self, folder: &Path, user: u32) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.add_unchecked(folder, &error),
        };
        match fs::metadata(folder) {
            Ok(data) => self.check_path(folder, &data, user),
            Err(error) => self.add_unchecked(folder, &error),
        }
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => {
                    self.add_unchecked(folder, &error);
                    continue;
                }
            };
            if !is_account_file(&path) {
                continue;
            }
            match fs::metadata(&path) {
                Ok(data) if data.is_file() => {
                    self.files += 1;
                    self.check_path(&path, &data, user);
                }
                Ok(_) => {}
                Err(error) => self.add_unchecked(&path, &error),
            }
        }
    }

    #[cfg(unix)]
    fn check_path(&mut self, path: &Path, data: &Metadata, user: u32) {
        use std::os::unix::fs::MetadataExt as _;
        let mode = data.mode() & 0o777;
        let exposed = || ExposedPath {
            path: path.to_owned(),
            mode,
        };
        if data.is_file() && is_open_to_others(mode) {
            self.exposed.push(exposed());
        }
        if data.is_dir() && is_writable_by_others(mode) {
            self.folders.push(exposed());
        }
        if is_foreign(data.uid(), user) {
            self.foreign.push(path.to_owned());
        }
    }

    #[cfg(not(unix))]
    fn check_path(&mut self, _path: &Path, _data: &Metadata, _user: u32) {}

    /// Records a path that could not be checked. A missing path is fine.
    fn add_unchecked(&mut self, path: &Path, error: &io::Error) {
        if error.kind() != io::ErrorKind::NotFound {
            self.unchecked.push((path.to_owned(), error.to_string()));
        }
    }
}

/// Other programs may have files in the same folder.
fn is_account_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let is_account_name = |name: &str| {
        name.ends_with("_config.json") || matches!(name, "profiles.json" | "current_profile")
    };
    name.is_some_and(is_account_name)
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
const fn is_open_to_others(mode: u32) -> bool {
    mode & 0o077 != 0
}

/// Whether users other than the owner may write.
#[cfg(any(unix, test))]
const fn is_writable_by_others(mode: u32) -> bool {
    mode & 0o022 != 0
}

#[cfg(unix)]
const ROOT: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detects_files_open_to_others() {
        for (mode, is_open) in [
            (0o600, false),
            (0o400, false),
            (0o700, false),
            (0o640, true),
            (0o644, true),
            (0o602, true),
        ] {
            assert_eq!(is_open_to_others(mode), is_open, "{mode:o}");
        }
    }
    #[test]
    fn detects_folders_writable_by_others() {
        for (mode, writable) in [(0o700, false), (0o755, false), (0o775, true), (0o702, true)] {
            assert_eq!(is_writable_by_others(mode), writable, "{mode:o}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn root_ignores_files_of_other_users() {
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
    fn lists_files_of_other_users() {
        use std::os::unix::fs::MetadataExt as _;
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("rainmaker_config.json");
        fs::write(&file, "{}").unwrap();
        let folder = Folder::new(home.path());
        let owner = fs::metadata(&file).unwrap().uid();
        assert!(folder.check_permissions_for(owner).foreign.is_empty());
        let foreign = folder.check_permissions_for(owner + 1).foreign;
        assert_eq!(foreign, [home.path().to_owned(), file]);
    }
}
