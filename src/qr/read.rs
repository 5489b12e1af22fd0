//! Reads a payload in each of its forms: JSON, the compact `NP:<name>|<pop>|<b or s>`
//! (`CONFIG_APP_NETWORK_PROV_COMPACT_QR`), and the URL of a page that shows the code, with the payload
//! as its `data`. Firmware prints the payload into the URL without encoding; browsers and other
//! programs percent-encode it, each a little differently. espctl never requests the page.

use super::json;
use super::payload::{Payload, PayloadError, Problem, ProblemAt, Tail};
use crate::secret::Secret;

/// The page that firmware names.
pub const PAGE: &str = "https://rainmaker.espressif.com/qrcode.html";

impl Payload {
    /// Reads any form: JSON, `NP:…`, or a URL with either as its `data`.
    pub fn read(text: &str) -> Result<Self, PayloadError> {
        let body = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        let read = if is_url(body) {
            read_url(body)
        } else {
            read_form(body, Tail::Nothing)
        };
        let whole = || Some(Secret::new(body.trim_end().to_owned()));
        let read = read.map(|payload| Self {
            text: whole(),
            ..payload
        });
        read.map_err(|ProblemAt { at, problem }| {
            let at = text.len().saturating_sub(body.len()).saturating_add(at);
            let before = text.get(..at).unwrap_or(text);
            let column = before.rsplit('\n').next().unwrap_or_default();
            PayloadError {
                problem,
                line: before.matches('\n').count().saturating_add(1),
                column: column.chars().count().saturating_add(1),
            }
        })
    }
}

/// Reads a text that is not a URL.
pub(super) fn read_form(body: &str, tail: Tail) -> Result<Payload, ProblemAt> {
    match body.chars().next() {
        None => Err(Problem::Empty.in_body(0)),
        Some('{') => json::read(body, tail),
        _ if has_prefix(body, "NP:") => read_compact(body, tail),
        _ if has_prefix(body, "MT:") => Err(Problem::Matter.in_body(0)),
        // JSON without keys.
        Some('[' | '"') => Err(Problem::NotAnObject.in_body(0)),
        Some(_) => Err(Problem::Unrecognized.in_body(0)),
    }
}

fn has_prefix(body: &str, prefix: &str) -> bool {
    let start = body.get(..prefix.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Reads a text that begins with `NP:`, in either case. The form has no escapes, so an additional bar
/// can only be part of the PoP.
fn read_compact(body: &str, tail: Tail) -> Result<Payload, ProblemAt> {
    let body = body.trim_end();
    let end = body.len();
    let missing = |expected, at| Problem::NotCompact { expected }.in_body(at);
    check_control(body)?;
    let fields = body.get(PREFIX..).unwrap_or_default();
    let (name, rest) = fields
        .split_once('|')
        .ok_or_else(|| missing("the bar after the name", end))?;
    if name.is_empty() {
        return Err(missing("the name", PREFIX));
    }
    let (pop, last) = rest
        .rsplit_once('|')
        .ok_or_else(|| missing("the bar after the PoP", end))?;
    let letter = match tail {
        Tail::Nothing | Tail::Anything => last,
        Tail::OfUrl => last.split(['&', '#']).next().unwrap_or(last),
    };
    let transport = match letter {
        "b" => "ble",
        "s" => "softap",
        _ => return Err(missing("b or s at the end", end.saturating_sub(last.len()))),
    };
    Ok(Payload {
        name: Some(name.to_owned()),
        pop: (!pop.is_empty()).then(|| Secret::new(pop.to_owned())),
        transport: Some(transport.to_owned()),
        ..Payload::default()
    })
}

fn check_control(body: &str) -> Result<(), ProblemAt> {
    let at = body.find(char::is_control);
    at.map_or(Ok(()), |at| Err(Problem::Control.in_body(at)))
}

/// Whether the text begins as a web URL.
pub(super) fn is_url(body: &str) -> bool {
    has_prefix(body, "http://") || has_prefix(body, "https://")
}

/// Reads the `data` of a URL.
pub(super) fn read_url(body: &str) -> Result<Payload, ProblemAt> {
    check_control(body.trim_end())?;
    let parameters = ["?data=", "&data="].into_iter();
    let starts = parameters.filter_map(|name| body.find(name)?.checked_add(name.len()));
    let start = starts.min().unwrap_or(body.len());
    let data = body.get(start..).unwrap_or_default();
    if data.trim().is_empty() {
        return Err(Problem::NoData.in_body(body.trim_end().len()));
    }
    let read = if is_raw(data) {
        read_form(data, Tail::OfUrl)
    } else {
        Decoded::new(data).and_then(|decoded| decoded.read())
    };
    read.map_err(|ProblemAt { at, problem }| problem.in_body(at.saturating_add(start)))
}

/// Whether the data are not encoded, as firmware prints them: every encoder encodes a quote, and few a
/// brace. In the compact form a remaining bar is the only sign.
fn is_raw(data: &str) -> bool {
    match data.strip_prefix('{') {
        Some(rest) => !rest.trim_start().starts_with('%'),
        None => !data.contains('%') || data.starts_with("NP:") && data.contains('|'),
    }
}

/// Percent-decoded data.
struct Decoded {
    text: String,
    /// For each byte, its place in the encoded data; then their end.
    places: Vec<usize>,
}

impl Decoded {
    fn new(data: &str) -> Result<Self, ProblemAt> {
        let data = data.trim_end();
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        let mut rest = data.bytes().enumerate();
        while let Some((at, mut byte)) = rest.next() {
            if byte == b'%' {
                let mut digit = || char::from(rest.next()?.1).to_digit(16);
                let value = digit().zip(digit()).map(|(high, low)| high * 16 + low);
                let value = value.and_then(|value| u8::try_from(value).ok());
                byte = value.ok_or_else(|| Problem::NotEncoded.in_body(at))?;
            }
            bytes.push(byte);
            places.push(at);
        }
        places.push(data.len());
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = places.get(error.utf8_error().valid_up_to());
            Problem::NotEncoded.in_body(at.copied().unwrap_or_default())
        })?;
        Ok(Self { text, places })
    }

    /// A plus stays a plus: most encoders of all URL data write a space as `%20`, and a PoP with a plus
    /// is likelier than one with a space. Pluses are spaces only if JSON proves it, because they are
    /// between its values.
    fn read(&self) -> Result<Payload, ProblemAt> {
        let read = read_form(&self.text, Tail::OfUrl);
        let is_plain = |payload: &Payload| payload.remarks.is_empty();
        if self.text.contains('+') && !read.as_ref().is_ok_and(is_plain) {
            let spaced = self.text.replace('+', " ");
            if spaced.starts_with('{')
                && let Ok(payload) = json::read(&spaced, Tail::OfUrl)
                && is_plain(&payload)
            {
                return Ok(payload);
            }
        }
        read.map_err(|ProblemAt { at, problem }| {
            let place = self.places.get(at).or_else(|| self.places.last());
            problem.in_body(place.copied().unwrap_or_default())
        })
    }
}

/// The bytes of `NP:`.
const PREFIX: usize = 3;
