//! Where the files of accounts lie.

use std::path::{Path, PathBuf};

/// The folder in which all of it lies. It need not exist.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    /// Touches nothing.
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
