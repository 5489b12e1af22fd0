//! Injected faults: their text form, and which request meets which fault. One engine for devices and for
//! the cloud, each with its own [`FaultKinds`]. It counts requests; the listeners cause the effects.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use derive_more::Display;

use super::log::optional;

/// A fault: `[METHOD ]PATH:N:KIND`. For a device, the path is the name of an endpoint, without a method.
#[derive(Clone, Debug, Display, PartialEq, Eq)]
#[display(
    "{}{path}:{}:{kind}",
    optional("", method.as_ref(), " "),
    number.map_or_else(|| "*".to_owned(), |number| number.to_string())
)]
pub struct Fault<K = FaultKind> {
    /// In upper case; `None`: every method.
    method: Option<String>,
    /// Without the leading slash and `v1/`; `*`: every path.
    path: String,
    /// `None`: every request.
    number: Option<u32>,
    /// The effect.
    pub kind: K,
}

/// The kinds of fault of a device or of the cloud. Kinds without a value are the names of the enum.
pub trait FaultKinds: ValueEnum + fmt::Display + 'static {
    /// Whether requests have a method, which a fault can select.
    const HAS_METHODS: bool;
    /// The text form of a fault, for messages.
    const FORM: &'static str;
    /// The kinds with a value: their form `NAME=VALUE`, and the parser of the value.
    const WITH_VALUE: &'static [(&'static str, ParseValue<Self>)];
}

/// Parses the value of a kind. The error describes the valid values.
pub type ParseValue<K> = fn(&str) -> Result<K, &'static str>;

/// The effect of a fault on a request to a device, or on its answer.
#[derive(Clone, Copy, Debug, Display, PartialEq, Eq, ValueEnum)]
#[display(rename_all = "kebab-case")]
pub enum FaultKind {
    /// An error of ATT with this code, over Bluetooth.
    #[display("att=0x{_0:02x}")]
    #[value(skip)]
    Att(u8),
    /// The socket closes without an answer, as in a refusal of firmware.
    Close,
    /// The connection ends in the middle of the answer.
    Cut,
    /// The answer is sent late.
    #[display("delay={}", _0.as_millis())]
    #[value(skip)]
    Delay(Duration),
    /// The request is lost: the device neither handles nor answers it, and the connection stays open.
    Drop,
    /// The answer is sent twice.
    Duplicate,
    /// Every bit of the answer is flipped.
    Garble,
    /// The request is handled and its answer is lost; the connection stays open.
    Mute,
    /// The device answers that there is no such endpoint.
    NotFound,
    /// The answer is far longer than that of any firmware.
    Oversize,
    /// The request arrives twice and is handled twice; the first answer is sent.
    Repeat,
    /// The connection is reset.
    Reset,
    /// An error page with this status.
    #[display("status={_0}")]
    #[value(skip)]
    Status(u16),
    /// The answer ends early, with the length of the rest.
    Truncate,
    /// The answer to the request before is sent instead.
    WrongOrder,
    /// A well-formed and properly sealed answer to another kind of request is sent instead.
    WrongType,
}

impl FaultKinds for FaultKind {
    const HAS_METHODS: bool = false;
    const FORM: &'static str = "ENDPOINT:N:KIND, as in prov-config:2:drop";
    const WITH_VALUE: &'static [(&'static str, ParseValue<Self>)] = &[
        ("att=0xNN", |value| parse_att(value).map(Self::Att)),
        ("delay=MS", |value| parse_delay(value).map(Self::Delay)),
        ("status=NNN", |value| parse_status(value).map(Self::Status)),
    ];
}

impl FaultKind {
    /// Alters an answer; `previous` is the answer before. Kinds without an effect on it return it unchanged.
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

fn parse_att(code: &str) -> Result<u8, &'static str> {
    let digits = code.strip_prefix("0x");
    let code = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    code.filter(|code| *code > 0)
        .ok_or("att takes an error of ATT from 0x01 to 0xff")
}

/// The value of `delay=MS`.
pub(super) fn parse_delay(ms: &str) -> Result<Duration, &'static str> {
    let ms = ms.parse().map(Duration::from_millis);
    ms.map_err(|_| "delay takes milliseconds, as in delay=500")
}

/// The value of `status=NNN`.
pub(super) fn parse_status(number: &str) -> Result<u16, &'static str> {
    let status = number.parse().ok();
    status
        .filter(|status| (400..=599).contains(status))
        .ok_or("status takes an HTTP status from 400 to 599")
}

impl<K: FaultKinds> FromStr for Fault<K> {
    /// Why the text is not a fault.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad_form = || format!("expected {}", K::FORM);
        let parts: Vec<&str> = text.splitn(3, ':').collect();
        let [target, number, kind] = parts[..] else {
            return Err(bad_form());
        };
        let (method, path) = match target.split_once(' ').filter(|_| K::HAS_METHODS) {
            Some((method, path)) => (Some(method.to_ascii_uppercase()), path),
            None => (None, target),
        };
        let path = strip_version(path);
        if path.is_empty() || path.contains(' ') || method.as_deref() == Some("") {
            return Err(bad_form());
        }
        Ok(Self {
            method,
            path: path.to_owned(),
            number: match number.parse() {
                Ok(number @ 1..) => Some(number),
                Err(_) if number == "*" => None,
                _ => return Err("the requests are counted from 1; * is every one".into()),
            },
            kind: parse_kind(kind)?,
        })
    }
}

fn parse_kind<K: FaultKinds>(text: &str) -> Result<K, String> {
    let kind = match text.split_once('=') {
        Some((name, value)) => {
            let mut kinds = K::WITH_VALUE.iter();
            let kind = kinds.find(|(form, _)| form.split('=').next() == Some(name));
            kind.map(|(_, parse)| parse(value))
        }
        None => <K as ValueEnum>::from_str(text, false).ok().map(Ok),
    };
    let Some(kind) = kind else {
        let with_value: Vec<&str> = K::WITH_VALUE.iter().map(|(form, _)| *form).collect();
        let words: Vec<String> = K::value_variants().iter().map(K::to_string).collect();
        return Err(format!(
            "{text:?} is not a kind of fault: expected {} or one of {}",
            with_value.join(", "),
            words.join(", ")
        ));
    };
    kind.map_err(str::to_owned)
}

/// Removes the leading slash and the version of the API.
fn strip_version(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.strip_prefix("v1/").unwrap_or(path)
}

/// The faults of a device or cloud, each with the number of matching requests so far.
#[derive(Debug)]
pub(super) struct Faults<K = FaultKind>(Vec<(Fault<K>, u32)>);

impl<K: Clone> Faults<K> {
    pub(super) fn new(list: Vec<Fault<K>>) -> Self {
        Self(list.into_iter().map(|fault| (fault, 0)).collect())
    }

    /// Counts a request. Returns its number, and the first fault that it meets. Requests to a device have
    /// an empty method.
    pub(super) fn next_call(&mut self, method: &str, path: &str) -> Option<(u32, K)> {
        let mut met = None;
        for (fault, count) in &mut self.0 {
            let is_of_method = fault
                .method
                .as_ref()
                .is_none_or(|expected| expected == method);
            let is_of_path = fault.path == "*" || fault.path == strip_version(path);
            if is_of_method && is_of_path {
                *count = count.saturating_add(1);
                if met.is_none() && fault.number.is_none_or(|expected| expected == *count) {
                    met = Some((*count, fault.kind.clone()));
                }
            }
        }
        met
    }
}

/// More than any client buffers.
const OVERSIZE: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Fault {
        text.parse().unwrap()
    }

    #[test]
    fn every_kind_is_read_and_shown() {
        for kind in FaultKind::value_variants() {
            let text = format!("prov-config:2:{kind}");
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
    fn invalid_text_is_refused_with_expected_form() {
        for (text, expected) in [
            ("", "ENDPOINT:N:KIND"),
            ("prov-config:drop", "ENDPOINT:N:KIND"),
            ("prov-config:1:drop:1", "not a kind of fault"),
            (":1:drop", "ENDPOINT:N:KIND"),
            ("GET prov-config:1:drop", "ENDPOINT:N:KIND"),
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
            let error = text.parse::<Fault>().unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn each_fault_counts_its_own_requests() {
        let mut faults = Faults::new(vec![
            fault("prov-config:2:drop"),
            fault("prov-config:2:close"),
            fault("prov-scan:*:garble"),
            fault("*:6:mute"),
        ]);
        let mut next = |endpoint| faults.next_call("", endpoint);
        assert_eq!(next("prov-config"), None);
        assert_eq!(next("prov-scan"), Some((1, FaultKind::Garble)));
        assert_eq!(next("prov-config"), Some((2, FaultKind::Drop)));
        assert_eq!(next("prov-config"), None);
        assert_eq!(next("prov-scan"), Some((2, FaultKind::Garble)));
        assert_eq!(next("proto-ver"), Some((6, FaultKind::Mute)));
        assert_eq!(next("proto-ver"), None);
    }

    #[test]
    fn alter_has_effect_of_each_kind() {
        let alter = |kind: FaultKind| kind.alter(vec![0, 1, 0xff], b"before");
        assert_eq!(alter(FaultKind::Garble), [0xff, 0xfe, 0]);
        assert_eq!(alter(FaultKind::Truncate), [0]);
        assert_eq!(alter(FaultKind::WrongOrder), b"before");
        assert_eq!(alter(FaultKind::Oversize).len(), OVERSIZE);
        assert_eq!(alter(FaultKind::Drop), [0, 1, 0xff]);
    }
}
