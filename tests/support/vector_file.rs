//! Reads `tests/vectors/vectors.json`. The README in the same folder describes it.

use serde_json::Value;

/// The whole file.
pub(crate) fn load() -> Value {
    serde_json::from_str(include_str!("../vectors/vectors.json")).unwrap()
}

/// The array under `key`.
pub(crate) fn entries(key: &str) -> Vec<Value> {
    load()[key].as_array().expect(key).clone()
}

/// The entry called `name` in the array under `key`.
pub(crate) fn entry(key: &str, name: &str) -> Value {
    entries(key)
        .into_iter()
        .find(|entry| text(entry, "name") == name)
        .expect(name)
}

pub(crate) fn text(entry: &Value, key: &str) -> String {
    entry[key].as_str().expect(key).to_owned()
}

/// A text of hexadecimal digits, as bytes.
pub(crate) fn bytes(entry: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(entry, key)).expect(key)
}

/// The keys of an object, sorted.
pub(crate) fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<_> = object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}
