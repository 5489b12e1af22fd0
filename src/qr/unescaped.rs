//! JSON as firmware prints it if a value contains a quote or a backslash: without escapes, so that no
//! JSON reader accepts it. A value ends where the next key of a payload begins. If that is ambiguous,
//! nothing is read.

use serde_json::Value;

use super::payload::{KEYS, Member, Remark};

/// The contents of such a document.
pub(super) struct Unescaped {
    pub(super) members: Vec<Member>,
    pub(super) cut: Option<Remark>,
}

/// Where a value ends.
enum End<'a> {
    /// Before this key, whose value begins there.
    Key(&'static str, &'a str),
    /// At the end of the document.
    Whole,
    /// Before a key of which only the beginning exists.
    BeforeCut,
}

/// Reads a text that begins with `{`. `None` if its contents are ambiguous, or if it has no value.
pub(super) fn read(body: &str) -> Option<Unescaped> {
    let mut members: Vec<Member> = Vec::new();
    let (mut key, mut rest) = split_key(body.strip_prefix('{')?.trim_start())?;
    let cut = loop {
        let at = body.len().saturating_sub(rest.len());
        if members.iter().any(|member| member.key == key) {
            return None;
        }
        let (value, end) = match rest.strip_prefix('"') {
            Some(text) => {
                let Some((value, end)) = split_text(text) else {
                    break Some(Remark::Cut { key: Some(key) });
                };
                if value.contains(char::is_control) || has_document_end(value) {
                    return None;
                }
                (Value::from(value), end)
            }
            None => split_number(rest)?,
        };
        members.push(Member {
            key: key.to_owned(),
            value,
            at,
            is_escaped: false,
        });
        match end {
            End::Key(next, after) => (key, rest) = (next, after),
            End::Whole => break None,
            End::BeforeCut => break Some(Remark::Cut { key: None }),
        }
    };
    (!members.is_empty()).then_some(Unescaped { members, cut })
}

fn quotes(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices('"').map(|(at, _)| text.split_at(at))
}

/// Splits a value from the first thing that can end it. `None`: its end is missing.
fn split_text(text: &str) -> Option<(&str, End<'_>)> {
    let next = quotes(text).find_map(|(value, after)| {
        let (key, rest) = split_key_after_comma(after.strip_prefix('"')?)?;
        Some((value, End::Key(key, rest)))
    });
    let whole = || {
        let value = text.trim_end().strip_suffix('}')?.trim_end();
        Some((value.strip_suffix('"')?, End::Whole))
    };
    let cut = || {
        quotes(text).find_map(|(value, after)| {
            let is_begun = |key: &str| format!("\",\"{key}\":\"").starts_with(after);
            (after.len() > 3 && KEYS.into_iter().any(is_begun)).then_some((value, End::BeforeCut))
        })
    };
    next.or_else(whole).or_else(cut)
}

/// Whether a value contains a quote and a brace: they may be its own, or the end of the document.
fn has_document_end(value: &str) -> bool {
    quotes(value).any(|(_, after)| after.trim_start_matches('"').trim_start().starts_with('}'))
}

/// Whether more keys follow what looked like the end of a document, so that it may not have been one.
pub(super) fn has_more_keys(rest: &str) -> bool {
    let same = rest.split('{').next().unwrap_or(rest);
    quotes(same).any(|(_, after)| {
        let after = after.strip_prefix('"');
        after.and_then(split_key_after_comma).is_some()
    })
}

/// Splits off a number, which other label makers may print; firmware does not.
fn split_number(rest: &str) -> Option<(Value, End<'_>)> {
    let (value, after) = rest.split_at(rest.find([',', '}'])?);
    let value = value.trim().parse::<u64>().ok()?.into();
    match split_key_after_comma(after) {
        Some((key, rest)) => Some((value, End::Key(key, rest))),
        None => (after.trim_end() == "}").then_some((value, End::Whole)),
    }
}

fn split_key_after_comma(text: &str) -> Option<(&'static str, &str)> {
    split_key(text.trim_start().strip_prefix(',')?.trim_start())
}

/// The known key that the text begins with, and the text after its colon.
fn split_key(text: &str) -> Option<(&'static str, &str)> {
    let text = text.strip_prefix('"')?;
    KEYS.into_iter().find_map(|key| {
        let rest = text.strip_prefix(key)?.strip_prefix('"')?.trim_start();
        Some((key, rest.strip_prefix(':')?.trim_start()))
    })
}
