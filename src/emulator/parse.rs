//! Reads files of limited size, and lists in JSON.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// Reads a JSON list, and makes something of each entry and its number. `kind` names an entry. An error has
/// the number of the invalid entry, counted from 1, and the reason.
pub(super) fn parse_list<E: for<'de> Deserialize<'de>, T>(
    text: &str,
    kind: &str,
    convert: impl Fn(u32, E) -> Result<T, &'static str>,
) -> Result<Vec<T>, String> {
    let entries: Vec<Value> = serde_json::from_str(text)
        .map_err(|error| format!("the list of {kind}s cannot be read: {error}"))?;
    let converted = (1..).zip(entries).map(|(number, entry)| {
        let entry = E::deserialize(entry).map_err(|error| error.to_string());
        entry
            .and_then(|entry| Ok(convert(number, entry)?))
            .map_err(|error| format!("{kind} {number}: {error}"))
    });
    converted.collect()
}

/// Reads a file of at most [`MAX_FILE`] bytes.
pub fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // One byte more shows that the file is too long.
    File::open(path)?
        .take(MAX_FILE.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE) {
        return Ok(bytes);
    }
    let error = format!("the file is longer than {} MiB", MAX_FILE >> 20);
    Err(io::Error::new(io::ErrorKind::FileTooLarge, error))
}

/// Reads a text file of at most [`MAX_FILE`] bytes.
pub fn read_limited_text(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(read_limited(path)?);
    text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the file is not UTF-8 text"))
}

/// Enough for every list, key or state of an emulated device.
const MAX_FILE: u64 = 1 << 20;
