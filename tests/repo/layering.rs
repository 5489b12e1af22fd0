//! Which module may import which. Rust cannot forbid a sideways import inside one crate, so this
//! table does: it is the picture at the top of `src/lib.rs`, in words.

use std::collections::BTreeSet;

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

/// Import nothing but each other, and anybody may import them.
const LEAVES: [&str; 3] = ["ident", "qr", "secret"];

#[test]
fn imports_go_down() {
    let files = source_files();
    let wrong: Vec<String> = files.iter().flat_map(forbidden_imports).collect();
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
fn only_the_command_line_imports_the_emulator() {
    for file in source_files() {
        let imports = file.imports();
        let allowed = file.top_module() == Some("cli") || file.top_module() == Some("emulator");
        assert!(
            allowed || imports.iter().all(|import| import.module != "emulator"),
            "{} imports the emulator",
            file.path.display()
        );
    }
    for file in source_files() {
        let is_cli = file.top_module() == Some("cli");
        let plays = file.module.get(1).is_some_and(|name| name == "emulate");
        assert!(
            !is_cli
                || plays
                || file
                    .imports()
                    .iter()
                    .all(|import| import.module != "emulator"),
            "{}: cli/emulate alone knows the emulator",
            file.path.display()
        );
    }
}

/// A planted import, in each of the ways that Rust allows, is found.
#[test]
fn the_check_itself_finds_an_upward_import() {
    let planted = |path: &[&str], text: &str| {
        let file = SourceFile {
            path: path.iter().collect(),
            module: path.iter().map(ToString::to_string).collect(),
            text: text.to_owned(),
        };
        forbidden_imports(&file).len()
    };
    let http = ["transport", "http"];
    assert_eq!(planted(&http, "use crate::session::Session;"), 1);
    assert_eq!(planted(&http, "fn f() { crate::flows::find::run() }"), 1);
    assert_eq!(planted(&http, "f(crate::flows::Pace::default())"), 1);
    assert_eq!(planted(&http, "use super::super::cli;"), 1);
    assert_eq!(planted(&http, "use crate::{ident, proto};"), 1);
    assert_eq!(planted(&http, "use crate as all;"), 1);
    assert_eq!(planted(&["session"], "use super::flows::Pace;"), 1);
    assert_eq!(planted(&["proto"], "use super::ident::Ssid;"), 0);
    let comments = "// use crate::session::Session;\n/// [`crate::session`]";
    assert_eq!(planted(&http, comments), 0);
    let own = "use super::Address;\nuse crate::proto::EndpointName;\npub(crate) fn f() {}";
    assert_eq!(planted(&http, own), 0);
}

fn forbidden_imports(file: &SourceFile) -> Vec<String> {
    let Some(own) = file.top_module() else {
        return Vec::new();
    };
    let allowed = LAYERS
        .iter()
        .find(|(module, _)| *module == own)
        .map(|(_, allowed)| *allowed)
        .unwrap_or_default();
    file.imports()
        .into_iter()
        .filter(|import| {
            let module = import.module.as_str();
            module != own && !LEAVES.contains(&module) && !allowed.contains(&module)
        })
        .map(|import| {
            let path = file.path.display();
            format!(
                "{path}:{}: {own} may not import {}",
                import.line, import.module
            )
        })
        .collect()
}
