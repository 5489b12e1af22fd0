//! JSON as firmware prints it where a value holds a quote or a backslash: not escaped, so that no
//! JSON reader takes it. A value ends where the next key of a payload begins. Where that leaves a
//! choice, nothing is read: a value that may have ended with the document before is none.

use serde_json::Value;

use super::json::Member;
use super::{KEYS, Remark};

/// What stands in it.
pub(super) struct Unescaped {
    pub(super) members: Vec<Member>,
    pub(super) cut: Option<Remark>,
}

/// Where a value ends.
enum End<'a> {
    /// Before this key, whose value begins there.
    Key(&'static str, &'a str),
    /// With the document.
    Whole,
    /// Before a key of which only the beginning is there.
    BeforeCut,
}

/// Reads a text that begins with `{`. `None` where it is not clear what stands in it.
pub(super) fn read(body: &str) -> Option<Unescaped> {
    let mut members: Vec<Member> = Vec::new();
    let first = body.strip_prefix('{')?.trim_start();
    let (mut key, mut rest) = key_of(first)?;
    loop {
        let at = body.len().saturating_sub(rest.len());
        if members.iter().any(|member| member.key == key) {
            return None;
        }
        let (value, end) = match rest.strip_prefix('"') {
            Some(text) => {
                let Some((value, end)) = text_value(text) else {
                    let cut = Some(Remark::Cut { key: Some(key) });
                    return Some(Unescaped { members, cut });
                };
                if value.contains(char::is_control) || ends_a_document(value) {
                    return None;
                }
                (Value::String(value.to_owned()), end)
            }
            None => bare_value(rest)?,
        };
        members.push(Member {
            key: key.to_owned(),
            value,
            at,
            is_escaped: false,
        });
        match end {
            End::Key(next, after) => (key, rest) = (next, after),
            End::Whole => return Some(Unescaped { members, cut: None }),
            End::BeforeCut => {
                let cut = Some(Remark::Cut { key: None });
                return Some(Unescaped { members, cut });
            }
        }
    }
}

/// The value in front of the first thing that can end it. `None`: its end is missing.
fn text_value(text: &str) -> Option<(&str, End<'_>)> {
    let quotes = || text.match_indices('"').map(|(at, _)| text.split_at(at));
    let next = quotes().find_map(|(value, after)| {
        let (key, rest) = key_after_comma(after.strip_prefix('"')?)?;
        Some((value, End::Key(key, rest)))
    });
    let whole = || {
        let value = text.trim_end().strip_suffix('}')?.trim_end();
        Some((value.strip_suffix('"')?, End::Whole))
    };
    let cut = || {
        quotes().find_map(|(value, after)| {
            let begun = |key: &str| format!("\",\"{key}\":\"").starts_with(after);
            (after.len() > 3 && KEYS.into_iter().any(begun)).then_some((value, End::BeforeCut))
        })
    };
    next.or_else(whole).or_else(cut)
}

/// Whether a quote and a brace stand in a value: its own, or the end of the document.
fn ends_a_document(value: &str) -> bool {
    let mut quotes = value.match_indices('"').map(|(at, _)| value.split_at(at));
    quotes.any(|(_, after)| after.trim_start_matches('"').trim_start().starts_with('}'))
}

/// Whether a document whose end was seen may not have ended there, because its keys go on.
pub(super) fn goes_on(rest: &str) -> bool {
    let same = rest.split('{').next().unwrap_or(rest);
    let mut quotes = same.match_indices('"').map(|(at, _)| same.split_at(at));
    quotes.any(|(_, after)| after.strip_prefix('"').and_then(key_after_comma).is_some())
}

/// A number, which no firmware prints but other makers of labels may.
fn bare_value(rest: &str) -> Option<(Value, End<'_>)> {
    let (value, after) = rest.split_at(rest.find([',', '}'])?);
    let value = value.trim().parse::<u64>().ok()?.into();
    match key_after_comma(after) {
        Some((key, rest)) => Some((value, End::Key(key, rest))),
        None => (after.trim_end() == "}").then_some((value, End::Whole)),
    }
}

fn key_after_comma(text: &str) -> Option<(&'static str, &str)> {
    key_of(text.trim_start().strip_prefix(',')?.trim_start())
}

/// The key that the text begins with, and what follows its colon.
fn key_of(text: &str) -> Option<(&'static str, &str)> {
    let text = text.strip_prefix('"')?;
    KEYS.into_iter().find_map(|key| {
        let rest = text.strip_prefix(key)?.strip_prefix('"')?.trim_start();
        Some((key, rest.strip_prefix(':')?.trim_start()))
    })
}
