//! The finder against what boards print, and against noise.

use super::*;

/// Everything that a device prints for a request, byte by byte.
fn read(request: &str, output: &[u8]) -> Option<Found> {
    let mut reader = Output::after(request);
    reader.sent();
    let mut found = None;
    for byte in output {
        found = reader.take(&[*byte]);
        if found.is_some() {
            break;
        }
    }
    found
}

fn answer(hex_digits: &str) -> Option<Found> {
    Some(Found::Answer(hex(hex_digits.as_bytes()).unwrap()))
}

#[test]
fn a_reply_is_found_after_its_echo() {
    let request = "prov-session 1 10015a25";
    for output in [
        "prov-session 1 10015a25\r\n\r\n10015a39\r\n\r\n>> ",
        "prov-session 1 10015a25\r\n\r\r\n10015a39\r\r\n\r\n>> ",
        "prov-session 1 10015a25\r\n\x1b[0;32mI (1) wifi: up\x1b[0m\r\n10015a39\r\n\n>> ",
        // Broken by others, twice.
        "prov-I (1) wifi: up\r\nsession 1 10W (2) x: y\r\n015a25\r\n\r\n10015a39\r\n\n>> ",
        // The last one is the answer.
        "prov-session 1 10015a25\r\nabcd\r\n10015a39\r\n\n>> ",
    ] {
        assert_eq!(read(request, output.as_bytes()), answer("10015a39"), "{output}");
    }
}

#[test]
fn a_prompt_without_a_reply_is_a_refusal() {
    for output in [
        "ch_resp 1 00\r\n\r\n>> ",
        "ch_resp 1 00\r\nE (1) protocomm: no handler\r\n\r\n>> ",
        "ch_resp 1 00\r\nI (5) sec1: 00 11 22 33\r\n\r\n>> I (7) wifi: x",
    ] {
        assert_eq!(read("ch_resp 1 00", output.as_bytes()), Some(Found::Refusal), "{output}");
    }
    // An echo that is broken looks like hex, and is no answer.
    let output = b"ch_resp 1 0I (1) x: y\r\n0a0b0c\r\n\r\n>> ";
    assert_eq!(read("ch_resp 1 00a0b0c", output), Some(Found::Refusal));
}

#[test]
fn before_the_prompt_nothing_is_known() {
    let output = b"ch_resp 1 00\r\n\r\n0a0b\r\n";
    assert_eq!(read("ch_resp 1 00", output), None);
    let half = b"ch_resp 1 00\r\n\r\n0a0b\r\n\r\n>>";
    assert_eq!(read("ch_resp 1 00", half), None);
}
