//! The settings of a console, and what can be wrong with its board, by name.

use std::str::FromStr;

use clap::ValueEnum;

use super::log_noise::Noise;

/// The settings of a board on a serial line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsoleSettings {
    /// Bits per second; with 0, bytes take no time.
    pub baud: u32,
    /// How much of its log it prints.
    pub noise: Noise,
    /// Whether it logs the keys of Security 1, as firmware of ESP-IDF 6 does.
    pub dumps_keys: bool,
    /// How it ends the lines of prompt and reply.
    pub newlines: Newlines,
    /// What is wrong with the board.
    pub troubles: Vec<ConsoleTrouble>,
    /// The payload in its boot log. `None`: it prints no boot log.
    pub qr_code: Option<String>,
}

/// How a console ends its lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Newlines {
    /// LF before the prompt, CR LF around the reply.
    #[default]
    Raw,
    /// CR LF before the prompt, CR CR LF around the reply.
    Translated,
}

/// What is wrong with a board on a serial line. The number of an exchange counts from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleTrouble {
    /// It prints bytes that are not text, as at another speed.
    Binary,
    /// It prints its boot log, with its QR code, before the first prompt.
    BootLog,
    /// It prints a line of only hexadecimal digits after every reply.
    HexAfter,
    /// It prints a line of only hexadecimal digits before every reply.
    HexBefore,
    /// It prints no prompt from the end of that exchange on.
    NoPromptAfter(u32),
    /// An application's console is on the line.
    Repl,
    /// The board restarts in the middle of that reply.
    Resets(u32),
    /// It never prints anything.
    Silent,
    /// The cable is unplugged in the middle of that reply.
    Unplugged(u32),
}

impl FromStr for ConsoleTrouble {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let trouble = match text {
            "binary" => Some(Self::Binary),
            "boot-log" => Some(Self::BootLog),
            "hex-after" => Some(Self::HexAfter),
            "hex-before" => Some(Self::HexBefore),
            "repl" => Some(Self::Repl),
            "silent" => Some(Self::Silent),
            _ => {
                let (name, number) = text.split_once('=').unwrap_or((text, DEFAULT_EXCHANGE));
                let number = number.parse().ok().filter(|number| *number > 0);
                number.and_then(|number| match name {
                    "no-prompt-after" => Some(Self::NoPromptAfter(number)),
                    "resets" => Some(Self::Resets(number)),
                    "unplugged" => Some(Self::Unplugged(number)),
                    _ => None,
                })
            }
        };
        trouble.ok_or(EXPECTED)
    }
}

const EXPECTED: &str = "expected one of binary, boot-log, hex-after, hex-before, repl, silent, and \
     no-prompt-after=N, resets=N, unplugged=N";

/// The exchange without a number: the first encrypted message.
const DEFAULT_EXCHANGE: &str = "2";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_read_and_listed_in_error() {
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
            let error = "".parse::<ConsoleTrouble>().unwrap_err().to_string();
            assert!(error.contains(name.trim_end_matches('7')), "{name}");
        }
        assert_eq!("resets".parse(), Ok(Resets(2)));
        for wrong in ["rain", "resets=0", "resets=x", "silent=1", ""] {
            assert!(wrong.parse::<ConsoleTrouble>().is_err(), "{wrong}");
        }
    }
}
