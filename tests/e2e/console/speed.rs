//! How well a line is used: beside what the bytes themselves need, at ten bits each, little time may
//! pass.

use std::time::Duration;

use serde_json::Value;

use super::{HOME, at, on_a_line};
use crate::support::device::fresh_path;

#[test]
fn the_line_is_busy_while_there_is_something_to_say() {
    let mut best = f64::MAX;
    // Other tests run at the same time; one undisturbed run is enough to know, and usually the
    // first is.
    for _ in 0..40 {
        best = best.min(ratio());
        if best <= MOST {
            return;
        }
    }
    panic!("{best:.2} times what the bytes need");
}

/// How long the exchanges of a whole run took, of what their bytes need both ways.
fn ratio() -> f64 {
    let device = on_a_line(&[]);
    let transcript = fresh_path("transcript");
    let path = transcript.to_str().unwrap();
    let line = [&["--pop", device.pop(), "--transcript", path], &HOME[..]].concat();
    at(&device, &["provision", "--no-cloud"], &line).exits(0);
    let told = std::fs::read_to_string(transcript).unwrap();
    let lines: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let exchanges = lines.iter().filter(|line| line["event"] == "sent");
    let answers = lines.iter().filter(|line| line["event"] == "received");
    let (mut bytes, mut took) = (0, Duration::ZERO);
    for (sent, received) in exchanges.zip(answers) {
        let number = |line: &Value, key: &str| line[key].as_u64().unwrap();
        let endpoint = sent["endpoint"].as_str().unwrap();
        // `prov-session 12345 00ff` and CR, and its echo, which ends with one byte more.
        let session = device.told("session_opened")[0]["session"].to_string();
        let typed = endpoint.len() + session.len() + 2;
        bytes += 2 * (u64::try_from(typed).unwrap() + 2 * number(sent, "bytes") + 1) + 1;
        // A line's end, the answer, a line's end, and the prompt.
        bytes += 2 + 2 * number(received, "bytes") + 2 + 4;
        took += Duration::from_millis(number(received, "ms") - number(sent, "ms"));
    }
    took.as_secs_f64() / (f64::from(u32::try_from(bytes).unwrap()) * 10.0 / 115_200.0)
}

/// A board hears a chunk when nothing came for ten bytes' time, or after 120.
const MOST: f64 = 1.3;
