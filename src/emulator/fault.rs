//! Faults on the way between client and device: which request meets which, and nothing about how a
//! medium shows it. Pure: it counts requests and answers from a list.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::order::{self, NoFault};

/// One fault: `ENDPOINT:N:KIND`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    endpoint: String,
    /// `None`: every request.
    number: Option<u32>,
    kind: FaultKind,
}

/// What goes wrong with a request or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// An error of ATT with this code, over Bluetooth.
    Att(u8),
    /// The socket is closed without an answer, which is also how firmware refuses.
    Close,
    /// The connection ends in the middle of the answer.
    Cut,
    /// The answer comes late.
    Delay(Duration),
    /// The request is lost: nobody handles or answers it, and the connection stays.
    Drop,
    /// The answer comes twice.
    Duplicate,
    /// Every bit of the answer is flipped.
    Garble,
    /// The request is handled and its answer is lost; the connection stays.
    Mute,
    /// The device says that there is no such endpoint.
    NotFound,
    /// The answer is far longer than any firmware's.
    Oversize,
    /// The request arrives twice and is handled twice; the first answer is sent.
    Repeat,
    /// The connection is reset.
    Reset,
    /// An error page with this status.
    Status(u16),
    /// The answer ends early, and says that it is complete.
    Truncate,
    /// The answer to the request before is sent instead.
    WrongOrder,
    /// A well-formed and properly sealed answer to another kind of request is sent instead.
    WrongType,
}

/// The kinds that are a word and nothing else.
const WORDS: [(&str, FaultKind); 13] = [
    ("close", FaultKind::Close),
    ("cut", FaultKind::Cut),
    ("drop", FaultKind::Drop),
    ("duplicate", FaultKind::Duplicate),
    ("garble", FaultKind::Garble),
    ("mute", FaultKind::Mute),
    ("not-found", FaultKind::NotFound),
    ("oversize", FaultKind::Oversize),
    ("repeat", FaultKind::Repeat),
    ("reset", FaultKind::Reset),
    ("truncate", FaultKind::Truncate),
    ("wrong-order", FaultKind::WrongOrder),
    ("wrong-type", FaultKind::WrongType),
];

impl Fault {
    /// What goes wrong.
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }
}

impl FaultKind {
    /// What becomes of an answer on its way; `previous` is the one before it. Kinds that are
    /// about something else leave it as it is.
    pub(super) fn alter(self, answer: Vec<u8>, previous: &[u8]) -> Vec<u8> {
        match self {
            Self::Garble => answer.into_iter().map(|byte| !byte).collect(),
            Self::Oversize => vec![b'x'; OVERSIZE],
            Self::Truncate => {
                let half = answer.len() / 2;
                answer.into_iter().take(half).collect()
            }
            Self::WrongOrder => previous.to_vec(),
            _ => answer,
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Att(code) => write!(f, "att=0x{code:02x}"),
            Self::Delay(wait) => write!(f, "delay={}", wait.as_millis()),
            Self::Status(number) => write!(f, "status={number}"),
            word => f.write_str(order::word_of(&WORDS, word)),
        }
    }
}

impl FromStr for FaultKind {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let unknown = || order::unknown(text, WITH_VALUE, &WORDS);
        match text.split_once('=') {
            None => order::kind_of(&WORDS, text).ok_or_else(unknown),
            Some(("att", code)) => order::att(code).map(Self::Att),
            Some(("delay", ms)) => order::delay(ms).map(Self::Delay),
            Some(("status", number)) => order::status(number).map(Self::Status),
            Some(_) => Err(unknown()),
        }
    }
}

impl FromStr for Fault {
    type Err = NoFault;

    fn from_str(text: &str) -> Result<Self, NoFault> {
        let parts: Vec<&str> = text.split(':').collect();
        let [endpoint, number, kind] = parts[..] else {
            return Err(NoFault::Form(FORM));
        };
        if endpoint.is_empty() {
            return Err(NoFault::Form(FORM));
        }
        let number = order::number(number)?;
        Ok(Self {
            endpoint: endpoint.to_owned(),
            number,
            kind: kind.parse()?,
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            endpoint,
            number,
            kind,
        } = self;
        match number {
            Some(number) => write!(f, "{endpoint}:{number}:{kind}"),
            None => write!(f, "{endpoint}:*:{kind}"),
        }
    }
}

/// The faults of one device, and how many requests each endpoint has had since it started.
#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
    counts: HashMap<String, u32>,
}

impl Faults {
    pub(super) fn new(list: Vec<Fault>) -> Self {
        Self {
            list,
            counts: HashMap::new(),
        }
    }

    /// Counts a request. Its number, and the fault that it meets: the first that fits.
    pub(super) fn next(&mut self, endpoint: &str) -> Option<(u32, FaultKind)> {
        if self.list.is_empty() {
            return None;
        }
        let count = self.counts.entry(endpoint.to_owned()).or_default();
        *count = count.saturating_add(1);
        let number = *count;
        self.list
            .iter()
            .find(|fault| {
                fault.endpoint == endpoint && fault.number.is_none_or(|wanted| wanted == number)
            })
            .map(|fault| (number, fault.kind))
    }
}

/// More than a client can have a reason to keep.
const OVERSIZE: usize = 256 * 1024;

/// How one is typed.
const FORM: &str = "ENDPOINT:N:KIND, as in prov-config:2:drop";
/// The kinds that are more than a word.
const WITH_VALUE: &str = "att=0xNN, delay=MS, status=NNN";

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        text.parse().unwrap()
    }

    #[test]
    fn texts_lead_there_and_back() {
        for (name, _) in WORDS {
            let text = format!("prov-config:2:{name}");
            assert_eq!(fault(&text).to_string(), text);
        }
        for text in [
            "proto-ver:*:drop",
            "esp_local_ctrl/session:1:delay=250",
            "prov-scan:3:status=500",
            "prov-scan:3:att=0x0e",
        ] {
            assert_eq!(fault(text).to_string(), text);
        }
    }

    #[test]
    fn a_text_that_is_no_fault_is_told_what_one_is() {
        for (text, said) in [
            ("", "ENDPOINT:N:KIND"),
            ("prov-config:drop", "ENDPOINT:N:KIND"),
            (":1:drop", "ENDPOINT:N:KIND"),
            ("prov-config:0:drop", "counted from 1"),
            ("prov-config:x:drop", "counted from 1"),
            ("prov-config:1:explode", "wrong-type"),
            ("prov-config:1:drop=1", "delay=MS"),
            ("prov-config:1:delay", "delay=MS"),
            ("prov-config:1:delay=soon", "milliseconds"),
            ("prov-config:1:status=200", "400 to 599"),
            ("prov-config:1:att=14", "0x01 to 0xff"),
            ("prov-config:1:att=0x00", "0x01 to 0xff"),
        ] {
            let error = text.parse::<Fault>().unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn each_endpoint_counts_for_itself() {
        let mut faults = Faults::new(vec![
            fault("prov-config:2:drop"),
            fault("prov-config:2:close"),
            fault("prov-scan:*:garble"),
        ]);
        assert_eq!(faults.next("prov-config"), None);
        assert_eq!(faults.next("prov-scan"), Some((1, FaultKind::Garble)));
        assert_eq!(faults.next("prov-config"), Some((2, FaultKind::Drop)));
        assert_eq!(faults.next("prov-config"), None);
        assert_eq!(faults.next("prov-scan"), Some((2, FaultKind::Garble)));
        assert_eq!(faults.next("proto-ver"), None);
    }

    #[test]
    fn an_answer_is_altered_as_the_kind_says() {
        let alter = |kind: FaultKind| kind.alter(vec![0, 1, 0xff], b"before");
        assert_eq!(alter(FaultKind::Garble), [0xff, 0xfe, 0]);
        assert_eq!(alter(FaultKind::Truncate), [0]);
        assert_eq!(alter(FaultKind::WrongOrder), b"before");
        assert_eq!(alter(FaultKind::Oversize).len(), OVERSIZE);
        assert_eq!(alter(FaultKind::Drop), [0, 1, 0xff]);
    }
}
