//! The URL form: a page that shows the code, with the payload as its `data`. Firmware prints the
//! payload into it as it is; browsers and other programs percent-encode it, each a little
//! differently. The page itself is never asked for.

use super::{Fault, Payload, Tail, Wrong, json, read_form};

/// The page that firmware names.
pub const PAGE: &str = "https://rainmaker.espressif.com/qrcode.html";

/// Whether it is a URL of the web.
pub(super) fn is_url(body: &str) -> bool {
    ["http://", "https://"].into_iter().any(|scheme| {
        body.get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// Reads a URL.
pub(super) fn read(body: &str) -> Result<Payload, Wrong> {
    let end = body.trim_end().len();
    if let Some(at) = body.trim_end().find(char::is_control) {
        return Err(Fault::Control.in_body(at));
    }
    let Some(from) = data_of(body) else {
        return Err(Fault::NoData.in_body(end));
    };
    let data = body.get(from..).unwrap_or_default();
    let shift = |wrong: Wrong| Wrong {
        at: wrong.at.saturating_add(from),
        ..wrong
    };
    if data.trim().is_empty() {
        return Err(Fault::NoData.in_body(end));
    }
    if is_raw(data) {
        return read_form(data, Tail::OfUrl).map_err(shift);
    }
    let decoded = Decoded::new(data).map_err(shift)?;
    decoded.read().map_err(|wrong| {
        let at = decoded.places.get(wrong.at).copied();
        shift(Wrong {
            at: at.unwrap_or_else(|| data.trim_end().len()),
            ..wrong
        })
    })
}

/// Where the data begin.
fn data_of(body: &str) -> Option<usize> {
    let found = ["?data=", "&data="].into_iter().filter_map(|parameter| {
        let at = body.find(parameter)?;
        Some(at.saturating_add(parameter.len()))
    });
    found.min()
}

/// Whether the data stand there as firmware prints them: every encoder encodes a quote, and few a
/// brace; a bar that was left is the only sign in the compact form.
fn is_raw(data: &str) -> bool {
    match data.strip_prefix('{') {
        Some(rest) => !rest.trim_start().starts_with('%'),
        None => !data.contains('%') || data.starts_with("NP:") && data.contains('|'),
    }
}

/// Data without their percent signs.
struct Decoded {
    text: String,
    /// For each byte, where it comes from.
    places: Vec<usize>,
}

impl Decoded {
    fn new(data: &str) -> Result<Self, Wrong> {
        let (mut bytes, mut places) = (Vec::new(), Vec::new());
        let mut rest = data.trim_end().bytes().enumerate();
        while let Some((at, byte)) = rest.next() {
            let byte = if byte == b'%' {
                let mut digit = || char::from(rest.next()?.1).to_digit(16);
                let value = digit().zip(digit()).map(|(high, low)| high * 16 + low);
                let value = value.and_then(|value| u8::try_from(value).ok());
                value.ok_or_else(|| Fault::NotEncoded.in_body(at))?
            } else {
                byte
            };
            bytes.push(byte);
            places.push(at);
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = places.get(error.utf8_error().valid_up_to());
            Fault::NotEncoded.in_body(at.copied().unwrap_or_default())
        })?;
        Ok(Self { text, places })
    }

    /// A plus stays one: of those who encode all of a URL's data, most write a space as `%20`, and a
    /// PoP with a plus is likelier than one with a space. Only where JSON shows that pluses are spaces,
    /// because they stand between its values, they are.
    fn read(&self) -> Result<Payload, Wrong> {
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
        read
    }
}
