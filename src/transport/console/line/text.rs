//! Bytes of a serial line as text: colours are left out, and what no console prints is counted. What
//! the text says is for others.

/// One byte, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::transport::console) enum Read {
    /// Of a line's text.
    Text(u8),
    CarriageReturn,
    LineFeed,
    /// Part of a colour.
    Nothing,
}

/// Reads one byte after the other.
#[derive(Debug, Default)]
pub(in crate::transport::console) struct Text {
    escape: Escape,
    /// Of a character of UTF-8, how many bytes are to come.
    to_come: u8,
    bytes: usize,
    odd: usize,
}

/// Where in a colour sequence it is.
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
            // A sequence ends with a letter.
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

    /// Whether a good part of it is nothing that a console prints.
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

/// To tell noise from a byte that was spoilt on the way.
const ENOUGH: usize = 64;
