//! Decodes the bytes of a serial line as text: drops color sequences, and counts bytes that
//! consoles do not print.

/// One decoded byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport::console) enum TextByte {
    /// A byte of the line's text.
    Text(u8),
    CarriageReturn,
    LineFeed,
    /// Part of a color sequence.
    Nothing,
}

/// Decodes one byte after the other.
#[derive(Debug, Default)]
pub(in crate::transport::console) struct TextDecoder {
    escape: Escape,
    /// How many bytes of the current UTF-8 character are missing.
    missing: u8,
    bytes: usize,
    unprintable: usize,
}

/// The position in a color sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Escape {
    #[default]
    Outside,
    Began,
    Inside,
}

impl TextDecoder {
    pub(in crate::transport::console) fn read(&mut self, byte: u8) -> TextByte {
        self.bytes += 1;
        match (self.escape, byte) {
            (_, b'\r') => {
                self.escape = Escape::Outside;
                TextByte::CarriageReturn
            }
            (_, b'\n') => {
                self.escape = Escape::Outside;
                TextByte::LineFeed
            }
            (_, 0x1b) => {
                self.escape = Escape::Began;
                TextByte::Nothing
            }
            (Escape::Began, b'[') => {
                self.escape = Escape::Inside;
                TextByte::Nothing
            }
            // A letter ends a sequence.
            (Escape::Began, _) | (Escape::Inside, b'@'..=b'~') => {
                self.escape = Escape::Outside;
                TextByte::Nothing
            }
            (Escape::Inside, _) => TextByte::Nothing,
            (Escape::Outside, byte) => {
                if !self.is_text(byte) {
                    self.unprintable += 1;
                }
                TextByte::Text(byte)
            }
        }
    }

    /// Whether more than a quarter of the bytes are not console output.
    pub(in crate::transport::console) fn is_binary(&self) -> bool {
        self.bytes >= MIN_BYTES && self.unprintable * 4 > self.bytes
    }

    fn is_text(&mut self, byte: u8) -> bool {
        match byte {
            0x80..=0xbf if self.missing > 0 => {
                self.missing -= 1;
                return true;
            }
            0xc2..=0xdf => self.missing = 1,
            0xe0..=0xef => self.missing = 2,
            0xf0..=0xf4 => self.missing = 3,
            _ => {
                self.missing = 0;
                return matches!(byte, b' '..=b'~' | b'\t' | 0x08);
            }
        }
        true
    }
}

/// The fewest bytes that distinguish binary data from a single transmission error.
const MIN_BYTES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn is_binary(bytes: &[u8]) -> bool {
        let mut text = TextDecoder::default();
        for byte in bytes {
            text.read(*byte);
        }
        text.is_binary()
    }

    #[test]
    fn distinguishes_binary_data_from_text() {
        assert!(is_binary(&[0x80; MIN_BYTES]));
        assert!(!is_binary(&[0x80; MIN_BYTES - 1]));
        assert!(!is_binary("grün 電 😀 ".repeat(20).as_bytes()));
        assert!(!is_binary(&b"\x1b[0;32mI (1) a\x1b[0m\r\n".repeat(20)));
        // Binary means more than a quarter.
        let mixed = |odd: usize| [vec![0xff; odd], vec![b' '; MIN_BYTES - odd]].concat();
        assert!(!is_binary(&mixed(MIN_BYTES / 4)));
        assert!(is_binary(&mixed(MIN_BYTES / 4 + 1)));
    }
}
