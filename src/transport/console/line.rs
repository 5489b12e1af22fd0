//! The lines of a device's console, without a port: the request as it is typed, and the answer found
//! among what a board prints: the echo of the request, log lines, colours, a boot banner. Sending
//! and waiting are `exchange.rs`'s.
//!
//! Source: `protocomm_console.c`. A request is `<endpoint> <session> <hex>` and CR; the answer is a
//! line of lower-case hex, and a refusal is none before the next prompt.

use crate::ident::{decode_hex, encode_hex};

/// What a device prints when it waits for a request.
pub(super) const PROMPT: &[u8] = b">> ";
/// Of a request without its CR: the buffer has 256 bytes, and older versions overflow at the last.
pub(super) const LONGEST_REQUEST: usize = 254;

/// A request as it is typed, without the CR at its end. `None`: it is longer than the device's
/// buffer.
pub(super) fn request(endpoint: &str, session: u16, bytes: &[u8]) -> Option<String> {
    let line = format!("{endpoint} {session} {}", encode_hex(bytes));
    (line.len() <= LONGEST_REQUEST).then_some(line)
}

/// What was found in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The device's answer.
    Answer(Vec<u8>),
    /// The next prompt, and no answer before it: how the device says no.
    Refusal,
    /// An answer that another task printed into: which part of it is missing cannot be told.
    Garbled,
}

/// What the output shows that no answer can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The board starts anew.
    Restarted,
    /// Another program's prompt.
    OtherConsole,
    /// Bytes that no console prints.
    Binary,
}

/// Reads a device's output, byte by byte.
#[derive(Debug)]
pub(super) struct Output {
    /// The request whose echo is to come, and how much of it has.
    sent: Vec<u8>,
    echoed: usize,
    presumed: usize,
    /// The line that is not at its end yet, without colours.
    line: Vec<u8>,
    escape: Escape,
    /// The last line of bare hex after the echo, and before it.
    answer: Option<Vec<u8>>,
    doubtful: Option<Vec<u8>>,
    /// Whether a log line began within the digits of an answer.
    is_garbled: bool,
    stage: Stage,
    /// Of the bytes so far, and of those no console would print.
    bytes: usize,
    odd: usize,
    /// What was seen of these.
    trouble: Option<Trouble>,
}

/// How far the request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Some of it has not left.
    Typing,
    /// All of it has, its CR included.
    Sent,
    /// A prompt came, and no echo that could be told from what others print. It may be an older
    /// one.
    Unsure,
    /// All of it was echoed: the next prompt is the end.
    Echoed,
}

/// Where in a colour sequence the output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escape {
    No,
    Began,
    Inside,
}

impl Output {
    /// Nothing was sent yet: only prompts are of interest.
    pub(super) fn new() -> Self {
        Self::after("")
    }

    /// What follows this request.
    pub(super) fn after(request: &str) -> Self {
        Self {
            sent: request.as_bytes().to_vec(),
            echoed: 0,
            presumed: 0,
            line: Vec::new(),
            escape: Escape::No,
            answer: None,
            doubtful: None,
            is_garbled: false,
            stage: if request.is_empty() {
                Stage::Echoed
            } else {
                Stage::Typing
            },
            bytes: 0,
            odd: 0,
            trouble: None,
        }
    }

    /// How much of the request has been echoed: more may be sent.
    pub(super) fn echoed(&self) -> usize {
        self.presumed.max(self.echoed + self.echo_in(&self.line))
    }

    /// So much has surely been taken by now, though its echo was not seen as such.
    pub(super) fn presume(&mut self, sent: usize) {
        self.presumed = sent;
    }

    /// All of the request has left.
    pub(super) fn sent(&mut self) {
        if self.stage == Stage::Typing {
            self.stage = Stage::Sent;
        }
    }

    /// Whether a prompt came that is the end unless more follows soon.
    pub(super) fn is_unsure(&self) -> bool {
        self.stage == Stage::Unsure
    }

    /// What was found, now that nothing more follows.
    pub(super) fn conclude(&mut self) -> Found {
        if self.is_garbled {
            return Found::Garbled;
        }
        let answer = self.answer.take().or_else(|| self.doubtful.take());
        answer.map_or(Found::Refusal, Found::Answer)
    }

    /// Takes what was printed; the answer, or that there is none, once the next prompt is there.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<Found> {
        for &byte in bytes {
            if self.byte(byte) {
                return Some(self.conclude());
            }
        }
        None
    }

    /// What is wrong, if anything. Where a request was sent, it is asked when nothing was found.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        let is_binary = self.bytes >= ENOUGH && self.odd * 4 > self.bytes;
        match self.trouble {
            Some(Trouble::Restarted) => Some(Trouble::Restarted),
            _ if is_binary => Some(Trouble::Binary),
            _ if is_other_prompt(&self.line) => Some(Trouble::OtherConsole),
            seen => seen,
        }
    }

    /// Takes one; whether it completes the prompt that is the end of this request.
    fn byte(&mut self, byte: u8) -> bool {
        self.bytes += 1;
        match (self.escape, byte) {
            (_, 0x1b) => self.escape = Escape::Began,
            (Escape::Began, b'[') => self.escape = Escape::Inside,
            (Escape::Began, _) => self.escape = Escape::No,
            // A sequence ends with a letter; a line's end is never part of one.
            (Escape::Inside, b'@'..=b'~' | b'\r' | b'\n') => {
                self.escape = Escape::No;
                if matches!(byte, b'\r' | b'\n') {
                    self.end_line();
                }
            }
            (Escape::Inside, _) => {}
            (Escape::No, b'\r' | b'\n') => self.end_line(),
            (Escape::No, byte) => {
                if !matches!(byte, b' '..=b'~' | b'\t' | 0x08) {
                    self.odd += 1;
                }
                self.line.push(byte);
                if self.line.len() > LONGEST_LINE {
                    self.is_garbled |=
                        self.stage == Stage::Echoed && self.line.iter().copied().all(is_digit);
                    self.line.clear();
                }
                if self.line == PROMPT {
                    if self.stage == Stage::Sent {
                        self.stage = Stage::Unsure;
                    }
                    return self.stage == Stage::Echoed;
                }
            }
        }
        false
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return;
        }
        if is_banner(&line) {
            self.trouble = Some(Trouble::Restarted);
        }
        if is_other_prompt(&line) || is_unknown_command(&line) {
            self.trouble.get_or_insert(Trouble::OtherConsole);
        }
        if self.stage != Stage::Echoed {
            self.echoed += self.echo_in(&line);
            if self.echoed == self.sent.len() {
                self.stage = Stage::Echoed;
                // What looked like an answer was before it, or part of it.
                self.doubtful = None;
                return;
            }
        }
        let Some(bytes) = hex(&line) else {
            self.is_garbled |= self.stage == Stage::Echoed && is_log_within_hex(&line);
            return;
        };
        if self.stage == Stage::Echoed {
            self.answer = Some(bytes);
        } else if !is_part_of(&line, &self.sent) {
            self.doubtful = Some(bytes);
        }
    }

    /// How far this line goes on with the echo: others print between its parts, and end what they
    /// print with the line. In front of the first part is the prompt.
    fn echo_in(&self, line: &[u8]) -> usize {
        let line = line.strip_prefix(PROMPT).unwrap_or(line);
        let left = self.sent.get(self.echoed..).unwrap_or_default();
        left.iter()
            .zip(line)
            .take_while(|(sent, shown)| sent == shown)
            .count()
    }
}

/// A line that consists of bytes in lower-case hex.
fn hex(line: &[u8]) -> Option<Vec<u8>> {
    if line.is_empty() || !line.len().is_multiple_of(2) {
        return None;
    }
    let text = str::from_utf8(line).ok()?;
    text.bytes()
        .all(is_digit)
        .then(|| decode_hex(text))
        .flatten()
}

const fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// `0a0bI (1234) wifi: …`: firmware prints an answer digit by digit, and another task came between.
fn is_log_within_hex(line: &[u8]) -> bool {
    let digits = line.iter().take_while(|byte| is_digit(**byte)).count();
    let log = line.get(digits..).unwrap_or_default();
    digits >= 2 && matches!(log, [b'E' | b'W' | b'I' | b'D' | b'V', b' ', b'(', ..])
}

/// Whether this line could be a part of the request: its echo, broken by others' lines.
fn is_part_of(line: &[u8], sent: &[u8]) -> bool {
    sent.windows(line.len()).any(|part| part == line)
}

/// What the first stage of an ESP32's start prints, whichever chip it is.
fn is_banner(line: &[u8]) -> bool {
    let holds = |text: &[u8]| line.windows(text.len()).any(|part| part == text);
    line.starts_with(b"ets ") || line.starts_with(b"ESP-ROM:") || holds(b"rst:0x")
}

/// `esp32> `, `>>> ` and their like, at which a console waits that is not protocomm's.
fn is_other_prompt(line: &[u8]) -> bool {
    let waits = [&b"> "[..], b"$ ", b"# "];
    line.len() <= LONGEST_PROMPT
        && !line.starts_with(PROMPT)
        && waits.iter().any(|end| line.ends_with(end))
        && !line.trim_ascii_end().contains(&b' ')
}

/// What `esp_console` says of a word that it does not know.
fn is_unknown_command(line: &[u8]) -> bool {
    line.starts_with(b"Unrecognized command") || line.starts_with(b"Command not found")
}

/// Longer ones hold no answer: the longest one, of 4096 bytes, has twice as many digits.
const LONGEST_LINE: usize = 8192;
/// Of somebody else's.
const LONGEST_PROMPT: usize = 32;
/// To tell noise from a byte that was spoilt on the way.
const ENOUGH: usize = 64;
#[cfg(test)]
mod tests;
