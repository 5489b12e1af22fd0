//! A payload in the log of a board that starts. Firmware prints it there as it is, within a line
//! that has a time, a tag and colours.

use std::borrow::Cow;

use anstream::adapter::strip_str;

use super::{Fault, Found, OneDevice, Payload, PayloadError, Tail, json, read_form, web};
use crate::secret::Secret;

/// The payload in one line of a log, if there is one: JSON or the compact form wherever they stand,
/// or the URL with either. Other JSON of a log is none: a payload has a name, and the
/// version or the transport. Those of two devices are refused.
pub fn find_in_log_line(line: &str) -> Result<Option<Payload>, Fault> {
    let line = Secret::new(strip_str(&without_noise(line)).to_string());
    let line = line.expose().trim_end();
    let rests = |mark: &'static str| {
        let found = line.match_indices(mark).take(MOST);
        found.filter_map(|(at, _)| line.get(at..))
    };
    let mut unclear = None;
    let mut one = OneDevice::default();
    let mut add = |read: Result<Payload, Fault>| match read {
        Ok(payload) if is_label(&payload) => one.add(Found::alone(payload)),
        Err(fault @ Fault::TwoReadings { .. }) if line.contains("\"ver\"") => {
            unclear = unclear.or(Some(fault));
            Ok(())
        }
        _ => Ok(()),
    };
    for rest in rests("{") {
        add(json::read(rest, Tail::Anything).map_err(|wrong| wrong.fault))?;
    }
    for rest in rests("NP:") {
        // Its end is that of the line, or a space: nothing else shows it.
        let word = rest.split(char::is_whitespace).next().unwrap_or(rest);
        for text in [rest, word] {
            add(read_form(text, Tail::Nothing).map_err(|wrong| wrong.fault))?;
        }
    }
    for rest in rests("http") {
        let url = rest.split(char::is_whitespace).next().unwrap_or(rest);
        if web::is_url(url) {
            add(web::read(url).map_err(|wrong| wrong.fault))?;
        }
    }
    match (unclear, one.found()) {
        (Some(fault), _) => Err(fault),
        (None, found) => Ok(found.map(|found| found.payload)),
    }
}

/// The payload in a log, of which bytes that are no text are part as often as not. Which bytes they
/// were does not matter: a value with one in it is no value.
pub fn find_in_log(bytes: &[u8]) -> Result<Option<Payload>, PayloadError> {
    let mut one = OneDevice::default();
    let mut matter = None;
    let lines = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    // Within a line, what comes after a carriage return is written anew.
    let parts = lines.flat_map(|(number, line)| {
        let parts = line.split(|byte| *byte == b'\r');
        parts.map(move |part| (number, part))
    });
    for (number, bytes) in parts {
        let line = Secret::new(String::from_utf8_lossy(bytes).into_owned());
        let error = |fault| PayloadError {
            fault,
            line: number,
            column: 1,
        };
        if let Some(payload) = find_in_log_line(line.expose()).map_err(error)? {
            one.add(Found::alone(payload)).map_err(error)?;
        } else if has_matter_code(line.expose()) {
            matter = matter.or_else(|| Some(error(Fault::Matter)));
        }
    }
    match (one.found(), matter) {
        (Some(found), _) => Ok(Some(found.payload)),
        (None, Some(matter)) => Err(matter),
        (None, None) => Ok(None),
    }
}

/// Noise would vanish with the colours, and what is left of a value look whole.
fn without_noise(line: &str) -> Cow<'_, str> {
    let is_noise = |c: char| c.is_control() && !matches!(c, '\u{1b}' | '\t' | '\r' | '\n');
    if line.contains(is_noise) {
        Cow::Owned(line.replace(is_noise, "\u{fffd}"))
    } else {
        Cow::Borrowed(line)
    }
}

fn is_label(payload: &Payload) -> bool {
    let secrets = [&payload.pop, &payload.password];
    let secrets = secrets
        .into_iter()
        .flatten()
        .map(|one| one.expose().as_str());
    let open = [&payload.name, &payload.username];
    let open = open.into_iter().flatten().map(String::as_str);
    payload.name.is_some()
        && (payload.ver.is_some() || payload.transport.is_some())
        && !secrets.chain(open).any(|text| text.contains('\u{fffd}'))
}

/// `MT:` and at least as many characters as the shortest has.
fn has_matter_code(line: &str) -> bool {
    let is_base_38 = |c: &char| matches!(c, 'A'..='Z' | '0'..='9' | '-' | '.');
    line.match_indices("MT:").any(|(at, mark)| {
        let code = line
            .get(at.saturating_add(mark.len())..)
            .unwrap_or_default();
        code.chars().take_while(is_base_38).count() >= SHORTEST_MATTER
    })
}

/// Of places in a line where one may begin. A line of a log has few.
const MOST: usize = 16;
/// After the `MT:`.
const SHORTEST_MATTER: usize = 19;
