//! Measures the exchanges of a transcript on a serial line, against the time that their bytes need
//! at ten bits each. A test and a benchmark use it.

use std::time::Duration;

use serde_json::Value;

/// One exchange: its duration, and the time of its bytes on the line in both directions.
pub(crate) struct Exchange {
    pub(crate) took: Duration,
    pub(crate) needs: Duration,
}

/// The exchanges of a transcript with this transport session, at 115200 bits a second.
pub(crate) fn exchanges(transcript: &str, session: u64) -> Vec<Exchange> {
    let lines: Vec<Value> = transcript
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let of = |event: &'static str| lines.iter().filter(move |line| line["event"] == event);
    let number = |line: &Value, key: &str| line[key].as_u64().unwrap_or_default();
    of("sent")
        .zip(of("received"))
        .map(|(sent, received)| {
            let endpoint = sent["endpoint"].as_str().unwrap_or_default();
            // `prov-session 12345 00ff` and CR; its echo has one byte more at the end.
            let words = endpoint.len() + session.to_string().len() + 2;
            let typed = u64::try_from(words).unwrap_or_default() + 2 * number(sent, "bytes") + 1;
            // A line end, the answer, a line end, and the prompt.
            let printed = 2 + 2 * number(received, "bytes") + 2 + PROMPT;
            let bits = 10 * (2 * typed + 1 + printed);
            Exchange {
                took: Duration::from_millis(
                    number(received, "ms").saturating_sub(number(sent, "ms")),
                ),
                needs: Duration::from_micros(bits * 1_000_000 / 115_200),
            }
        })
        .collect()
}

/// `\n>> `.
const PROMPT: u64 = 4;
