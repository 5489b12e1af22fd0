//! Every source file begins with its purpose, and has a name for one concept.

use crate::support::source::source_files;

#[test]
fn every_file_begins_with_its_purpose() {
    for file in source_files() {
        assert!(
            file.text.starts_with("//! "),
            "{} has no head line",
            file.path.display()
        );
    }
}

#[test]
fn no_file_is_named_util_or_helper() {
    for file in source_files() {
        let name = file.module.last().cloned().unwrap_or_default();
        for word in ["util", "utils", "helper", "helpers", "misc", "common"] {
            assert_ne!(name, word, "{}", file.path.display());
        }
    }
}
