//! Decodes the bytes of a serial line as text: drops color sequences, and counts bytes that
//! consoles do not print.

/// One decoded byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport::console) enum Read {
    /// A byte of the line's text.
    Text(u8),
    CarriageReturn,
    LineFeed,
    /// Part of a color sequence.
    Nothing,
}

/// Decodes one byte after the other.
#[derive(Debug, Default)]
pub(in crate::transport::console) struct Text {
    escape: Escape,
    /// How many bytes of the current UTF-8 character are missing.
    to_come: u8,
    bytes: usize,
    odd: usize,
}

/// The position in a color sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    No,
    Began,
    Inside,
}

impl Text {
    pub(in crate::transport::console) fn read(&mut self, byte: u8) -> Read {
        self.bytes += 1;
        match (self.escape, byte) {
            (_, b'\r') => {
                self.escape = Escape::No;
                Read::CarriageReturn
            }
            (_, b'\n') => {
                self.escape = Escape::No;
                Read::LineFeed
            }
            (_, 0x1b) => {
                self.escape = Escape::Began;
                Read::Nothing
            }
            (Escape::Began, b'[') => {
                self.escape = Escape::Inside;
                Read::Nothing
            }
            // A letter ends a sequence.
            (Escape::Began, _) | (Escape::Inside, b'@'..=b'~') => {
                self.escape = Escape::No;
                Read::Nothing
            }
            (Escape::Inside, _) => Read::Nothing,
            (Escape::No, byte) => {
                if !self.is_text(byte) {
                    self.odd += 1;
                }
                Read::Text(byte)
            }
        }
    }

    /// Whether more than a quarter of the bytes are not console output.
    pub(in crate::transport::console) fn is_binary(&self) -> bool {
        self.bytes >= ENOUGH && self.odd * 4 > self.bytes
    }

    fn is_text(&mut self, byte: u8) -> bool {
        match byte {
            0x80..=0xbf if self.to_come > 0 => {
                self.to_come -= 1;
                return true;
            }
            0xc2..=0xdf => self.to_come = 1,
            0xe0..=0xef => self.to_come = 2,
            0xf0..=0xf4 => self.to_come = 3,
            _ => {
                self.to_come = 0;
                return matches!(byte, b' '..=b'~' | b'\t' | 0x08);
            }
        }
        true
    }
}

/// The fewest bytes that distinguish binary data from a single transmission error.
const ENOUGH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn is_binary(bytes: &[u8]) -> bool {
        let mut text = Text::default();
        for byte in bytes {
            text.read(*byte);
        }
        text.is_binary()
    }

    #[test]
    fn noise_is_binary_and_text_of_any_language_is_not() {
        assert!(is_binary(&[0x80; ENOUGH]));
        assert!(!is_binary(&[0x80; ENOUGH - 1]));
        assert!(!is_binary("grün 電 😀 ".repeat(20).as_bytes()));
        assert!(!is_binary(&b"\x1b[0;32mI (1) a\x1b[0m\r\n".repeat(20)));
        // Binary means more than a quarter.
        let mixed = |odd: usize| [vec![0xff; odd], vec![b' '; ENOUGH - odd]].concat();
        assert!(!is_binary(&mixed(ENOUGH / 4)));
        assert!(is_binary(&mixed(ENOUGH / 4 + 1)));
    }
}
