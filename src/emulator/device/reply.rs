//! What becomes of a request: an answer, or one of the ways to have none. Not which of them.

use std::borrow::Cow;
use std::time::Duration;

use thiserror::Error;

use super::firmware::Rules;

/// What a device answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer, sealed where the endpoint is.
    pub bytes: Vec<u8>,
    /// How long the device is busy before the answer leaves. It does nothing else meanwhile.
    pub after: Duration,
}

/// That a request is not answered. Each medium has its own way to show it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No endpoint has this name.
    #[error("no such endpoint")]
    NoSuchEndpoint,
    /// The security scheme or the endpoint's handler failed.
    #[error("{why}")]
    Failed {
        /// For the log: a client is not told.
        why: Cow<'static, str>,
    },
}

/// What an endpoint's handler answers, before it is sealed.
pub(super) struct Handled {
    pub(super) bytes: Vec<u8>,
    pub(super) after: Duration,
}

pub(super) fn at_once(bytes: Vec<u8>) -> Reply {
    Reply {
        bytes,
        after: Duration::ZERO,
    }
}

pub(super) fn refuse(why: &'static str) -> Refusal {
    Refusal::Failed {
        why: Cow::Borrowed(why),
    }
}

/// What becomes of a command without its body: older firmware reads what is not there.
pub(super) fn without_body(rules: Rules) -> Refusal {
    if rules.crashes_without_body {
        crash()
    } else {
        refuse("a command without its body")
    }
}

pub(super) fn crash() -> Refusal {
    refuse("a command without its body, which brings it down")
}
