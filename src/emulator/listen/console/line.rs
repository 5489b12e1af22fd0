//! The line buffer of protocomm's console, and how a line is parsed.
//!
//! `protocomm_console.c` reads all received bytes before it checks for a CR, and checks only the last byte:
//! two commands in one burst, or a LF after the CR, are one line with a CR in the middle. The line is split
//! as in `esp_console_run`.

/// The line buffer.
#[derive(Debug, Default)]
pub(super) struct LineBuffer(Vec<u8>);

/// A request to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConsoleRequest {
    pub(super) endpoint: String,
    /// As `atoi` reads it.
    pub(super) session: u32,
    /// `None`: it contains another character than digits.
    pub(super) bytes: Option<Vec<u8>>,
}

/// The meaning of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Only the CR.
    Nothing,
    /// A word, which may be an endpoint, and too few arguments.
    Incomplete(String),
    Complete(ConsoleRequest),
}

impl LineBuffer {
    /// Whether there is room for another byte. A full line ends without a CR.
    pub(super) fn has_room(&self) -> bool {
        self.0.len() < SIZE
    }

    pub(super) fn push(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Whether the last byte ends it.
    pub(super) fn is_ended(&self) -> bool {
        self.0.last() == Some(&b'\r')
    }

    /// Parses the line, and begins another.
    pub(super) fn take(&mut self) -> Command {
        let mut bytes = std::mem::take(&mut self.0);
        // The last byte is for the NUL.
        bytes.truncate(SIZE - 1);
        let mut words = bytes.split(|byte| *byte == b' ').filter(|w| !w.is_empty());
        let Some(endpoint) = words.next() else {
            return Command::Nothing;
        };
        if endpoint.iter().all(u8::is_ascii_whitespace) {
            return Command::Nothing;
        }
        let endpoint = String::from_utf8_lossy(endpoint.trim_ascii_end()).into_owned();
        match (words.next(), words.next()) {
            (Some(session), Some(hex)) => Command::Complete(ConsoleRequest {
                endpoint,
                session: atoi(session),
                bytes: decode_pairs(hex),
            }),
            _ => Command::Incomplete(endpoint),
        }
    }
}

/// Parses leading digits with a sign; 0 without digits.
fn atoi(text: &[u8]) -> u32 {
    let text = text.trim_ascii_start();
    let (sign, digits) = match text.split_first() {
        Some((b'-', rest)) => (-1, rest),
        Some((b'+', rest)) => (1, rest),
        _ => (1, text),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let number = digits.fold(0_i32, |sum, digit| {
        let digit = i32::from(digit.wrapping_sub(b'0'));
        sum.saturating_mul(10).saturating_add(digit)
    });
    number.saturating_mul(sign).cast_unsigned()
}

/// Decodes pairs of digits. The CR is part of the argument: an odd character at the end, which is dropped,
/// or the second half of the last pair.
fn decode_pairs(text: &[u8]) -> Option<Vec<u8>> {
    let (pairs, _) = text.as_chunks::<2>();
    pairs
        .iter()
        .map(|pair| {
            let digits = pair.trim_ascii_end();
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
        })
        .collect()
}

/// `LINE_BUF_SIZE`.
const SIZE: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str) -> Command {
        let mut line = LineBuffer::default();
        text.bytes().for_each(|byte| line.push(byte));
        line.take()
    }

    fn bytes(text: &str) -> Option<Vec<u8>> {
        match command(text) {
            Command::Complete(request) => request.bytes,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parses_endpoint_number_and_digits() {
        let Command::Complete(request) = command("prov-session 17 0aFF\r") else {
            panic!("no request");
        };
        assert_eq!(request.endpoint, "prov-session");
        assert_eq!((request.session, request.bytes), (17, Some(vec![10, 255])));
        assert_eq!(command("\r"), Command::Nothing);
        assert_eq!(command(" \r"), Command::Nothing);
        for incomplete in ["help\r", "proto-ver 1\r"] {
            assert!(matches!(command(incomplete), Command::Incomplete(_)));
        }
    }

    #[test]
    fn decodes_pairs_with_cr_in_last() {
        assert_eq!(bytes("a 1 00ff\r"), Some(vec![0, 255]));
        assert_eq!(bytes("a 1 00f\r"), Some(vec![0, 15]));
        assert_eq!(bytes("a 1 \r"), Some(vec![]));
        assert_eq!(bytes("a 1 0x00\r"), None);
        // A LF of the line before, or a second command in the same burst.
        assert!(matches!(command("\na 1 00\r"), Command::Complete(r) if r.endpoint != "a"));
        assert_eq!(bytes("a 1 00\ra 1 00\r"), None);
    }

    #[test]
    fn reads_session_as_atoi() {
        for (text, number) in [
            ("7", 7),
            ("7x", 7),
            ("x", 0),
            ("-1", u32::MAX),
            ("2147483647", 2_147_483_647),
            ("99999999999", 2_147_483_647),
        ] {
            assert_eq!(atoi(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn cuts_line_that_is_too_long() {
        let mut line = LineBuffer::default();
        "a 1 ".bytes().for_each(|byte| line.push(byte));
        while line.has_room() {
            line.push(b'0');
        }
        assert!(!line.is_ended());
        let Command::Complete(request) = line.take() else {
            panic!("no request");
        };
        // 255 characters are left, and half a pair is dropped.
        assert_eq!(request.bytes.unwrap().len(), (255 - 4) / 2);
    }
}
