//! How a fault is ordered, `WHAT:N:KIND`, as far as it is the same for a device and a cloud: the
//! number, the kinds that take one, and what is said of a text that is no fault. Which kinds there
//! are, and what they do, is theirs.

use std::time::Duration;

use thiserror::Error;

/// A text that names no fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NoFault {
    /// No error of ATT.
    #[error("att takes an error of ATT from 0x01 to 0xff")]
    Att,
    /// A wait that is none.
    #[error("delay takes milliseconds, as in delay=500")]
    Delay,
    /// Not three parts.
    #[error("expected {0}")]
    Form(&'static str),
    /// No such kind.
    #[error("{text:?} is no kind of fault: expected {known}")]
    Kind {
        /// What was typed.
        text: String,
        /// What there is.
        known: String,
    },
    /// Not a number of a request.
    #[error("the requests are counted from 1; * is every one")]
    Number,
    /// A status that is no error.
    #[error("status takes an HTTP status from 400 to 599")]
    Status,
}

/// The how-manieth request; `None` for every one.
pub(super) fn number(text: &str) -> Result<Option<u32>, NoFault> {
    if text == "*" {
        return Ok(None);
    }
    let number = text.parse().ok().filter(|number| *number > 0);
    number.map(Some).ok_or(NoFault::Number)
}

/// Of `delay=MS`.
pub(super) fn delay(ms: &str) -> Result<Duration, NoFault> {
    let ms = ms.parse().map_err(|_| NoFault::Delay)?;
    Ok(Duration::from_millis(ms))
}

/// Of `status=NNN`: an error's.
pub(super) fn status(number: &str) -> Result<u16, NoFault> {
    let status = number.parse().ok();
    status
        .filter(|status| (400..=599).contains(status))
        .ok_or(NoFault::Status)
}

/// Of `att=0xNN`: an error's.
pub(super) fn att(code: &str) -> Result<u8, NoFault> {
    let digits = code.strip_prefix("0x");
    let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    code.filter(|code| *code > 0).ok_or(NoFault::Att)
}

/// The kind that a word stands for.
pub(super) fn kind_of<K: Clone>(words: &[(&str, K)], word: &str) -> Option<K> {
    let found = words.iter().find(|(name, _)| *name == word);
    found.map(|(_, kind)| kind.clone())
}

/// The word that stands for a kind.
pub(super) fn word_of<K: PartialEq>(words: &[(&'static str, K)], kind: &K) -> &'static str {
    let found = words.iter().find(|(_, one)| one == kind);
    found.map_or("?", |(name, _)| name)
}

/// That a text is none of the kinds: those with a value, and the words.
pub(super) fn unknown<K>(text: &str, with_value: &str, words: &[(&str, K)]) -> NoFault {
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    NoFault::Kind {
        text: text.to_owned(),
        known: format!("{with_value} or one of {}", names.join(", ")),
    }
}
