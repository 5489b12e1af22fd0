//! The JSON form, whole or cut off: a document is read member by member, so that what stands before
//! a missing end still counts, and a fault has its place. What firmware does not escape is
//! `unescaped`'s.

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};

use super::{Fault, KEYS, Payload, Remark, Tail, Wrong, unescaped};

/// A key, its value, and where the value begins.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) at: usize,
    /// Whether a backslash stands in it where JSON has one.
    pub(super) is_escaped: bool,
}

/// How far a document goes.
enum End {
    /// To its `}`; this many bytes in all.
    Whole(usize),
    /// Not as far. In the value of this key, where it is in one.
    Cut(Option<String>),
}

/// Why there is no next value.
enum Missing {
    /// The text ends before it does.
    Cut,
    /// At this byte is something else.
    Wrong(usize),
}

/// Reads a text that begins with `{`. What is no JSON is taken as firmware writes it, but nothing
/// is guessed: a value of which the end is missing is left out. Of several lines, only a whole
/// document is one: what follows a line break may be something else's.
pub(super) fn read(body: &str, tail: Tail) -> Result<Payload, Wrong> {
    let mut list = Vec::new();
    let line_break = body.trim_end().find(['\n', '\r']);
    let wrong = match members(body, &mut list) {
        Ok(End::Whole(length)) => {
            let rest = body.get(length..).unwrap_or_default().trim_start();
            let fits = match tail {
                Tail::Nothing => rest.is_empty(),
                Tail::OfUrl => rest.is_empty() || rest.starts_with(['&', '#']),
                Tail::Anything => !unescaped::goes_on(rest),
            };
            if fits {
                let payload = Payload::of_members(list)?;
                return if payload.is_of_use() {
                    Ok(payload)
                } else {
                    Err(Fault::SaysNothing.in_body(0))
                };
            }
            length
        }
        Ok(End::Cut(_)) if line_break.is_some() => line_break.unwrap_or_default(),
        Ok(End::Cut(key)) => {
            let key = key.and_then(|key| KEYS.into_iter().find(|known| *known == key));
            let mut payload = Payload::of_members(list)?;
            payload.remarks.push(Remark::Cut { key });
            if payload.is_of_use() {
                return Ok(payload);
            }
            body.trim_end().len()
        }
        Err(at) => at,
    };
    // Not repaired over a line break.
    let line = line_break.is_none().then_some(body);
    let raw = line
        .and_then(unescaped::read)
        .filter(|raw| !raw.members.is_empty());
    let Some(raw) = raw else {
        return Err(Fault::NotJson.in_body(wrong));
    };
    let mut payload = Payload::of_members(raw.members)?;
    payload.remarks.push(Remark::NotEscaped);
    payload.remarks.extend(raw.cut);
    if payload.is_of_use() {
        Ok(payload)
    } else {
        Err(Fault::NotJson.in_body(wrong))
    }
}

/// Collects the members. On a fault, at which byte it is.
fn members(body: &str, list: &mut Vec<Member>) -> Result<End, usize> {
    let mut at = skip_space(body, 1);
    if byte(body, at) == Some(b'}') {
        return Ok(End::Whole(at.saturating_add(1)));
    }
    loop {
        let (key, next) = match value::<String>(body, at) {
            Ok(read) => read,
            Err(Missing::Cut) => return Ok(End::Cut(None)),
            Err(Missing::Wrong(at)) => return Err(at),
        };
        at = skip_space(body, next);
        match byte(body, at) {
            Some(b':') => {}
            None => return Ok(End::Cut(Some(key))),
            Some(_) => return Err(at),
        }
        at = skip_space(body, at.saturating_add(1));
        let (value, next) = match value::<Value>(body, at) {
            Ok(read) => read,
            Err(Missing::Cut) => return Ok(End::Cut(Some(key))),
            Err(Missing::Wrong(at)) => return Err(at),
        };
        let end = skip_space(body, next);
        // 1 may be the beginning of 12, and the last quote one of the value's own.
        if byte(body, end).is_none() && !ENUMERATED.contains(&key.as_str()) {
            return Ok(End::Cut(Some(key)));
        }
        let text = body.get(at..next).unwrap_or_default();
        list.push(Member {
            key,
            value,
            at,
            is_escaped: text.contains('\\'),
        });
        match byte(body, end) {
            Some(b',') => at = skip_space(body, end.saturating_add(1)),
            Some(b'}') => return Ok(End::Whole(end.saturating_add(1))),
            None => return Ok(End::Cut(None)),
            Some(_) => return Err(end),
        }
    }
}

/// One value, and where it ends.
fn value<T: DeserializeOwned>(body: &str, at: usize) -> Result<(T, usize), Missing> {
    let rest = body.get(at..).unwrap_or_default();
    let mut values = Deserializer::from_str(rest).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => Ok((value, at.saturating_add(values.byte_offset()))),
        Some(Err(error)) if error.is_eof() => Err(Missing::Cut),
        Some(Err(error)) => {
            // Lines count from 1, and the column is that of the last byte that was looked at.
            let lines = rest.split_inclusive('\n');
            let before: usize = lines
                .take(error.line().saturating_sub(1))
                .map(str::len)
                .sum();
            let within = before.saturating_add(error.column().saturating_sub(1));
            Err(Missing::Wrong(at.saturating_add(within)))
        }
        None => Err(Missing::Cut),
    }
}

fn skip_space(body: &str, at: usize) -> usize {
    let rest = body.get(at..).unwrap_or_default();
    let space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
    body.len()
        .saturating_sub(rest.trim_start_matches(space).len())
}

fn byte(body: &str, at: usize) -> Option<u8> {
    body.as_bytes().get(at).copied()
}

/// Keys of which the values cannot hold a quote.
const ENUMERATED: [&str; 2] = ["transport", "network"];
