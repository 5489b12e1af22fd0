//! Tables for people, and their cells.

use std::fmt::Display;
use std::iter::once;

use unicode_width::UnicodeWidthStr as _;

use crate::ident::printable;

/// A table with a heading, as lines.
pub(in crate::cli) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Vec<String> {
    let rows = rows.into_iter().map(Vec::from);
    align(&headings.map(|heading| (heading, 0)), 2, rows)
}

/// Aligns rows below their headings. Each heading has the least width of its column; `gap` is the
/// width between columns. Some characters occupy two columns of a terminal, some none.
pub(super) fn align(
    headings: &[(&str, usize)],
    gap: usize,
    rows: impl Iterator<Item = Vec<String>>,
) -> Vec<String> {
    let (heading, mut widths): (Vec<String>, Vec<usize>) = headings
        .iter()
        .map(|(heading, width)| ((*heading).to_owned(), *width))
        .unzip();
    let rows: Vec<Vec<String>> = once(heading).chain(rows).collect();
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let join = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| {
            let space = " ".repeat(width.saturating_sub(cell.width()) + gap);
            format!("{cell}{space}")
        });
        cells.collect::<String>().trim_end().to_owned()
    };
    rows.iter().map(join).collect()
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
