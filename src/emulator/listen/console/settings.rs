//! The settings of a console, and what can be wrong with its board, by name.

use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use super::log_noise::Noise;

/// The settings of a board on a serial line, which are the flags of `emulate device`.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ConsoleSettings {
    /// Create a symbolic link to the pty, which is the serial port; it is deleted at the end.
    #[arg(long, value_name = "PATH")]
    pub pty_link: Option<PathBuf>,

    /// Speed of the serial line, in bits a second; 0 takes no time.
    #[arg(long, value_name = "N", default_value_t = 115_200)]
    pub uart_baud: u32,

    /// How much of the board's log is on the serial line.
    #[arg(long, value_enum, default_value_t)]
    pub noise: Noise,

    /// How the serial console ends its lines: as protocomm writes them, or with another CR before
    /// each LF, as the newline translation of ESP-IDF's console adds it.
    #[arg(long, value_enum, default_value_t)]
    pub console_newlines: Newlines,

    /// What is wrong with the board on the serial line; can be given again: binary (no text),
    /// boot-log (printed first, with its QR code), hex-after and hex-before (a line of bare digits
    /// after or before each reply), no-prompt-after=N, repl (an application's console), resets=N and
    /// unplugged=N (in the middle of that reply), silent. N is the number of an exchange, 2 if it
    /// is left out.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = <ConsoleTrouble as FromStr>::from_str)]
    pub console_trouble: Vec<ConsoleTrouble>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
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
    #[value(skip)]
    NoPromptAfter(u32),
    /// An application's console is on the line.
    Repl,
    /// The board restarts in the middle of that reply.
    #[value(skip)]
    Resets(u32),
    /// It never prints anything.
    Silent,
    /// The cable is unplugged in the middle of that reply.
    #[value(skip)]
    Unplugged(u32),
}

impl FromStr for ConsoleTrouble {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(trouble) = ValueEnum::from_str(text, false) {
            return Ok(trouble);
        }
        let (name, number) = text.split_once('=').unwrap_or((text, DEFAULT_EXCHANGE));
        let number = number.parse().ok().filter(|number| *number > 0);
        match (name, number) {
            ("no-prompt-after", Some(number)) => Ok(Self::NoPromptAfter(number)),
            ("resets", Some(number)) => Ok(Self::Resets(number)),
            ("unplugged", Some(number)) => Ok(Self::Unplugged(number)),
            _ => Err(EXPECTED),
        }
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
