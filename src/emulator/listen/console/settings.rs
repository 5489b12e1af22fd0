//! What can be wrong with a board at the other end of a serial line, by name. Not what comes of it:
//! the console asks here.

use std::str::FromStr;

use thiserror::Error;

use super::log_noise::Noise;

/// How a board is on its serial line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Bits a second; 0 takes no time.
    pub baud: u32,
    /// How much of its log is on the line.
    pub noise: Noise,
    /// Whether it dumps the keys of Security 1, as firmware of ESP-IDF 6 does.
    pub dumps_keys: bool,
    /// Whether each LF of prompt and reply gets a CR before it, as by the console's newline
    /// translation.
    pub translates_newlines: bool,
    /// What is wrong with it.
    pub troubles: Vec<ConsoleTrouble>,
    /// What is in its boot log, if that is printed.
    pub qr_code: Option<String>,
}

/// What is wrong with a board on a serial line. A number is that of an exchange, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleTrouble {
    /// It prints what is no text, as at another speed.
    Binary,
    /// It prints its boot log, with its QR code, before the first prompt.
    BootLog,
    /// It prints a line of bare hexadecimal digits behind every reply.
    HexAfter,
    /// It prints a line of bare hexadecimal digits before every reply.
    HexBefore,
    /// It prints no prompt any more after that exchange.
    NoPromptAfter(u32),
    /// An application's console is on the line.
    Repl,
    /// The board restarts in the middle of that reply.
    Resets(u32),
    /// It never prints anything.
    Silent,
    /// The cable is pulled in the middle of that reply.
    Unplugged(u32),
}

/// A text that names no trouble.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "expected one of binary, boot-log, hex-after, hex-before, repl, silent, and no-prompt-after=N, \
     resets=N, unplugged=N"
)]
pub struct ParseConsoleTroubleError;

impl FromStr for ConsoleTrouble {
    type Err = ParseConsoleTroubleError;

    fn from_str(text: &str) -> Result<Self, ParseConsoleTroubleError> {
        let (name, number) = match text.split_once('=') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let exchange = || match number.map(str::parse) {
            None => Ok(USUAL),
            Some(Ok(number @ 1..)) => Ok(number),
            Some(_) => Err(ParseConsoleTroubleError),
        };
        Ok(match (name, number) {
            ("binary", None) => Self::Binary,
            ("boot-log", None) => Self::BootLog,
            ("hex-after", None) => Self::HexAfter,
            ("hex-before", None) => Self::HexBefore,
            ("no-prompt-after", _) => Self::NoPromptAfter(exchange()?),
            ("repl", None) => Self::Repl,
            ("resets", _) => Self::Resets(exchange()?),
            ("silent", None) => Self::Silent,
            ("unplugged", _) => Self::Unplugged(exchange()?),
            _ => return Err(ParseConsoleTroubleError),
        })
    }
}

/// The exchange without a number: the first encrypted message.
const USUAL: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_read_and_listed_in_the_error() {
        use ConsoleTrouble::{
            Binary, BootLog, HexAfter, HexBefore, NoPromptAfter, Repl, Resets, Silent, Unplugged,
        };
        for (name, trouble) in [
            ("binary", Binary),
            ("boot-log", BootLog),
            ("hex-after", HexAfter),
            ("hex-before", HexBefore),
            ("no-prompt-after=7", NoPromptAfter(7)),
            ("repl", Repl),
            ("resets=7", Resets(7)),
            ("silent", Silent),
            ("unplugged=7", Unplugged(7)),
        ] {
            assert_eq!(name.parse(), Ok(trouble));
            let error = ParseConsoleTroubleError.to_string();
            assert!(error.contains(name.trim_end_matches('7')), "{name}");
        }
        assert_eq!("resets".parse(), Ok(Resets(2)));
        for wrong in ["rain", "resets=0", "resets=x", "silent=1", ""] {
            assert!(wrong.parse::<ConsoleTrouble>().is_err(), "{wrong}");
        }
    }
}
