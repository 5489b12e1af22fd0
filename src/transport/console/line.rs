//! The lines of a device's console, without a port: the request as it is typed, and the answer found
//! among what a board prints: the echo of the request, log lines, colours, a boot banner. Sending
//! and waiting are `exchange.rs`'s.
//!
//! Source: `protocomm_console.c`. A request is `<endpoint> <session> <hex>` and CR; the answer is an
//! empty line and one of lower-case hex, and a refusal is none before the next prompt.

mod echo;
mod text;

use std::fmt;

use zeroize::Zeroizing;

use self::echo::Echo;
use self::text::Read;
pub(super) use self::text::Text;

/// What a device prints when it waits for a request.
pub(super) const PROMPT: &[u8] = b">> ";
/// Of a request without its CR: the buffer has 256 bytes, and older versions overflow at the last.
pub(super) const LONGEST_REQUEST: usize = 254;

/// A request as it is typed, without the CR at its end. `None`: it is longer than the device's
/// buffer.
pub(super) fn request(endpoint: &str, session: u16, bytes: &[u8]) -> Option<Zeroizing<String>> {
    let digits = Zeroizing::new(hex::encode(bytes));
    let line = Zeroizing::new(format!("{endpoint} {session} {}", *digits));
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
pub(super) struct Output {
    echo: Echo,
    text: Text,
    /// The line that is not at its end yet, without colours.
    line: Zeroizing<Vec<u8>>,
    /// How many lines ended since something was printed, before this line and now.
    before: usize,
    line_feeds: usize,
    seen: Seen,
    stage: Stage,
    /// What was seen of these.
    trouble: Option<Trouble>,
}

/// What could be the answer, or parts of it.
#[derive(Default)]
struct Seen {
    /// A line of bare hex behind an empty line: what firmware prints.
    answer: Option<Zeroizing<Vec<u8>>>,
    /// Such a line has something else in it.
    is_broken: bool,
    /// A line of bare hex that is not behind an empty one: another's, or the rest of an answer.
    has_rest: bool,
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

impl Output {
    /// What follows this request.
    pub(super) fn after(request: &str) -> Self {
        Self {
            echo: Echo::of(request),
            text: Text::default(),
            line: Zeroizing::default(),
            before: 0,
            line_feeds: 0,
            seen: Seen::default(),
            stage: Stage::Typing,
            trouble: None,
        }
    }

    /// How much of the request has been echoed: more may be sent.
    pub(super) fn echoed(&self) -> usize {
        self.echo.length(&self.line)
    }

    /// So much has surely been taken by now, though its echo was not seen as such.
    pub(super) fn presume(&mut self, sent: usize) {
        self.echo.presume(sent);
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
        match std::mem::take(&mut self.seen) {
            seen if seen.is_broken => Found::Garbled,
            Seen {
                answer: Some(answer),
                ..
            } => Found::Answer(answer.to_vec()),
            seen if seen.has_rest => Found::Garbled,
            _ => Found::Refusal,
        }
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
        match self.trouble {
            Some(Trouble::Restarted) => Some(Trouble::Restarted),
            _ if self.text.is_binary() => Some(Trouble::Binary),
            _ if is_other_prompt(&self.line) => Some(Trouble::OtherConsole),
            seen => seen,
        }
    }

    /// Takes one; whether it completes the prompt that is the end of this request.
    fn byte(&mut self, byte: u8) -> bool {
        match self.text.read(byte) {
            Read::Nothing => return false,
            Read::CarriageReturn => self.end_line(),
            Read::LineFeed => {
                self.end_line();
                self.line_feeds += 1;
            }
            Read::Text(byte) => {
                if self.line.is_empty() {
                    self.before = std::mem::take(&mut self.line_feeds);
                }
                self.line.push(byte);
                if self.line.len() > LONGEST_LINE {
                    self.seen.is_broken |= self.line.iter().copied().all(is_digit);
                    self.line.clear();
                }
            }
        }
        if self.line.as_slice() != PROMPT {
            return false;
        }
        if self.stage == Stage::Sent {
            self.stage = Stage::Unsure;
        }
        self.stage == Stage::Echoed
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
            if self.echo.ends_with(&line, PROMPT) {
                self.stage = Stage::Echoed;
                // What looked like an answer was before it, or part of it.
                self.seen = Seen::default();
                return;
            }
            if self.echo.may_hold(&line) {
                return;
            }
        }
        let is_behind_an_empty_line = self.before >= 2;
        let digits = line.iter().take_while(|byte| is_digit(**byte)).count();
        match hex(&line) {
            Some(bytes) if is_behind_an_empty_line => {
                let bytes = Zeroizing::new(bytes);
                let answer = self.seen.answer.get_or_insert_with(|| bytes.clone());
                // Which of two is the answer cannot be told.
                self.seen.is_broken |= *answer != bytes;
            }
            Some(_) => {
                // Behind an answer it is the rest of that: something of bare digits broke into it.
                self.seen.is_broken |= self.seen.answer.is_some();
                self.seen.has_rest = true;
            }
            None => self.seen.is_broken |= is_behind_an_empty_line && digits >= 2,
        }
    }
}

/// What is typed may be a passphrase, without keys.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Output")
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
        .then(|| hex::decode(text).ok())
        .flatten()
}

const fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// What the first stage of an ESP32's start prints, whichever chip it is.
fn is_banner(line: &[u8]) -> bool {
    let holds = |text: &[u8]| line.windows(text.len()).any(|part| part == text);
    line.starts_with(b"ets ") || line.starts_with(b"ESP-ROM:") || holds(b"rst:0x")
}

/// `esp32> `, `>>> ` and their like, at which a console waits that is not protocomm's.
fn is_other_prompt(line: &[u8]) -> bool {
    let waits = [&b"> "[..], b"$ ", b"# "];
    // By itself that may be what is left of ours.
    line.len() > PROMPT.len()
        && line.len() <= LONGEST_PROMPT
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
#[cfg(test)]
mod tests;
