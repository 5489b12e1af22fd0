//! The documents match the program: links resolve, tables are equal, and the commands of the README
//! run.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::espctl::espctl;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README.md and everything below docs/.
fn documents() -> Vec<PathBuf> {
    let mut documents = vec![root().join("README.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                documents.push(path);
            }
        }
    }
    documents
}

#[test]
fn links_between_documents_resolve() {
    let mut checked = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split(')').next().unwrap();
            let file = target.split('#').next().unwrap();
            if file.is_empty() || target.contains("://") {
                continue;
            }
            let path = document.parent().unwrap().join(file);
            assert!(
                path.exists(),
                "{}: {target} leads nowhere",
                document.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 10, "only {checked} links were found");
}

#[test]
fn every_document_is_in_the_summary() {
    let summary = fs::read_to_string(root().join("docs/SUMMARY.md")).unwrap();
    for document in documents() {
        let name = document
            .strip_prefix(root().join("docs"))
            .map(|path| path.to_str().unwrap());
        if let Ok(name) = name
            && name != "SUMMARY.md"
        {
            assert!(
                summary.contains(&format!("]({name})")),
                "docs/SUMMARY.md lacks {name}"
            );
        }
    }
}

#[test]
fn documented_exit_codes_match_program() {
    let help = espctl(["--help"]).output().exits(0).stdout;
    let table = fs::read_to_string(root().join("docs/reference/exit-codes.md")).unwrap();
    let documented: Vec<(String, String)> = table
        .lines()
        .filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let code = cells.next()?;
            code.parse::<u8>().ok()?;
            Some((code.to_owned(), cells.next()?.to_owned()))
        })
        .collect();
    let shown: Vec<(String, String)> = help
        .lines()
        .skip_while(|line| *line != "Exit codes:")
        .skip(1)
        .filter_map(|line| line.trim().split_once("  "))
        .map(|(code, meaning)| (code.to_owned(), meaning.to_owned()))
        .collect();
    assert!(shown.len() > 5, "{help}");
    assert_eq!(shown, documented, "docs/reference/exit-codes.md and --help");
}

/// Both are generated: `cargo run -- reference cli > docs/reference/cli.md`, likewise `errors`.
#[test]
fn generated_pages_match_program() {
    for page in ["cli", "errors"] {
        let printed = espctl(["reference", page]).output().exits(0).stdout;
        let path = format!("docs/reference/{page}.md");
        let documented = fs::read_to_string(root().join(&path)).unwrap_or_default();
        assert!(
            printed == documented,
            "{path} is out of date: cargo run -- reference {page} > {path}"
        );
    }
}

/// Whatever a block of a page shows as a command line is one: each flag and subcommand exists.
#[test]
fn documented_command_lines_exist() {
    let mut checked = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        // Every other piece between fences is a block.
        let blocks = text.split("```").skip(1).step_by(2);
        for line in blocks.flat_map(str::lines).map(str::trim) {
            let Some(arguments) = line.strip_prefix("espctl ") else {
                continue;
            };
            // Up to the first flag, or what only a shell understands.
            let command: Vec<&str> = arguments
                .split_whitespace()
                .take_while(|word| word.chars().all(|c| c.is_ascii_lowercase()))
                .take(2)
                .collect();
            let help = espctl(command.iter().chain(&["--help"])).output();
            let known = help.stdout.contains("Usage:");
            assert!(known, "{}: {line}\n{help}", document.display());
            for flag in arguments
                .split_whitespace()
                .filter(|word| word.starts_with("--"))
            {
                let flag = flag.split('=').next().unwrap();
                let named = help.stdout.contains(flag);
                assert!(named, "{}: {flag} in {line}", document.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 10, "only {checked} command lines were found");
}

/// The README's shell blocks hold what a newcomer types first. `cargo run --` is this binary;
/// `cargo test` is what is running now.
#[test]
fn readme_commands_run() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut ran = Vec::new();
    for line in shell_lines(&readme) {
        match line.strip_prefix("cargo run -- ") {
            Some(arguments) => {
                espctl(arguments.split_whitespace()).output().exits(0);
                ran.push(arguments.to_owned());
            }
            None => assert!(
                ["cargo test", "cargo install --path ."].contains(&line.as_str()),
                "nothing runs this line of the README: {line}"
            ),
        }
    }
    assert!(ran.contains(&"demo".to_owned()), "{ran:?}");
}

fn shell_lines(markdown: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in markdown.lines() {
        match line.trim() {
            "```sh" => inside = true,
            "```" => inside = false,
            line if inside && !line.is_empty() && !line.starts_with('#') => {
                lines.push(line.split('#').next().unwrap().trim().to_owned());
            }
            _ => {}
        }
    }
    lines
}
