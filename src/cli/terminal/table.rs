//! Tables for people, and their cells.

use std::fmt::Display;

use super::text::columns;
use crate::ident::printable;

/// A table with a heading, as lines.
pub(in crate::cli) fn table<const N: usize>(
    heading: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Vec<String> {
    let heading = heading.map(str::to_owned);
    columns(&std::iter::once(heading).chain(rows).collect::<Vec<_>>())
}

/// A value from outside, printable; `-` if it is missing.
pub(in crate::cli) fn cell(value: Option<impl Display>) -> String {
    value.map_or_else(
        || "-".to_owned(),
        |value| printable(value.to_string().as_bytes()),
    )
}

/// A boolean as a word.
pub(in crate::cli) fn yes_or_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}
