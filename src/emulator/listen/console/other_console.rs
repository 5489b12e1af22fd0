//! A serial line without protocomm: an application's console, another speed, or silence. Each has just
//! enough for a client to recognize it.

use std::time::Duration;

use tokio::time::Instant;

use super::settings::ConsoleTrouble;

/// A line without protocomm.
pub(super) struct OtherConsole {
    kind: ConsoleTrouble,
    /// When it next prints without input.
    due_at: Option<Instant>,
    /// Whether the line contains characters.
    has_input: bool,
    garbage: u8,
}

impl OtherConsole {
    /// Creates the first of its troubles in the list, if there is one.
    pub(super) fn find(troubles: &[ConsoleTrouble], now: Instant) -> Option<Self> {
        use ConsoleTrouble::{Binary, Repl, Silent};
        let kind = *troubles
            .iter()
            .find(|trouble| matches!(trouble, Binary | Repl | Silent))?;
        Some(Self {
            kind,
            due_at: (kind != Silent).then_some(now),
            has_input: false,
            garbage: 0,
        })
    }

    pub(super) fn next_due_at(&self) -> Option<Instant> {
        self.due_at
    }

    /// Returns its output until now, after this input.
    pub(super) fn print(&mut self, now: Instant, typed: &[u8]) -> Vec<u8> {
        let is_due = self.due_at.is_some_and(|at| at <= now);
        let mut printed = Vec::new();
        match self.kind {
            ConsoleTrouble::Binary => {
                let mut count = typed.len();
                if is_due {
                    self.due_at = Some(now + BURST_INTERVAL);
                    count = count.saturating_add(BURST_LENGTH);
                }
                printed.extend((0..count).map(|_| self.next_garbage()));
            }
            ConsoleTrouble::Repl => {
                if is_due {
                    self.due_at = None;
                    printed.extend(PROMPT);
                }
                for byte in typed {
                    if !matches!(byte, b'\r' | b'\n') {
                        self.has_input = true;
                        printed.push(*byte);
                        continue;
                    }
                    printed.extend(b"\r\n");
                    if std::mem::take(&mut self.has_input) {
                        printed.extend(b"Unrecognized command\r\n");
                    }
                    printed.extend(PROMPT);
                }
            }
            _ => {}
        }
        printed
    }

    /// A byte that is not text in any encoding: with a high bit, or NUL.
    fn next_garbage(&mut self) -> u8 {
        self.garbage = self.garbage.wrapping_mul(29).wrapping_add(71);
        if self.garbage.is_multiple_of(5) {
            0
        } else {
            self.garbage | 0x80
        }
    }
}

/// The prompt of `esp_console`, which has the name of the chip.
const PROMPT: &[u8] = b"esp32> ";
const BURST_LENGTH: usize = 24;
const BURST_INTERVAL: Duration = Duration::from_millis(100);
