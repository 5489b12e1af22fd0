//! Tests the search for replies on recorded output, and on noise.

use serde_json::Value;

use super::*;

/// Reads the output for a request byte by byte.
fn read_output(request: &str, output: &[u8]) -> Option<Reply> {
    let mut reader = Output::for_request(request);
    reader.mark_sent();
    for byte in output {
        let reply = reader.read(&[*byte]);
        if reply.is_some() {
            return reply;
        }
    }
    // The output is complete.
    reader.is_prompt_uncertain().then(|| reader.finish())
}

fn answer(digits: &str) -> Option<Reply> {
    decode_hex(digits.as_bytes()).map(Reply::Answer)
}

#[test]
fn finds_answer_after_echo() {
    let request = "prov-session 1 10015a25";
    for output in [
        "prov-session 1 10015a25\r\n\r\n10015a39\r\n\r\n>> ",
        "prov-session 1 10015a25\r\n\r\r\n10015a39\r\r\n\r\n>> ",
        "prov-session 1 10015a25\r\n\x1b[0;32mI (1) wifi: up\x1b[0m\r\n\r\n10015a39\r\n\n>> ",
        // Two interruptions of the echo.
        "prov-I (1) wifi: up\r\nsession 1 10W (2) x: y\r\n015a25\r\n\r\n10015a39\r\n\n>> ",
        // Firmware prints the answer after an empty line.
        "prov-session 1 10015a25\r\nabcd\r\n\r\n10015a39\r\n\n>> ",
        // Other lines begin like the next part of the echo.
        "prov-prompt\r\nsession 1 11 bars\r\n10 x\r\n10015a25\r\n\r\n10015a39\r\n\n>> ",
    ] {
        assert_eq!(
            read_output(request, output.as_bytes()),
            answer("10015a39"),
            "{output}"
        );
    }
}

#[test]
fn prompt_without_answer_is_refusal() {
    for output in [
        "ch_resp 1 00\r\n\r\n>> ",
        "ch_resp 1 00\r\nE (1) protocomm: no handler\r\n\r\n>> ",
        "ch_resp 1 00\r\nI (5) sec1: 00 11 22 33\r\n\r\n>> I (7) wifi: x",
    ] {
        assert_eq!(
            read_output("ch_resp 1 00", output.as_bytes()),
            Some(Reply::Refusal),
            "{output}"
        );
    }
    // The rest of an interrupted echo looks like hex, but is not an answer.
    let output = b"ch_resp 1 0I (1) x: y\r\n0a0b0c\r\n\r\n>> ";
    assert_eq!(
        read_output("ch_resp 1 00a0b0c", output),
        Some(Reply::Refusal)
    );
}

#[test]
fn log_line_within_answer_is_garbled() {
    for output in [
        "ch_resp 1 00\r\n\r\n0a0bI (7) wifi: x\r\n0c0d\r\n\r\n>> ",
        "ch_resp 1 00\r\n\r\n0a0b\x1b[0;32mI (7) wifi: x\x1b[0m\r\n\r\n\r\n>> ",
        // Other output can interrupt an answer as well.
        "ch_resp 1 00\r\n\r\n0a0b25.3 C\r\n0c0d\r\n\r\n>> ",
        "ch_resp 1 00\r\n\r\n0a0b\r\n0c0d\r\n\r\n>> ",
        "ch_resp 1 00\r\n\r\n25.3 C\r\n0a0b0c0d\r\n\r\n>> ",
        "ch_resp 1 00\r\n\r\n0a0b0\r\n\r\n>> ",
        "ch_resp 1 00\r\n\r\n0a0b\r\n\r\n0c0d\r\n\r\n>> ",
    ] {
        let reply = read_output("ch_resp 1 00", output.as_bytes());
        assert_eq!(reply, Some(Reply::Garbled), "{output}");
    }
    // An answer without an end is garbled as well.
    let endless = format!("ch_resp 1 00\r\n\r\n{}\r\n\r\n>> ", "0a".repeat(9000));
    let reply = read_output("ch_resp 1 00", endless.as_bytes());
    assert_eq!(reply, Some(Reply::Garbled));
}

#[test]
fn reads_exchange_of_vectors() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/vectors.json");
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let console = &vectors["console"];
    let text = |key: &str| console[key].as_str().unwrap();
    let number = |key: &str| usize::try_from(console[key].as_u64().unwrap()).unwrap();
    let line = text("request").strip_suffix('\r').unwrap();
    let (endpoint, rest) = line.split_once(" 1 ").unwrap();
    let bytes = decode_hex(rest.as_bytes()).unwrap();
    assert_eq!(*format_request(endpoint, 1, &bytes).unwrap(), line);
    assert_eq!(
        (line.len(), MAX_REQUEST_BYTES),
        (number("line_chars"), number("device_limit_chars"))
    );
    let output = text("echo").to_owned() + text("reply") + text("prompt");
    assert_eq!(
        read_output(line, output.as_bytes()),
        answer(text("reply").trim())
    );

    let refused = text("rejected_looks_like");
    let line = refused.lines().next().unwrap();
    assert_eq!(read_output(line, refused.as_bytes()), Some(Reply::Refusal));

    let longer = (number("sec2_sc0_chars") - "prov-session 1 ".len()) / 2;
    assert_eq!(format_request("prov-session", 1, &vec![0; longer]), None);
}

#[test]
fn prompt_before_echo_is_ignored() {
    let mut reader = Output::for_request("ch_resp 1 00");
    reader.mark_sent();
    assert_eq!(reader.read(b"\r\n\r\n>> "), None);
    assert!(reader.is_prompt_uncertain());
    let reply = reader.read(b"ch_resp 1 00\r\n\r\n0a0b\r\n\r\n>> ");
    assert_eq!(reply, answer("0a0b"));
}

#[test]
fn waits_for_next_prompt() {
    let output = b"ch_resp 1 00\r\n\r\n0a0b\r\n";
    assert_eq!(read_output("ch_resp 1 00", output), None);
    let half = b"ch_resp 1 00\r\n\r\n0a0b\r\n\r\n>>";
    assert_eq!(read_output("ch_resp 1 00", half), None);
}

/// A generator that yields the same numbers in every run (splitmix64).
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn bytes(&mut self, max_length: usize) -> Vec<u8> {
        let length = self.below(max_length) + 1;
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    fn hex(&mut self, max_length: usize) -> String {
        hex::encode(self.bytes(max_length))
    }

    /// Output of an application without a line end, never bare hex.
    fn words(&mut self) -> String {
        let letters = b"0123456789abcdef ghz.:()-_>IWE";
        let mut text: String = (0..=self.below(12))
            .map(|_| char::from(letters[self.below(letters.len())]))
            .collect();
        text.push(char::from(b"xyz."[self.below(4)]));
        text
    }

    /// A line of other output, never bare hex.
    fn noise(&mut self) -> String {
        let words = self.words();
        let lines = [
            words.as_str(),
            "25.3 C",
            "\x1b[0;32mI (1234) wifi: state: init -> auth (0xb0)\x1b[0m",
            "W (88) httpd: 0011aabb",
            "I (99) security1: 00 11 22 33 44 55 66 77  88 99 aa bb cc dd ee ff",
            "E (7) protocomm: 10015a25a2",
            "I (5) x: >> y",
            "assoc deadbeef",
            "Ünïcode ❄",
            "",
        ];
        let end = ["\r\n", "\n", "\r\r\n"][self.below(3)];
        format!("{}{end}", lines[self.below(lines.len())])
    }
}

/// The output of one exchange, with other lines between the parts of the echo, and before and after
/// the reply.
fn printed(random: &mut Seeded, request: &str, reply: Option<&str>) -> String {
    let mut text = String::new();
    let mut left = request;
    while !left.is_empty() {
        let (part, rest) = left.split_at(random.below(left.len()) + 1);
        text += part;
        left = rest;
        if !left.is_empty() && random.below(3) == 0 {
            text += &random.noise();
        }
    }
    text += "\r\n";
    for _ in 0..random.below(3) {
        text += &random.noise();
    }
    if let Some(reply) = reply {
        let ends = [("\r\n", "\r\n"), ("\r\r\n", "\r\r\n")][random.below(2)];
        text.extend([ends.0, reply, ends.1]);
    }
    for _ in 0..random.below(3) {
        text += &random.noise();
    }
    text + "\r\n>> "
}

#[test]
fn text_noise_never_yields_wrong_answer() {
    let mut random = Seeded(1);
    let mut right = 0;
    for case in 0..4000 {
        let request = format_request("prov-session", 1, &random.bytes(100)).unwrap();
        let reply = (random.below(4) > 0).then(|| random.hex(200));
        let output = printed(&mut random, &request, reply.as_deref());
        let expected = match &reply {
            Some(reply) => answer(reply),
            None => Some(Reply::Refusal),
        };
        let found = read_output(&request, output.as_bytes());
        right += usize::from(found == expected);
        // Digits after an empty line may be part of an interrupted answer.
        assert!(
            found == expected || found == Some(Reply::Garbled),
            "case {case}: {found:?}: {output:?}"
        );
    }
    assert!(right > 3500, "{right}");
}

#[test]
fn interrupted_answer_never_yields_wrong_answer() {
    let mut random = Seeded(4);
    let mut garbled = 0;
    for case in 0..2000 {
        let request = format_request("prov-scan", 9, &random.bytes(60)).unwrap();
        let reply = random.hex(60);
        let output = printed(&mut random, &request, Some(&reply));
        let place = output.find(&reply).unwrap();
        let at = place + 2 * random.below(reply.len() / 2 + 1);
        let log = random.noise();
        let output = format!("{}{log}{}", &output[..at], &output[at..]);
        let found = read_output(&request, output.as_bytes());
        garbled += usize::from(found == Some(Reply::Garbled));
        assert!(
            found == answer(&reply) || found == Some(Reply::Garbled),
            "case {case}: {found:?}: {output:?}"
        );
    }
    assert!(garbled > 1000, "{garbled}");
}

#[test]
fn hex_noise_never_yields_wrong_answer() {
    let mut random = Seeded(2);
    let mut right = 0;
    for case in 0..2000 {
        let request = format_request("prov-config", 7, &random.bytes(80)).unwrap();
        let reply = random.hex(60);
        let before = format!("{}\r\n", random.hex(8));
        let output = printed(&mut random, &request, Some(&reply));
        // Directly before the reply, or one line earlier, where it is harmless.
        let place = output.find(&reply).unwrap();
        let line = |text: &str| text.rfind('\n').map_or(0, |end| end + 1);
        let mut at = line(&output[..place]);
        if random.below(2) == 0 {
            at = line(&output[..at.saturating_sub(1)]);
        }
        let output = format!("{}{before}{}", &output[..at], &output[at..]);
        let behind = format!("{}{before}\r\n>> ", output.strip_suffix(">> ").unwrap());
        for output in [output, behind] {
            let found = read_output(&request, output.as_bytes());
            right += usize::from(found == answer(&reply));
            assert!(
                found == answer(&reply) || found == Some(Reply::Garbled),
                "case {case}: {found:?}: {output:?}"
            );
        }
    }
    assert!(right > 800, "{right}");
}

#[test]
fn arbitrary_bytes_never_panic() {
    let mut random = Seeded(3);
    for _ in 0..2000 {
        let request = format_request("proto-ver", 1, &random.bytes(20)).unwrap();
        let mut output = Output::for_request(&request);
        for _ in 0..random.below(6) {
            let _reply = output.read(&random.bytes(300));
            output.assume_echoed(random.below(300));
            let _state = (output.echoed(), output.trouble());
        }
        output.mark_sent();
        let _reply = output.read(b"\r\n>> ");
    }
}

#[test]
fn recognizes_prompts_of_other_consoles() {
    for (line, expected) in [
        ("esp32> ", true),
        (">>> ", true),
        ("(gdb)# ", true),
        ("root@esp:/$ ", true),
        (">> ", false),
        (">> > ", false),
        ("> ", false),
        ("I (1) a > ", false),
        ("esp32>", false),
        ("", false),
        ("a-prompt-that-is-longer-than-32-b> ", false),
    ] {
        assert_eq!(is_other_prompt(line.as_bytes()), expected, "{line:?}");
    }
}
