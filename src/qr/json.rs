//! The JSON form, whole or cut off. It is read member by member, so that the values before a missing
//! end still count, and a problem has its place. `unescaped` reads the values that firmware does not
//! escape.

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};

use super::payload::{Member, Payload, Problem, ProblemAt, Remark, Tail, known_key};
use super::unescaped;

/// Why a document or a value ends early.
enum Stop {
    /// The text ends. In the value of this key, if it ends in a value.
    Cut(Option<String>),
    /// The byte at which the text is not JSON.
    Wrong(usize),
}

/// Reads a text that begins with `{`. If it is not JSON, it is read as firmware writes it, but without
/// guesses: a value whose end is missing is left out. Of several lines, only a whole document counts:
/// the text after a line break may belong to something else.
pub(super) fn read(body: &str, tail: Tail) -> Result<Payload, ProblemAt> {
    let mut list = Vec::new();
    let line_break = body.trim_end().find(['\n', '\r']);
    let wrong = match (read_members(body, &mut list), line_break) {
        (Ok(length), _) => {
            let rest = body.get(length..).unwrap_or_default().trim_start();
            let fits = match tail {
                Tail::Nothing => rest.is_empty(),
                Tail::OfUrl => rest.is_empty() || rest.starts_with(['&', '#']),
                Tail::Anything => !unescaped::has_more_keys(rest),
            };
            if fits {
                let payload = Payload::from_members(list)?;
                let is_useful = payload.is_useful();
                let payload = is_useful.then_some(payload);
                return payload.ok_or_else(|| Problem::NotUseful.in_body(0));
            }
            length
        }
        (Err(Stop::Cut(_)), Some(line_break)) => line_break,
        (Err(Stop::Cut(key)), None) => {
            let key = key.and_then(|key| known_key(&key));
            let mut payload = Payload::from_members(list)?;
            payload.remarks.push(Remark::Cut { key });
            if payload.is_useful() {
                return Ok(payload);
            }
            body.trim_end().len()
        }
        (Err(Stop::Wrong(at)), _) => at,
    };
    let not_json = || Problem::NotJson.in_body(wrong);
    // Not repaired over a line break.
    let line = line_break.is_none().then_some(body);
    let raw = line.and_then(unescaped::read).ok_or_else(not_json)?;
    let mut payload = Payload::from_members(raw.members)?;
    payload.remarks.push(Remark::NotEscaped);
    payload.remarks.extend(raw.cut);
    let is_useful = payload.is_useful();
    is_useful.then_some(payload).ok_or_else(not_json)
}

/// Collects the members. Returns the length of the document.
fn read_members(body: &str, list: &mut Vec<Member>) -> Result<usize, Stop> {
    let mut at = skip_space(body, 1);
    if byte(body, at) == Some(b'}') {
        return Ok(at.saturating_add(1));
    }
    loop {
        let (key, next) = read_value::<String>(body, at)?;
        at = skip_space(body, next);
        match byte(body, at) {
            Some(b':') => {}
            None => return Err(Stop::Cut(Some(key))),
            Some(_) => return Err(Stop::Wrong(at)),
        }
        at = skip_space(body, at.saturating_add(1));
        let (value, next) = match read_value::<Value>(body, at) {
            Err(Stop::Cut(_)) => return Err(Stop::Cut(Some(key))),
            other => other?,
        };
        let end = skip_space(body, next);
        // 1 may be the beginning of 12, and the last quote part of the value.
        if byte(body, end).is_none() && !ENUMERATED.contains(&key.as_str()) {
            return Err(Stop::Cut(Some(key)));
        }
        let text = body.get(at..next).unwrap_or_default();
        list.push(Member {
            key,
            value,
            at,
            is_escaped: text.contains('\\'),
        });
        at = skip_space(body, end.saturating_add(1));
        match byte(body, end) {
            Some(b',') => {}
            Some(b'}') => return Ok(end.saturating_add(1)),
            None => return Err(Stop::Cut(None)),
            Some(_) => return Err(Stop::Wrong(end)),
        }
    }
}

/// Reads a value. Returns it with the place where it ends.
fn read_value<T: DeserializeOwned>(body: &str, at: usize) -> Result<(T, usize), Stop> {
    let rest = body.get(at..).unwrap_or_default();
    let mut values = Deserializer::from_str(rest).into_iter::<T>();
    match values.next() {
        Some(Ok(value)) => Ok((value, at.saturating_add(values.byte_offset()))),
        Some(Err(error)) if !error.is_eof() => {
            // Lines count from 1, and the column is that of the last inspected byte.
            let lines = rest.split_inclusive('\n').map(str::len);
            let before: usize = lines.take(error.line().saturating_sub(1)).sum();
            let within = before.saturating_add(error.column().saturating_sub(1));
            Err(Stop::Wrong(at.saturating_add(within)))
        }
        _ => Err(Stop::Cut(None)),
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

/// Keys whose values cannot contain a quote.
const ENUMERATED: [&str; 2] = ["transport", "network"];
