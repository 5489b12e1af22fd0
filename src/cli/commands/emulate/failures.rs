//! Errors that the emulators share: flags that contradict each other, and unusable files.

use std::fmt::Display;
use std::path::Path;

use zeroize::Zeroizing;

use crate::emulator::parse::read_limited_text;
use crate::report::{ErrorId, Failure};

/// Fails because of flags that exclude each other.
pub(super) fn conflict<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::new(ErrorId::ConflictingFlags, message.into()))
}

/// The file of this flag cannot be used.
pub(super) fn cannot_use(flag: &str, path: &Path, error: &dyn Display) -> Failure {
    let message = format!("{flag}: cannot use {}", path.display());
    Failure::new(ErrorId::UnreadableFile, message).cause(error)
}

/// Reads and parses the file of a flag. The text may contain a key.
pub(super) fn read_file<T, E: Display>(
    flag: &str,
    path: &Path,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, Failure> {
    let text = read_limited_text(path)
        .map(Zeroizing::new)
        .map_err(|error| cannot_use(flag, path, &error))?;
    parse(&text).map_err(|error| cannot_use(flag, path, &error))
}
