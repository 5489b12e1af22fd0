//! No file imports, over others, itself: a reader who follows imports comes to an end, and a file can
//! be understood with those below it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::imports::{Import, find_imports};
use crate::support::source::{SourceFile, source_files};

/// Until their folders are rebuilt.
const NOT_YET: [&str; 1] = ["cli"];

#[test]
fn no_file_imports_itself_through_others() {
    let files = source_files();
    let cycles = find_cycles(&files, |file| {
        let module = file.top_module();
        module.is_none_or(|module| !NOT_YET.contains(&module))
    });
    assert!(
        cycles.is_empty(),
        "files that import each other:\n{}",
        cycles.join("\n")
    );
}

#[test]
fn modules_that_may_still_have_cycles_have_one() {
    let files = source_files();
    for module in NOT_YET {
        let cycles = find_cycles(&files, |file| file.top_module() == Some(module));
        assert!(
            !cycles.is_empty(),
            "{module} has no cycle anymore: take it out of NOT_YET"
        );
    }
}

/// Planted cycles, in each of the ways that Rust allows, are found; what is no import is not.
#[test]
fn check_itself_finds_planted_cycles() {
    let found = |texts: &[(&str, &str)]| find_cycles(&planted(texts), |_| true);
    let cycle = ["src/a/one.rs → src/a/two.rs (Two, line 1) → src/a/one.rs (One, line 1)"];
    let root = (
        "a/mod.rs",
        "mod one; mod two; pub use one::One; pub use two::Two;",
    );
    let one = ("a/one.rs", "use super::two::Two; pub struct One(Two);");
    let ways = [
        // `super::`, also twice, in a group, and renamed.
        "use super::one::One; pub struct Two(One);",
        "pub struct Two(super::super::a::one::One);",
        "use super::{one::{One as Other}}; pub struct Two(Other);",
        "use super::one; pub struct Two(one::One);",
        // A name that `mod.rs` re-exports.
        "use super::One; pub struct Two(One);",
        "use crate::a; pub struct Two(a::One);",
        "use super::*; pub struct Two(One);",
        // A path in the middle of code, in a macro, in an attribute, in an inner module.
        "pub struct Two; fn f() { crate::a::one::One::new(); }",
        "pub struct Two; fn f() { assert!(1 == g(crate::a::One::new())); }",
        "#[arg(parser = super::One::new)] pub struct Two;",
        "pub struct Two; mod inner { fn f(_: super::super::One) {} }",
        // Compiled for tests and for more.
        "pub struct Two; #[cfg(any(test, unix))] fn f(_: super::One) {}",
    ];
    for two in ways {
        let cycles = found(&[root, one, ("a/two.rs", two)]);
        let first = cycles.first().map(String::as_str).unwrap_or_default();
        assert!(cycles == cycle, "{two}: {first}");
    }
    for two in [
        "pub struct Two; #[cfg(test)] mod tests { use super::super::One; }",
        "pub struct Two; #[cfg(all(test, unix))] fn f(_: super::One) {}",
        "pub struct Two; impl Two { #[cfg(test)] fn f(_: super::One) {} }",
        "pub struct Two; #[cfg(test)] mod tests;",
        "/// [`super::One`]\npub struct Two; // super::One",
        "pub use super::one::One; pub struct Two;",
        "pub(in crate::a) struct Two; fn f() { g(\"super::One\", x.One, other::One) }",
        "use other::One; pub struct Two(One);",
    ] {
        let tests = ("a/two/tests.rs", "use super::super::One;");
        let cycles = found(&[root, one, ("a/two.rs", two), tests]);
        assert!(cycles.is_empty(), "{two}: {cycles:?}");
    }
}

#[test]
fn check_itself_follows_globs_and_chains_of_re_exports() {
    let found = |texts: &[(&str, &str)]| find_cycles(&planted(texts), |_| true);
    let chained = found(&[
        ("a/mod.rs", "mod b; pub use b::*;"),
        (
            "a/b/mod.rs",
            "mod c; mod d; pub use c::{C as Renamed}; pub use self::d::D;",
        ),
        ("a/b/c.rs", "use crate::a::D; pub struct C(D);"),
        ("a/b/d.rs", "pub struct D; fn f(_: crate::a::Renamed) {}"),
    ]);
    let expected = "src/a/b/c.rs → src/a/b/d.rs (D, line 1) → src/a/b/c.rs (C, line 1)";
    assert_eq!(chained, [expected]);
    // An item of the file that re-exports is one of that file.
    let above = found(&[
        (
            "a/mod.rs",
            "mod b; use b::B; pub struct A(B);\npub use b::B as C;",
        ),
        ("a/b.rs", "use super::A; pub struct B;"),
    ]);
    let expected = "src/a/mod.rs → src/a/b.rs (B, line 1) → src/a/mod.rs (A, line 1)";
    assert_eq!(above, [expected]);
    // A file with a `path` attribute, and a cycle through three files.
    let three = found(&[
        (
            "a/mod.rs",
            "mod b; mod c; #[cfg_attr(unix, path = \"e.rs\")] mod d;",
        ),
        ("a/b.rs", "use super::c::C; pub struct B;"),
        ("a/c.rs", "use super::d::D; pub struct C;"),
        ("a/d.rs", "pub struct D;"),
        ("a/e.rs", "pub struct D(crate::a::b::B);"),
    ]);
    let expected =
        "src/a/b.rs → src/a/c.rs (C, line 1) → src/a/e.rs (D, line 1) → src/a/b.rs (B, line 1)";
    assert_eq!(three, [expected]);
}

/// A crate of these files, by their paths below `src/`.
pub(super) fn planted(texts: &[(&str, &str)]) -> Vec<SourceFile> {
    texts
        .iter()
        .map(|(path, text)| SourceFile::new(format!("src/{path}").into(), (*text).to_owned()))
        .collect()
}

/// One cycle through every file that is on one, but for those that a cycle before went through: its
/// files in order, and what each imports of the next. All of its files are `covered`.
fn find_cycles(files: &[SourceFile], covered: impl Fn(&SourceFile) -> bool) -> Vec<String> {
    let mut graph: BTreeMap<usize, BTreeMap<usize, Import>> = BTreeMap::new();
    for import in find_imports(files) {
        let is_covered = covered(&files[import.from]) && covered(&files[import.to]);
        if is_covered && !import.in_tests && import.item.is_some() {
            let imported = graph.entry(import.from).or_default();
            imported.entry(import.to).or_insert(import);
        }
    }
    let mut shown = BTreeSet::new();
    let mut cycles = Vec::new();
    for start in 0..files.len() {
        if shown.contains(&start) {
            continue;
        }
        if let Some(cycle) = shortest_cycle(&graph, start) {
            let path = |file: usize| files[file].path.display();
            shown.extend(cycle.iter().map(|import| import.to));
            let steps = cycle.into_iter().map(|import| {
                let item = import.item.as_deref().unwrap_or_default();
                format!(" → {} ({item}, line {})", path(import.to), import.line)
            });
            let text = path(start).to_string() + &steps.collect::<String>();
            cycles.push(text);
        }
    }
    cycles
}

/// The fewest imports by which a file comes back to itself.
fn shortest_cycle(
    graph: &BTreeMap<usize, BTreeMap<usize, Import>>,
    start: usize,
) -> Option<Vec<&Import>> {
    let mut ways: VecDeque<Vec<&Import>> = VecDeque::from([Vec::new()]);
    let mut reached = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let end = way.last().map_or(start, |import| import.to);
        if end == start && !way.is_empty() {
            return Some(way);
        }
        for import in graph.get(&end).into_iter().flat_map(BTreeMap::values) {
            if reached.insert(import.to) {
                ways.push_back([way.as_slice(), &[import]].concat());
            }
        }
    }
    None
}
