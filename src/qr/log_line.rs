//! A payload in the log of a board that starts. Firmware prints it there as it is, within a line
//! that has a time, a tag and colours.

use anstream::adapter::strip_str;

use super::{Payload, Tail, json, read_form, web};
use crate::secret::Secret;

/// The payload in one line of a log, if there is one: JSON or the compact form wherever they stand,
/// or the URL with either. Other JSON of a log is none: a payload has a name, and the
/// version or the transport.
pub fn find_in_log_line(line: &str) -> Option<Payload> {
    let line = Secret::new(strip_str(line).to_string());
    let line = line.expose().trim_end();
    let rests = |mark: &'static str| {
        let found = line.match_indices(mark).take(MOST);
        found.filter_map(|(at, _)| line.get(at..))
    };
    let in_json = rests("{").filter_map(|rest| json::read(rest, Tail::Anything).ok());
    let compact = rests("NP:").filter_map(|rest| {
        // Its end is that of the line, or a space: nothing else shows it.
        read_form(rest, Tail::Nothing)
            .or_else(|_| read_form(rest.split(' ').next().unwrap_or(rest), Tail::Nothing))
            .ok()
    });
    let encoded = rests("http").filter_map(|rest| {
        let url = rest.split(' ').next().unwrap_or(rest);
        let url = web::is_url(url).then_some(url)?;
        web::read(url).ok()
    });
    in_json.chain(compact).chain(encoded).find(|payload| {
        payload.name.is_some() && (payload.ver.is_some() || payload.transport.is_some())
    })
}

/// Of places in a line where one may begin. A line of a log has few.
const MOST: usize = 16;
