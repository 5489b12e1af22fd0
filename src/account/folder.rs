//! The folder of the account files.

use std::path::{Path, PathBuf};

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
}
