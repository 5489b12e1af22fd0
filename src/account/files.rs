//! Reads and writes the files of the account folder. A file is written completely or not at all,
//! and only its owner can read it. The callers interpret the content.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tempfile::Builder;
use zeroize::Zeroizing;

use super::error::AccountError;

/// The folder of the account files. It need not exist.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    /// Stores the path; reads and writes nothing.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The path of the folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The file of this name.
    pub(super) fn file(&self, name: &str) -> AccountFile {
        AccountFile {
            current_path: self.path.join("profiles").join(name),
            legacy_path: Some(self.path.join(name)),
        }
    }

    /// Works with the files on a thread of its own: a lock, a slow disk or a broken network drive must not
    /// keep the program from hearing a signal.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> T + Send + 'static,
    ) -> T {
        let folder = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&folder)).await;
        // The thread is never cancelled, so the only error is a panic.
        done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// Locks the folder until the result is dropped, and removes what an interrupted write left. Without
    /// the lock, two runs that read, change and write a file could lose a change.
    pub(super) fn lock(&self) -> Result<File, AccountError> {
        let folder = self.path.join("profiles");
        let path = folder.join(".espctl.lock");
        let unwritable = |source| AccountError::Unwritable {
            path: path.clone(),
            source,
        };
        let file = create_private(&folder)
            .and_then(|()| open_lock(&path))
            .map_err(unwritable)?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if began.elapsed() < LOCK_LIMIT => {
                    std::thread::sleep(LOCK_INTERVAL);
                }
                Err(TryLockError::WouldBlock) => return Err(AccountError::Locked { path }),
                Err(TryLockError::Error(source)) => return Err(unwritable(source)),
            }
        }
        remove_leftovers(&folder);
        Ok(file)
    }
}

/// A JSON object that keeps the order of its keys, including unknown ones.
pub(super) type Object = Map<String, Value>;

/// A file in `profiles/`, with the path where older versions had it.
#[derive(Clone, Debug)]
pub(super) struct AccountFile {
    current_path: PathBuf,
    legacy_path: Option<PathBuf>,
}

impl AccountFile {
    /// The existing path, for messages and for reading; the current path if there is no file.
    pub(super) fn path(&self) -> &Path {
        match &self.legacy_path {
            Some(legacy_path) if !self.current_path.exists() && legacy_path.is_file() => {
                legacy_path
            }
            _ => &self.current_path,
        }
    }

    /// Ignores the path of older versions.
    pub(super) fn without_legacy_path(self) -> Self {
        Self {
            legacy_path: None,
            ..self
        }
    }

    /// Reads the file; `None` if it does not exist.
    pub(super) fn read_text(&self) -> Result<Option<String>, AccountError> {
        read_text(self.path())
    }

    /// Reads the file as a JSON object; `None` if it does not exist.
    pub(super) fn read_object(&self) -> Result<Option<Object>, AccountError> {
        read_object(self.path())
    }

    /// Replaces the file, and removes the one of older versions.
    pub(super) fn write(&self, text: &str) -> Result<(), AccountError> {
        write(&self.current_path, text).map_err(|source| AccountError::Unwritable {
            path: self.current_path.clone(),
            source,
        })?;
        // esp-rainmaker-cli would move the old file over the new one.
        self.remove_legacy_file().map(drop)
    }

    /// Removes the file. Returns whether there was one.
    pub(super) fn remove(&self) -> Result<bool, AccountError> {
        Ok(remove(&self.current_path)? | self.remove_legacy_file()?)
    }

    fn remove_legacy_file(&self) -> Result<bool, AccountError> {
        self.legacy_path.as_deref().map_or(Ok(false), remove)
    }
}

/// Reads a file as a JSON object; `None` if it does not exist.
pub(super) fn read_object(path: &Path) -> Result<Option<Object>, AccountError> {
    let Some(text) = read_text(path)?.map(Zeroizing::new) else {
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

fn read_text(path: &Path) -> Result<Option<String>, AccountError> {
    let unreadable = |source| AccountError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let mut file = match open_regular(path) {
        Ok(file) => file.take(MAX_FILE_BYTES + 1),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(unreadable(source)),
    };
    // Allocated once: a string that grows leaves copies of tokens behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::from(u16::MAX)));
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    if file.limit() == 0 {
        let reason = format!("has more than {MAX_FILE_BYTES} bytes");
        return Err(malformed(path, reason));
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(malformed(path, "is not UTF-8 text")),
    }
}

/// Opens a file. Opening a named pipe could wait forever.
fn open_regular(path: &Path) -> io::Result<File> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    File::open(path)
}

fn open_lock(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|data| !data.is_file()) {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes the temporary files of writes that were killed. The lock is held, so no write is under way.
fn remove_leftovers(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        let name = entry.file_name();
        if name.to_str().is_some_and(is_leftover)
            && let Err(error) = fs::remove_file(entry.path())
        {
            tracing::debug!(%error, "removing the temporary file of a killed write");
        }
    }
}

/// Whether a temporary file has this name. Earlier versions used the default names of `tempfile`.
fn is_leftover(name: &str) -> bool {
    let old = name.strip_prefix(".tmp");
    name.starts_with(TEMPORARY_PREFIX)
        || old
            .is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Writes a temporary file first and renames it, so that readers never see half a file, and a full
/// disk loses nothing.
fn write(path: &Path, text: &str) -> io::Result<()> {
    // A symbolic link to a file elsewhere stays a link.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    create_private(folder)?;
    // `tempfile` uses mode 0600.
    let mut file = Builder::new()
        .prefix(TEMPORARY_PREFIX)
        .tempfile_in(folder)?;
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

/// The begin of the names of temporary files.
const TEMPORARY_PREFIX: &str = ".espctl-write-";
/// Bytes of an account file; real ones have a few thousand.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// How long another program may hold the lock. A write takes milliseconds.
const LOCK_LIMIT: Duration = Duration::from_secs(10);
/// No system can wait for a file lock with a limit.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_runs_lose_no_change() {
        let home = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..16).map(|number| format!("p{number}")).collect();
        std::thread::scope(|scope| {
            for name in &names {
                // A lock of its own, as in another process.
                let folder = Folder::new(home.path());
                scope.spawn(move || {
                    let url = "https://cloud.example/v1/".parse().unwrap();
                    folder.add_profile(name, &url, None).unwrap();
                });
            }
        });
        let profiles = Folder::new(home.path()).list_profiles().unwrap();
        assert_eq!(profiles.len(), names.len() + 2, "{profiles:?}");
    }

    #[test]
    fn unreadable_login_can_be_replaced_or_removed() {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::new(home.path());
        let global = folder.select_profile(None).unwrap();
        let tokens = crate::cloud::Tokens::access_only("token".to_owned().into());
        folder.save_login(&global, &tokens).unwrap();
        for broken in ["", "{", "[]"] {
            fs::write(folder.tokens_file(&global.name).path(), broken).unwrap();
            assert!(folder.read_tokens(&global).is_err(), "{broken}");
            folder.save_login(&global, &tokens).unwrap();
            assert!(folder.read_tokens(&global).unwrap().is_some(), "{broken}");
            fs::write(folder.tokens_file(&global.name).path(), broken).unwrap();
            assert!(folder.remove_login(&global).unwrap().was_logged_in);
            assert!(folder.read_tokens(&global).unwrap().is_none(), "{broken}");
        }
    }
}
