//! How long the exchanges of a transcript took on a serial line, beside what their bytes need at ten
//! bits each. Read by a test and by a benchmark.

use std::time::Duration;

use serde_json::Value;

/// One exchange: how long it took, and how long its bytes are on the line, both ways.
pub(crate) struct Exchange {
    pub(crate) took: Duration,
    pub(crate) needs: Duration,
}

/// Those of a transcript, on a line of 115200 bits a second, with the transport session of this
/// number.
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
            // `prov-session 12345 00ff` and CR; its echo has a byte more at its end.
            let words = endpoint.len() + session.to_string().len() + 2;
            let typed = u64::try_from(words).unwrap_or_default() + 2 * number(sent, "bytes") + 1;
            // A line's end, the answer, a line's end, and the prompt.
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
