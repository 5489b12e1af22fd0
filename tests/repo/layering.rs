//! Which module may import which. Rust cannot forbid a sideways import inside one crate, so this
//! table does: it is the picture at the top of `src/lib.rs`, in words.

use std::collections::BTreeSet;

use super::cycles::planted;
use super::imports::find_imports;
use crate::support::source::{SourceFile, source_files};

/// Module → what it may import, besides itself and the leaves.
const LAYERS: [(&str, &[&str]); 13] = [
    ("proto", &[]),
    ("endpoint", &["proto"]),
    ("security", &["proto"]),
    ("host", &[]),
    ("transport", &["host", "proto"]),
    ("session", &["endpoint", "proto", "security", "transport"]),
    (
        "provisioner",
        &["endpoint", "proto", "security", "session", "transport"],
    ),
    ("cloud", &[]),
    ("account", &["cloud"]),
    (
        "flows",
        &[
            "cloud",
            "endpoint",
            "host",
            "proto",
            "provisioner",
            "security",
            "session",
            "transport",
        ],
    ),
    (
        "report",
        &[
            "account",
            "cloud",
            "endpoint",
            "flows",
            "host",
            "proto",
            "provisioner",
            "security",
            "session",
            "transport",
        ],
    ),
    ("emulator", &["proto", "security"]),
    (
        "cli",
        &[
            "account",
            "cloud",
            "emulator",
            "endpoint",
            "flows",
            "host",
            "provisioner",
            "report",
            "security",
            "session",
            "transport",
        ],
    ),
];

/// Modules that import only each other, and that every module may import.
const LEAVES: [&str; 3] = ["ident", "qr", "secret"];

/// Floor of `cli` → the floors that it may import. Every floor may import the other files of `cli`, except
/// `program`, which imports everything.
const FLOORS: [(&str, &[&str]); 4] = [
    ("terminal", &[]),
    ("args", &[]),
    ("diagnose", &["args", "terminal"]),
    ("commands", &["args", "diagnose", "terminal"]),
];

#[test]
fn floors_of_cli_import_only_lower_floors() {
    let files = source_files();
    let floor_of = |file: &SourceFile| match &file.module[..] {
        [cli, floor, ..] if cli == "cli" => Some(floor.clone()),
        _ => None,
    };
    let mut crossings = 0;
    for import in find_imports(&files) {
        let (from, to) = (&files[import.from], &files[import.to]);
        let (Some(floor), Some(other)) = (floor_of(from), floor_of(to)) else {
            continue;
        };
        let Some((_, lower)) = FLOORS.iter().find(|(name, _)| *name == floor) else {
            continue;
        };
        let is_floor = other == "program" || FLOORS.iter().any(|(name, _)| *name == other);
        if import.in_tests || floor == other || !is_floor {
            continue;
        }
        crossings += 1;
        assert!(
            lower.contains(&&*other),
            "{}:{}: {floor} may not import {other}",
            from.path.display(),
            import.line
        );
    }
    assert!(crossings > 50, "{crossings} imports between floors");
}

#[test]
fn modules_import_only_lower_layers() {
    let files = source_files();
    let wrong = find_forbidden_imports(&files);
    assert!(
        wrong.is_empty(),
        "imports that go up or sideways:\n{}",
        wrong.join("\n")
    );

    let modules: BTreeSet<&str> = files.iter().filter_map(SourceFile::top_module).collect();
    let listed: BTreeSet<&str> = LAYERS
        .iter()
        .map(|(module, _)| *module)
        .chain(LEAVES)
        .collect();
    assert_eq!(
        modules, listed,
        "the modules of src/ and those of the table"
    );
}

#[test]
fn only_cli_imports_emulator() {
    let files = source_files();
    for import in find_imports(&files) {
        let (from, to) = (&files[import.from], &files[import.to]);
        let plays = from
            .module
            .starts_with(&["cli", "commands", "emulate"].map(str::to_owned));
        assert!(
            plays || from.top_module() == Some("emulator") || to.top_module() != Some("emulator"),
            "{}:{}: cli/commands/emulate alone knows the emulator",
            from.path.display(),
            import.line
        );
    }
}

/// A planted import, in each of the ways that Rust allows, is found.
#[test]
fn check_itself_finds_upward_imports() {
    let found = |path: &str, text: &str| {
        let files = planted(&[
            (
                "lib.rs",
                "pub mod cli; mod flows; mod ident; mod proto; mod session; mod transport;",
            ),
            ("cli.rs", ""),
            ("flows/mod.rs", "pub mod select; pub struct Timing;"),
            ("flows/select.rs", "pub fn run() {}"),
            ("ident.rs", "pub struct Ssid;"),
            ("proto.rs", "pub struct EndpointName;"),
            (
                "session.rs",
                "pub struct Session; pub use crate::proto::EndpointName;",
            ),
            ("transport/mod.rs", "pub mod http; pub struct Address;"),
            (path, text),
        ]);
        find_forbidden_imports(&files)
    };
    for (path, text, expected) in [
        (
            "transport/http.rs",
            "use crate::session::Session;",
            "session",
        ),
        (
            "transport/http.rs",
            "fn f() { crate::flows::select::run() }",
            "flows",
        ),
        (
            "transport/http.rs",
            "fn f() { g!(crate::flows::Timing::default()) }",
            "flows",
        ),
        ("transport/http.rs", "use super::super::cli;", "cli"),
        ("transport/http.rs", "use crate::{ident, flows};", "flows"),
        ("transport/http.rs", "use crate as all;", "the whole crate"),
        (
            "transport/http.rs",
            "#[cfg(test)] mod tests { use crate::session::Session; }",
            "session",
        ),
        (
            "session/more.rs",
            "use super::super::flows::Timing;",
            "flows",
        ),
    ] {
        let own = path.split('/').next().unwrap_or_default();
        let line = format!("src/{path}:1: {own} may not import {expected}");
        assert_eq!(found(path, text), [line], "{text}");
    }
    for (path, text) in [
        ("proto/more.rs", "use super::super::ident::Ssid;"),
        (
            "transport/http.rs",
            "// use crate::session::Session;\n/// [`crate::session`]\nfn f() {}",
        ),
        (
            "transport/http.rs",
            "use super::Address;\nuse crate::proto::EndpointName;\npub(crate) fn f() {}",
        ),
    ] {
        assert_eq!(found(path, text), [""; 0], "{text}");
    }
}

/// Tests of `src/` included: a test that needs an upper layer belongs there.
fn find_forbidden_imports(files: &[SourceFile]) -> Vec<String> {
    let wrong: BTreeSet<String> = find_imports(files)
        .into_iter()
        .filter_map(|import| {
            let (from, to) = (&files[import.from], &files[import.to]);
            let own = from.top_module()?;
            let allowed = LAYERS
                .iter()
                .find(|(module, _)| *module == own)
                .map(|(_, allowed)| *allowed)
                .unwrap_or_default();
            let path = from.path.display();
            let forbidden = match to.top_module() {
                None => "the whole crate",
                Some(module) if module == own || LEAVES.contains(&module) => return None,
                Some(module) if allowed.contains(&module) => return None,
                Some(module) => module,
            };
            Some(format!(
                "{path}:{}: {own} may not import {forbidden}",
                import.line
            ))
        })
        .collect();
    wrong.into_iter().collect()
}
