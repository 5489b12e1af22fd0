//! What can be on a serial line in place of protocomm: an application's console, another speed, nothing
//! at all. Just enough of each to be met.

use std::time::Duration;

use tokio::time::Instant;

use super::trouble::ConsoleTrouble;

/// Something else.
pub(super) struct Stranger {
    kind: ConsoleTrouble,
    /// When it next prints of itself.
    next: Option<Instant>,
    /// Whether the line has anything in it.
    is_begun: bool,
    garbage: u8,
}

impl Stranger {
    pub(super) fn new(kind: ConsoleTrouble, now: Instant) -> Self {
        Self {
            kind,
            next: (kind != ConsoleTrouble::Silent).then_some(now),
            is_begun: false,
            garbage: 0,
        }
    }

    pub(super) fn next_turn(&self) -> Option<Instant> {
        self.next
    }

    /// What it prints by now, having been sent this.
    pub(super) fn print(&mut self, now: Instant, heard: &[u8]) -> Vec<u8> {
        let is_due = self.next.is_some_and(|at| at <= now);
        match self.kind {
            ConsoleTrouble::Binary => {
                let count = if is_due { BURST } else { 0 };
                if is_due {
                    self.next = Some(now + PAUSE);
                }
                (0..count.saturating_add(heard.len()))
                    .map(|_| self.garbled())
                    .collect()
            }
            ConsoleTrouble::Repl => {
                let mut printed = Vec::new();
                if is_due {
                    self.next = None;
                    printed.extend(PROMPT);
                }
                for byte in heard {
                    self.type_into(*byte, &mut printed);
                }
                printed
            }
            _ => Vec::new(),
        }
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
