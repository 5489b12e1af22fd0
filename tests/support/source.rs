//! The files of `src/`.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of `src/` or `tests/`.
#[derive(Clone)]
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    /// The path as a module: `src/transport/http.rs` is `transport::http`.
    pub(crate) module: Vec<String>,
    pub(crate) text: String,
}

impl SourceFile {
    /// Creates a file; the path begins with `src/`.
    pub(crate) fn new(path: PathBuf, text: String) -> Self {
        let mut module: Vec<String> = path
            .with_extension("")
            .components()
            .skip(1)
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        if matches!(
            module.last().map(String::as_str),
            Some("mod" | "lib" | "main")
        ) {
            module.pop();
        }
        Self { path, module, text }
    }

    /// The folder or file directly under `src/`; `None` for `main.rs` and `lib.rs`.
    pub(crate) fn top_module(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }
}

/// Reads every file of `src/`.
pub(crate) fn source_files() -> Vec<SourceFile> {
    rust_files("src")
}

/// Every Rust file in a folder of the repository.
pub(crate) fn rust_files(folder: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(read(root, &path));
            }
        }
    }
    assert!(files.len() > 20, "{folder} was not found");
    files.sort_by(|left, right| left.path.cmp(&right.path));
    files
}

fn read(root: &Path, path: &Path) -> SourceFile {
    let relative = path
        .strip_prefix(root)
        .expect("a path below the root")
        .to_owned();
    let text = fs::read_to_string(path).expect("a source file is text");
    SourceFile::new(relative, text)
}
