//! The files of `src/`, and what they import. A reader of lines, not of Rust.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of `src/`.
pub(crate) struct SourceFile {
    pub(crate) path: PathBuf,
    /// `src/transport/http.rs` is `transport::http`.
    pub(crate) module: Vec<String>,
    pub(crate) text: String,
}

/// A path that starts at the crate's root.
pub(crate) struct Import {
    pub(crate) line: usize,
    /// The first name after the root. A group (`{`) or the root itself is kept as it stands: one
    /// import line names one module.
    pub(crate) module: String,
}

impl SourceFile {
    /// The folder or file directly under `src/`; none for `main.rs` and `lib.rs`.
    pub(crate) fn top_module(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }

    /// Everything that this file names from the crate's root, by `crate::` or by climbing.
    pub(crate) fn imports(&self) -> Vec<Import> {
        let mut imports = Vec::new();
        for (index, line) in self.text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let mut found = |module: String| {
                imports.push(Import {
                    line: index + 1,
                    module,
                });
            };
            for (at, _) in code.match_indices("crate") {
                let before = &code[..at];
                let visibility = before.ends_with("pub(") || before.ends_with("(in ");
                let longer = before.chars().next_back();
                if visibility || longer.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                    continue;
                }
                match code[at + "crate".len()..].strip_prefix("::") {
                    Some(rest) => found(first_name(rest)),
                    None if code.contains("use crate") => found("crate".to_owned()),
                    None => {}
                }
            }
            let climb = "super::".repeat(self.module.len());
            for (at, _) in code.match_indices(&climb) {
                let rest = &code[at + climb.len()..];
                let climbs_further = code[..at].ends_with("super::");
                let name = first_name(rest);
                // In an inline `mod`, the same number of steps ends one level lower.
                if !self.module.is_empty() && !climbs_further && is_top_module(&name) {
                    found(name);
                }
            }
        }
        imports
    }
}

/// Whether `src/` has such a folder or file.
fn is_top_module(name: &str) -> bool {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(name);
    path.is_dir() || path.with_extension("rs").is_file()
}

/// Every file of `src/`.
pub(crate) fn source_files() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of src/") {
            let path = entry.expect("an entry of src/").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(read(root, &path));
            }
        }
    }
    assert!(files.len() > 20, "src/ was not found");
    files
}

fn read(root: &Path, path: &Path) -> SourceFile {
    let relative = path
        .strip_prefix(root)
        .expect("a path below the root")
        .to_owned();
    let mut module: Vec<String> = relative
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
    let text = fs::read_to_string(path).expect("a source file is text");
    SourceFile {
        path: relative,
        module,
        text,
    }
}

fn first_name(path: &str) -> String {
    let name: String = path
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    if name.is_empty() {
        path.chars().take(1).collect()
    } else {
        name
    }
}
