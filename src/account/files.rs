//! Reads and writes the files of the account folder. A file is written completely or not at all,
//! and only its owner can read it. The callers interpret the content.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::{AccountError, Folder};

/// A JSON object that keeps the order of its keys, including unknown ones.
pub(super) type Object = Map<String, Value>;

/// A file in `profiles/`, with the path where older versions had it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    home: PathBuf,
    stray: Option<PathBuf>,
}

impl Folder {
    /// The file of this name.
    pub(super) fn place(&self, file: &str) -> Place {
        Place {
            home: self.path.join("profiles").join(file),
            stray: Some(self.path.join(file)),
        }
    }
}

impl Folder {
    /// Locks the folder until the result is dropped. Without the lock, two runs that read, change
    /// and write a file could lose a change.
    pub(super) fn exclusively(&self) -> Result<File, AccountError> {
        let path = self.path.join("profiles").join(".espctl.lock");
        let locked = || {
            create_private(path.parent().unwrap_or(&self.path))?;
            let mut options = File::options();
            options.create(true).truncate(false).write(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(&path)?;
            file.lock()?;
            Ok(file)
        };
        locked().map_err(|source| AccountError::Unwritable { path, source })
    }
}

impl Place {
    /// The existing path, for messages and for reading; the current path if there is no file.
    pub(super) fn path(&self) -> &Path {
        match &self.stray {
            Some(stray) if !self.home.exists() && stray.is_file() => stray,
            _ => &self.home,
        }
    }

    /// Ignores the path of older versions.
    pub(super) fn without_stray(self) -> Self {
        Self {
            stray: None,
            ..self
        }
    }

    /// Reads the file; `None` if it does not exist.
    pub(super) fn text(&self) -> Result<Option<String>, AccountError> {
        text(self.path())
    }

    /// Reads the file as a JSON object; `None` if it does not exist.
    pub(super) fn object(&self) -> Result<Option<Object>, AccountError> {
        object(self.path())
    }

    /// Replaces the file, and removes the one of older versions.
    pub(super) fn write(&self, text: &str) -> Result<(), AccountError> {
        write(&self.home, text).map_err(|source| AccountError::Unwritable {
            path: self.home.clone(),
            source,
        })?;
        // esp-rainmaker-cli would move the old file over the new one.
        self.remove_stray().map(drop)
    }

    /// Removes the file. Returns whether there was one.
    pub(super) fn remove(&self) -> Result<bool, AccountError> {
        Ok(remove(&self.home)? | self.remove_stray()?)
    }

    fn remove_stray(&self) -> Result<bool, AccountError> {
        self.stray.as_deref().map_or(Ok(false), remove)
    }
}

/// Reads a file as a JSON object; `None` if it does not exist.
pub(super) fn object(path: &Path) -> Result<Option<Object>, AccountError> {
    let Some(text) = text(path)?.map(Zeroizing::new) else {
        return Ok(None);
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Ok(Some(object)),
        Ok(_) => Err(malformed(path, "is not a JSON object")),
        // The message has the position of the error, and nothing of the text.
        Err(error) => Err(malformed(path, format!("is not JSON: {error}"))),
    }
}

pub(super) fn malformed(path: &Path, reason: impl Into<String>) -> AccountError {
    AccountError::Malformed {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

fn text(path: &Path) -> Result<Option<String>, AccountError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(AccountError::Unreadable {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Writes a temporary file first and renames it, so that readers never see half a file, and a full
/// disk loses nothing.
fn write(path: &Path, text: &str) -> io::Result<()> {
    // A symbolic link to a file elsewhere stays a link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    create_private(folder)?;
    // `NamedTempFile` uses mode 0600.
    let mut file = NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn remove(path: &Path) -> Result<bool, AccountError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(AccountError::Unwritable {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_at_once_lose_nothing() {
        let home = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..16).map(|number| format!("p{number}")).collect();
        std::thread::scope(|scope| {
            for name in &names {
                // A lock of its own, as in another process.
                let folder = Folder::new(home.path());
                scope.spawn(move || {
                    let url = "https://cloud.example/v1/".parse().unwrap();
                    folder.add(name, &url, None).unwrap();
                });
            }
        });
        let known = Folder::new(home.path()).profiles().unwrap();
        assert_eq!(known.len(), names.len() + 2, "{known:?}");
    }

    #[test]
    fn a_login_that_cannot_be_read_is_replaced_or_removed() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::new(home.path());
        let global = folder.select(None).unwrap();
        let tokens = crate::cloud::Tokens::access_only("token".to_owned().into());
        folder.log_in(&global, &tokens).unwrap();
        for broken in ["", "{", "[]"] {
            fs::write(folder.tokens_place(&global.name).path(), broken).unwrap();
            assert!(folder.tokens(&global).is_err(), "{broken}");
            folder.log_in(&global, &tokens).unwrap();
            assert!(folder.tokens(&global).unwrap().is_some(), "{broken}");
            fs::write(folder.tokens_place(&global.name).path(), broken).unwrap();
            assert!(folder.log_out(&global).unwrap().was_logged_in);
            assert!(folder.tokens(&global).unwrap().is_none(), "{broken}");
        }
    }
}
