//! Finds a payload in the log of a board that starts. Firmware prints it there as it is, within a line
//! that has a time, a tag and colors.

use anstream::adapter::strip_str;

use super::device::SingleDevice;
use super::payload::{Payload, PayloadError, Problem, Tail};
use super::{json, read};
use crate::secret::Secret;

/// The payload in one line of a log, if there is one: JSON or the compact form anywhere in it, or a URL
/// with either. Other JSON of a log is ignored: a payload has a name, and the version or the transport.
/// Payloads of two devices are refused.
pub fn find_in_log_line(line: &str) -> Result<Option<Payload>, Problem> {
    // Control characters would vanish with the colors, and the rest of a value would look whole.
    let is_noise = |c: char| c.is_control() && !matches!(c, '\u{1b}' | '\t' | '\r' | '\n');
    let line = Secret::new(line.replace(is_noise, "\u{fffd}"));
    let line = Secret::new(strip_str(line.expose()).to_string());
    let line = line.expose().trim_end();
    let rests = |mark: &'static str| {
        let marks = line.match_indices(mark).take(MAX_CANDIDATES);
        marks.filter_map(|(at, _)| line.get(at..))
    };
    // Nothing but the end of the line or a space shows where the compact form or a URL ends.
    let first_word = |rest| str::split(rest, char::is_whitespace).next().unwrap_or(rest);
    let compact = rests("NP:").flat_map(|rest| [rest, first_word(rest)]);
    let urls = rests("http")
        .map(first_word)
        .filter(|url| read::is_url(url));
    let payloads = rests("{")
        .map(|rest| json::read(rest, Tail::Anything))
        .chain(compact.map(|text| read::read_form(text, Tail::Nothing)))
        .chain(urls.map(read::read_url));
    let mut ambiguous = None;
    let mut device = SingleDevice::default();
    for payload in payloads {
        match payload.map_err(|wrong| wrong.problem) {
            Ok(payload) if is_label(&payload) => device.add(payload)?,
            Err(problem @ Problem::TwoReadings { .. }) if line.contains("\"ver\"") => {
                ambiguous = ambiguous.or(Some(problem));
            }
            _ => {}
        }
    }
    ambiguous.map_or(Ok(device.into_payload()), Err)
}

/// The payload in a log, which often contains bytes that are not text. Their values do not matter: a
/// value that contains one is not used.
pub fn find_in_log(bytes: &[u8]) -> Result<Option<Payload>, PayloadError> {
    let mut device = SingleDevice::default();
    let mut matter = None;
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let error = |problem| PayloadError {
            problem,
            line: number,
            column: 1,
        };
        // Within a line, text after a carriage return overwrites it.
        for part in line.split(|byte| *byte == b'\r') {
            let part = Secret::new(String::from_utf8_lossy(part).into_owned());
            if let Some(payload) = find_in_log_line(part.expose()).map_err(error)? {
                device.add(payload).map_err(error)?;
            } else if has_matter_code(part.expose()) {
                matter = matter.or_else(|| Some(error(Problem::Matter)));
            }
        }
    }
    match (device.into_payload(), matter) {
        (None, Some(matter)) => Err(matter),
        (payload, _) => Ok(payload),
    }
}

fn is_label(payload: &Payload) -> bool {
    payload.name.is_some()
        && (payload.ver.is_some() || payload.transport.is_some())
        && !payload
            .values()
            .any(|(_, value)| value.is_some_and(|it| it.contains('\u{fffd}')))
}

/// `MT:` and at least as many characters as the shortest Matter code has.
fn has_matter_code(line: &str) -> bool {
    let is_base_38 = |c: &char| matches!(c, 'A'..='Z' | '0'..='9' | '-' | '.');
    let mut codes = line.split("MT:").skip(1);
    codes.any(|code| code.chars().take_while(is_base_38).count() >= MIN_MATTER)
}

/// The most places in a line where a payload may begin. A line of a log has few.
const MAX_CANDIDATES: usize = 16;
/// Characters after the `MT:`.
const MIN_MATTER: usize = 19;
