//! Comments and names are in plain English: they avoid words that leave open who acts, and verbs that
//! mean too many things. The style guide for contributors has the words to use instead.

use std::path::Path;

use proc_macro2::Ident;
use syn::visit::{self, Visit};

use crate::support::source::{SourceFile, rust_files};

/// Avoided in comments and in names.
const WORDS: [&str; 19] = [
    "nobody", "somebody", "anybody", "whoever", "told", "tell", "tells", "telling", "say", "says",
    "said", "unsaid", "hear", "hears", "heard", "stand", "stands", "stood", "shall",
];
/// Avoided in comments only. A phrase ends at a space.
const PHRASES: [&str; 11] = [
    "whosoever",
    "beside",
    "take down",
    "takes down",
    "taken down",
    "is none",
    "are none",
    "was none",
    "is about",
    "are about",
    ", too .",
];
/// Hits that stay: file, word, reason.
const ALLOWED: [(&str, &str, &str); 1] = [("tests/repo/words.rs", "told", "a planted example")];
/// Until their comments and names are rewritten.
const NOT_YET: [&str; 19] = [
    "src/account",
    "src/cli",
    "src/cloud",
    "src/emulator",
    "src/endpoint",
    "src/host",
    "src/ident.rs",
    "src/lib.rs",
    "src/proto",
    "src/provisioner",
    "src/qr",
    "src/secret.rs",
    "src/security",
    "src/session",
    "src/transport",
    "tests/emulator",
    "tests/protocol",
    "tests/support",
    "tests/transport",
];

#[test]
fn comments_and_names_avoid_vague_words() {
    let files = [rust_files("src"), rust_files("tests")].concat();
    let hits: Vec<String> = files.iter().flat_map(find_hits).collect();
    let is_in = |hit: &str, folder: &str| {
        let rest = hit.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with(['/', ':']))
    };
    for folder in NOT_YET {
        assert!(
            hits.iter().any(|hit| is_in(hit, folder)),
            "{folder} has no hit anymore: remove it from NOT_YET"
        );
    }
    let is_allowed = |hit: &str| {
        let mut allowed = ALLOWED.iter();
        allowed.any(|(file, word, _)| is_in(hit, file) && hit.ends_with(&format!(": {word}")))
    };
    let is_new =
        |hit: &&String| !NOT_YET.iter().any(|folder| is_in(hit, folder)) && !is_allowed(hit);
    let new: Vec<&str> = hits.iter().filter(is_new).map(String::as_str).collect();
    assert!(new.is_empty(), "avoided words:\n{}", new.join("\n"));
}

#[test]
fn check_itself_finds_planted_words() {
    let found = |text: &str| find_hits(&SourceFile::new(Path::new("a.rs").into(), text.to_owned()));
    for (text, hit) in [
        ("/// Whoever reads this.\nfn f() {}", "a.rs:1: whoever"),
        ("fn f() {} // It was told.", "a.rs:1: told"),
        (
            "//! A phrase over a line break is\n//! none.",
            "a.rs:1: is none",
        ),
        ("// This, too.", "a.rs:1: , too ."),
        ("\nfn tell_device() {}", "a.rs:2: tell_device"),
        ("struct Told;", "a.rs:1: Told"),
        ("enum E { HeardNothing }", "a.rs:1: HeardNothing"),
        ("struct S { said: u8 }", "a.rs:1: said"),
        ("const STANDS: u8 = 1;", "a.rs:1: STANDS"),
        ("fn f() { let (nobody, b) = g(); }", "a.rs:1: nobody"),
    ] {
        assert_eq!(found(text), [hit], "{text}");
    }
    for text in [
        "// Standard, bystander, teller; this is nonexistent, too many.",
        "fn f() { g(\"// told\"); other.log_entries(); }",
        "// besides",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

/// The avoided words of a file, with the line on which their comment or name begins.
fn find_hits(file: &SourceFile) -> Vec<String> {
    let mut hits = Vec::new();
    let mut lines = file.text.lines().enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let Some(mut comment) = find_comment(line).map(str::to_owned) else {
            continue;
        };
        while let Some((_, next)) = lines.peek()
            && let Some(more) = next.trim_start().strip_prefix("//")
        {
            comment.push(' ');
            comment.push_str(more.trim_start_matches(['/', '!', ' ']));
            lines.next();
        }
        let mut text = comment
            .to_lowercase()
            .replace(['.', ';'], " . ")
            .replace(',', " , ");
        text = text.replace(|c: char| !c.is_alphanumeric() && !".,".contains(c), " ");
        let words: Vec<&str> = text.split_whitespace().collect();
        let text = format!(" {} . ", words.join(" "));
        let avoided = WORDS.iter().chain(&PHRASES);
        let found = avoided.filter(|phrase| text.contains(&format!(" {phrase} ")));
        hits.extend(found.map(|phrase| (number + 1, (*phrase).to_owned())));
    }
    let mut names = Names(Vec::new());
    names.visit_file(&syn::parse_file(&file.text).expect("a file of Rust"));
    for name in names.0 {
        let text = name.to_string();
        if split_name(&text)
            .iter()
            .any(|word| WORDS.contains(&&**word))
        {
            hits.push((name.span().start().line, text));
        }
    }
    let path = file.path.display();
    hits.iter()
        .map(|(line, word)| format!("{path}:{line}: {word}"))
        .collect()
}

/// The comment of a line, if it has one. A string can contain slashes, but not after the end of a
/// statement or list item.
fn find_comment(line: &str) -> Option<&str> {
    let whole = line.trim_start().strip_prefix("//");
    let comment = whole.or_else(|| {
        let (code, comment) = line.split_once(" // ")?;
        code.ends_with([';', '{', '}', ',', ')']).then_some(comment)
    })?;
    Some(comment.trim_start_matches(['/', '!', ' ']))
}

/// `send_key` and `SendKey` are `send` and `key`.
fn split_name(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        if letter == '_' || letter.is_uppercase() && was_lower {
            words.push(String::new());
        }
        was_lower = letter.is_lowercase();
        if let Some(word) = words.last_mut()
            && letter != '_'
        {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

/// The names that a file defines.
struct Names(Vec<Ident>);

impl<'a> Visit<'a> for Names {
    fn visit_item(&mut self, item: &'a syn::Item) {
        self.0.extend(match item {
            syn::Item::Const(item) => Some(item.ident.clone()),
            syn::Item::Enum(item) => Some(item.ident.clone()),
            syn::Item::Mod(item) => Some(item.ident.clone()),
            syn::Item::Static(item) => Some(item.ident.clone()),
            syn::Item::Struct(item) => Some(item.ident.clone()),
            syn::Item::Trait(item) => Some(item.ident.clone()),
            syn::Item::Type(item) => Some(item.ident.clone()),
            _ => None,
        });
        visit::visit_item(self, item);
    }

    fn visit_signature(&mut self, signature: &'a syn::Signature) {
        self.0.push(signature.ident.clone());
        visit::visit_signature(self, signature);
    }

    fn visit_field(&mut self, field: &'a syn::Field) {
        self.0.extend(field.ident.clone());
        visit::visit_field(self, field);
    }

    fn visit_variant(&mut self, variant: &'a syn::Variant) {
        self.0.push(variant.ident.clone());
        visit::visit_variant(self, variant);
    }

    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        self.0.push(pattern.ident.clone());
        visit::visit_pat_ident(self, pattern);
    }
}
