//! What can be wrong with a board at the other end of a serial line, by name. Not what comes of it:
//! the console asks here.

use std::fmt;
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

/// Those that are a word and nothing else.
const WORDS: [(&str, ConsoleTrouble); 6] = [
    ("binary", ConsoleTrouble::Binary),
    ("boot-log", ConsoleTrouble::BootLog),
    ("hex-after", ConsoleTrouble::HexAfter),
    ("hex-before", ConsoleTrouble::HexBefore),
    ("repl", ConsoleTrouble::Repl),
    ("silent", ConsoleTrouble::Silent),
];

/// A trouble that is about the N-th exchange.
type Numbered = fn(u32) -> ConsoleTrouble;

/// Those that have a number, which is 2 where none is given: the first message that secures.
const NUMBERED: [(&str, Numbered); 3] = [
    ("no-prompt-after", ConsoleTrouble::NoPromptAfter),
    ("resets", ConsoleTrouble::Resets),
    ("unplugged", ConsoleTrouble::Unplugged),
];

impl ConsoleTrouble {
    /// Whether there is no protocomm on the line.
    pub(super) const fn is_something_else(self) -> bool {
        matches!(self, Self::Binary | Self::Repl | Self::Silent)
    }
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
        if let Some((_, trouble)) = WORDS.iter().find(|(name, _)| *name == text) {
            return Ok(*trouble);
        }
        let (name, number) = match text.split_once('=') {
            Some((name, number)) => (name, number.parse().map_err(|_| UnknownConsoleTrouble)?),
            None => (text, USUAL),
        };
        let found = NUMBERED.iter().find(|(known, _)| *known == name);
        match found {
            Some((_, trouble)) if number > 0 => Ok(trouble(number)),
            _ => Err(UnknownConsoleTrouble),
        }
    }
}

impl fmt::Display for ConsoleTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPromptAfter(number) => write!(f, "no-prompt-after={number}"),
            Self::Resets(number) => write!(f, "resets={number}"),
            Self::Unplugged(number) => write!(f, "unplugged={number}"),
            word => {
                let found = WORDS.iter().find(|(_, trouble)| trouble == word);
                f.write_str(found.map_or("?", |(name, _)| name))
            }
        }
    }
}

const USUAL: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_there_and_back() {
        let numbered = NUMBERED.map(|(name, _)| format!("{name}=7"));
        let words = WORDS.map(|(name, _)| name.to_owned());
        for name in words.iter().chain(&numbered) {
            assert_eq!(name.parse::<ConsoleTrouble>().unwrap().to_string(), *name);
            let told = UnknownConsoleTrouble.to_string();
            assert!(told.contains(name.trim_end_matches('7')), "{name}");
        }
        assert_eq!("resets".parse(), Ok(ConsoleTrouble::Resets(USUAL)));
        for wrong in ["rain", "resets=0", "resets=x", "silent=1", ""] {
            assert!(wrong.parse::<ConsoleTrouble>().is_err(), "{wrong}");
        }
    }
}
