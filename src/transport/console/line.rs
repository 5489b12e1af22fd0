//! The lines of a device's console, without a port: formats a request, and finds the answer in the
//! output of the board, which also has the echo, log lines, colors and a boot banner. `exchange.rs`
//! sends and waits.
//!
//! Source: `protocomm_console.c`. A request is `<endpoint> <session> <hex>` and CR. The answer is
//! an empty line and a line of lower-case hex; a refusal is a prompt without an answer.

mod echo;
mod text;

use zeroize::Zeroizing;

use self::echo::Echo;
use self::text::TextByte;
pub(super) use self::text::TextDecoder;

/// The prompt of a device that waits for a request.
pub(super) const PROMPT: &[u8] = b">> ";
/// The maximum for a request without its CR. The device's buffer has 256 bytes, and older versions
/// overflow at the last one.
pub(super) const MAX_REQUEST_BYTES: usize = 254;

/// Formats a request as it is typed, without the final CR. `None` if it is longer than the device's
/// buffer.
pub(super) fn format_request(
    endpoint: &str,
    session: u16,
    bytes: &[u8],
) -> Option<Zeroizing<String>> {
    let digits = Zeroizing::new(hex::encode(bytes));
    let line = Zeroizing::new(format!("{endpoint} {session} {}", *digits));
    (line.len() <= MAX_REQUEST_BYTES).then_some(line)
}

/// The reply that was found in the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The device's answer.
    Answer(Vec<u8>),
    /// The next prompt without an answer: the device refused the request.
    Refusal,
    /// Another task printed into the answer, and the missing part is unknown.
    Garbled,
}

/// Output after which no answer can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The board restarts.
    Restarted,
    /// The prompt of another program.
    OtherConsole,
    /// Bytes that consoles do not print.
    Binary,
}

/// Reads a device's output, byte by byte. Its debug form is opaque, because the request may contain a
/// passphrase in plain text.
#[derive(derive_more::Debug)]
#[debug("Output")]
pub(super) struct Output {
    echo: Echo,
    text: TextDecoder,
    /// The current line without colors.
    line: Zeroizing<Vec<u8>>,
    /// How many line feeds preceded the current line, and how many came since.
    feeds_before_line: usize,
    line_feeds: usize,
    parts: AnswerParts,
    stage: EchoStage,
    /// The problem that the output showed.
    trouble: Option<Trouble>,
}

/// The lines that may be the answer, or parts of it.
#[derive(Default)]
struct AnswerParts {
    /// A line of bare hex after an empty line, as firmware prints an answer.
    answer: Option<Zeroizing<Vec<u8>>>,
    /// Whether such a line contains something else.
    is_broken: bool,
    /// Whether there is a line of bare hex without an empty line before it: other output, or the
    /// rest of an answer.
    has_rest: bool,
}

/// How much of the request is sent and echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EchoStage {
    /// Part of the request is not sent.
    Typing,
    /// The whole request is sent, with its CR.
    Sent,
    /// A prompt arrived without a recognizable echo. It may be an older one.
    PromptUncertain,
    /// The whole request was echoed: the next prompt ends the reply.
    Echoed,
}

impl Output {
    /// Reads the output that follows this request.
    pub(super) fn for_request(request: &str) -> Self {
        Self {
            echo: Echo::new(request),
            text: TextDecoder::default(),
            line: Zeroizing::default(),
            feeds_before_line: 0,
            line_feeds: 0,
            parts: AnswerParts::default(),
            stage: EchoStage::Typing,
            trouble: None,
        }
    }

    /// The number of echoed bytes: the device has read them, so more can be sent.
    pub(super) fn echoed(&self) -> usize {
        self.echo.echoed_length(&self.line)
    }

    /// Assumes that the device has read `sent` bytes, although their echo was not recognized.
    pub(super) fn assume_echoed(&mut self, sent: usize) {
        self.echo.assume_echoed(sent);
    }

    /// Records that the whole request is sent.
    pub(super) fn mark_sent(&mut self) {
        if self.stage == EchoStage::Typing {
            self.stage = EchoStage::Sent;
        }
    }

    /// Whether a prompt arrived that ends the reply, unless more output follows soon.
    pub(super) fn is_prompt_uncertain(&self) -> bool {
        self.stage == EchoStage::PromptUncertain
    }

    /// Returns the reply, once no more output follows.
    pub(super) fn finish(&mut self) -> Reply {
        match std::mem::take(&mut self.parts) {
            parts if parts.is_broken => Reply::Garbled,
            AnswerParts {
                answer: Some(answer),
                ..
            } => Reply::Answer(answer.to_vec()),
            parts if parts.has_rest => Reply::Garbled,
            _ => Reply::Refusal,
        }
    }

    /// Reads more output. Returns the reply once the next prompt ends it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<Reply> {
        for &byte in bytes {
            if self.read_byte(byte) {
                return Some(self.finish());
            }
        }
        None
    }

    /// The problem that the output shows. The caller asks when no reply arrives in time.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        match self.trouble {
            Some(Trouble::Restarted) => Some(Trouble::Restarted),
            _ if self.text.is_binary() => Some(Trouble::Binary),
            _ if is_other_prompt(&self.line) => Some(Trouble::OtherConsole),
            trouble => trouble,
        }
    }

    /// Reads a byte. Returns whether it completes the prompt that ends the reply.
    fn read_byte(&mut self, byte: u8) -> bool {
        match self.text.read(byte) {
            TextByte::Nothing => return false,
            TextByte::CarriageReturn => self.end_line(),
            TextByte::LineFeed => {
                self.end_line();
                self.line_feeds += 1;
            }
            TextByte::Text(byte) => {
                if self.line.is_empty() {
                    self.feeds_before_line = std::mem::take(&mut self.line_feeds);
                }
                self.line.push(byte);
                if self.line.len() > MAX_LINE_BYTES {
                    self.parts.is_broken |= self.line.iter().copied().all(is_digit);
                    self.line.clear();
                }
            }
        }
        if self.line.as_slice() != PROMPT {
            return false;
        }
        if self.stage == EchoStage::Sent {
            self.stage = EchoStage::PromptUncertain;
        }
        self.stage == EchoStage::Echoed
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
        if self.stage != EchoStage::Echoed {
            if self.echo.ends_with(&line, PROMPT) {
                self.stage = EchoStage::Echoed;
                // Lines that looked like an answer came before the echo, or were part of it.
                self.parts = AnswerParts::default();
                return;
            }
            if self.echo.may_contain(&line) {
                return;
            }
        }
        let follows_empty_line = self.feeds_before_line >= 2;
        let digits = line.iter().take_while(|byte| is_digit(**byte)).count();
        match decode_hex(&line) {
            Some(bytes) if follows_empty_line => {
                let bytes = Zeroizing::new(bytes);
                let answer = self.parts.answer.get_or_insert_with(|| bytes.clone());
                // The answer cannot be distinguished from the other line.
                self.parts.is_broken |= *answer != bytes;
            }
            Some(_) => {
                // After an answer this is its rest: output of bare digits interrupted it.
                self.parts.is_broken |= self.parts.answer.is_some();
                self.parts.has_rest = true;
            }
            None => self.parts.is_broken |= follows_empty_line && digits >= 2,
        }
    }
}

/// Decodes a line that consists of lower-case hex.
fn decode_hex(line: &[u8]) -> Option<Vec<u8>> {
    let is_hex = !line.is_empty() && line.iter().copied().all(is_digit);
    is_hex.then(|| hex::decode(line).ok()).flatten()
}

const fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

/// Whether the line is from the boot ROM of any ESP32 chip.
fn is_banner(line: &[u8]) -> bool {
    let contains = |text: &[u8]| line.windows(text.len()).any(|part| part == text);
    line.starts_with(b"ets ") || line.starts_with(b"ESP-ROM:") || contains(b"rst:0x")
}

/// Whether the line is the prompt of another console, such as `esp32> ` or `>>> `.
fn is_other_prompt(line: &[u8]) -> bool {
    let endings = [&b"> "[..], b"$ ", b"# "];
    // A shorter one may be the rest of protocomm's prompt.
    line.len() > PROMPT.len()
        && line.len() <= MAX_PROMPT_BYTES
        && !line.starts_with(PROMPT)
        && endings.iter().any(|end| line.ends_with(end))
        && !line.trim_ascii_end().contains(&b' ')
}

/// Whether the line is `esp_console`'s message for an unknown command.
fn is_unknown_command(line: &[u8]) -> bool {
    line.starts_with(b"Unrecognized command") || line.starts_with(b"Command not found")
}

/// Longer lines are not an answer: the longest answer has 4096 bytes, with two digits each.
const MAX_LINE_BYTES: usize = 8192;
/// The maximum for another console's prompt.
const MAX_PROMPT_BYTES: usize = 32;
#[cfg(test)]
mod tests;
