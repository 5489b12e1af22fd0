//! What can be wrong with a board at the other end of a serial line, by name. Not what comes of it:
//! the console asks here.

use std::str::FromStr;

use thiserror::Error;

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
pub struct UnknownConsoleTrouble;

impl FromStr for ConsoleTrouble {
    type Err = UnknownConsoleTrouble;

    fn from_str(text: &str) -> Result<Self, UnknownConsoleTrouble> {
        let (name, number) = match text.split_once('=') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let exchange = || match number.map(str::parse) {
            None => Ok(USUAL),
            Some(Ok(number @ 1..)) => Ok(number),
            Some(_) => Err(UnknownConsoleTrouble),
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
            _ => return Err(UnknownConsoleTrouble),
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
            let error = UnknownConsoleTrouble.to_string();
            assert!(error.contains(name.trim_end_matches('7')), "{name}");
        }
        assert_eq!("resets".parse(), Ok(Resets(2)));
        for wrong in ["rain", "resets=0", "resets=x", "silent=1", ""] {
            assert!(wrong.parse::<ConsoleTrouble>().is_err(), "{wrong}");
        }
    }
}
