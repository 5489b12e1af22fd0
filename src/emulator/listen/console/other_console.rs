//! What can be on a serial line instead of protocomm: an application's console, another speed, nothing
//! at all. Just enough of each for a client to recognize it.

use std::time::Duration;

use tokio::time::Instant;

use super::settings::ConsoleTrouble;

/// A line without protocomm.
pub(super) struct OtherConsole {
    kind: ConsoleTrouble,
    /// When it next prints by itself.
    next: Option<Instant>,
    /// Whether the line has anything in it.
    is_begun: bool,
    garbage: u8,
}

impl OtherConsole {
    /// The first one among these troubles, if there is one.
    pub(super) fn among(troubles: &[ConsoleTrouble], now: Instant) -> Option<Self> {
        use ConsoleTrouble::{Binary, Repl, Silent};
        let kind = *troubles
            .iter()
            .find(|trouble| matches!(trouble, Binary | Repl | Silent))?;
        Some(Self {
            kind,
            next: (kind != Silent).then_some(now),
            is_begun: false,
            garbage: 0,
        })
    }

    pub(super) fn next_turn(&self) -> Option<Instant> {
        self.next
    }

    /// What it prints by now, after these bytes were typed.
    pub(super) fn print(&mut self, now: Instant, typed: &[u8]) -> Vec<u8> {
        let is_due = self.next.is_some_and(|at| at <= now);
        let mut printed = Vec::new();
        match self.kind {
            ConsoleTrouble::Binary => {
                let mut count = typed.len();
                if is_due {
                    self.next = Some(now + PAUSE);
                    count = count.saturating_add(BURST);
                }
                printed.extend((0..count).map(|_| self.garbled()));
            }
            ConsoleTrouble::Repl => {
                if is_due {
                    self.next = None;
                    printed.extend(PROMPT);
                }
                for byte in typed {
                    self.type_into(*byte, &mut printed);
                }
            }
            _ => {}
        }
        printed
    }

    fn type_into(&mut self, byte: u8, printed: &mut Vec<u8>) {
        match byte {
            b'\r' | b'\n' => {
                printed.extend(b"\r\n");
                if self.is_begun {
                    printed.extend(b"Unrecognized command\r\n");
                }
                self.is_begun = false;
                printed.extend(PROMPT);
            }
            other => {
                self.is_begun = true;
                printed.push(other);
            }
        }
    }

    /// No text in any encoding: high bits and NULs.
    fn garbled(&mut self) -> u8 {
        self.garbage = self.garbage.wrapping_mul(29).wrapping_add(71);
        if self.garbage.is_multiple_of(5) {
            0
        } else {
            self.garbage | 0x80
        }
    }
}

/// `esp_console`'s, on the chip after which it is named.
const PROMPT: &[u8] = b"esp32> ";
const BURST: usize = 24;
const PAUSE: Duration = Duration::from_millis(100);
