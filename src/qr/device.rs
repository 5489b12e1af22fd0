//! Collects the payloads of one text or picture, which must be those of one device. espctl never
//! chooses between two that differ.

use super::payload::{Network, Payload, PayloadError, Problem, Remark};
use crate::secret::Secret;

/// A payload, and its source text.
#[derive(Debug)]
pub struct SourcedPayload {
    /// The whole text, if it contains nothing but the payload.
    pub text: Option<Secret<String>>,
    /// The values.
    pub payload: Payload,
}

impl SourcedPayload {
    /// Reads a text that contains nothing else.
    pub fn from_text(text: &str) -> Result<Self, PayloadError> {
        let payload = Payload::read(text)?;
        let text = text.trim_start_matches('\u{feff}').trim();
        Ok(Self {
            text: Some(Secret::new(text.to_owned())),
            payload,
        })
    }
}

/// One that was found among other text.
impl From<Payload> for SourcedPayload {
    fn from(payload: Payload) -> Self {
        Self {
            text: None,
            payload,
        }
    }
}

/// Collects payloads of one device. Another form of the same values is no second device; of a cut
/// payload and its whole, the whole one is kept.
#[derive(Debug, Default)]
pub struct SingleDevice(Option<SourcedPayload>);

impl SingleDevice {
    /// Adds a payload. Fails if it is another device's.
    pub fn add(&mut self, new: SourcedPayload) -> Result<(), Problem> {
        match &self.0 {
            Some(known) if !is_same_device(&known.payload, &new.payload) => {
                return Err(Problem::Several);
            }
            Some(known) if completeness(&known.payload) >= completeness(&new.payload) => {}
            _ => self.0 = Some(new),
        }
        Ok(())
    }

    /// The most complete payload, if one was added.
    pub fn into_payload(self) -> Option<SourcedPayload> {
        self.0
    }
}

/// Whether two payloads may be the same device's. A value that is cut off, or that the compact form
/// cannot express, is no difference.
fn is_same_device(first: &Payload, second: &Payload) -> bool {
    fn is_equal<T: PartialEq>(first: Option<T>, second: Option<T>, can_lack: bool) -> bool {
        match (first, second) {
            (Some(first), Some(second)) => first == second,
            (None, None) => true,
            _ => can_lack,
        }
    }
    let is_either_cut = is_cut(first) || is_cut(second);
    let username = |payload: &Payload| {
        let name = payload.username.clone();
        name.or_else(|| (!is_cut(payload)).then(|| "wifiprov".to_owned()))
    };
    let network = |payload: &Payload| payload.network.unwrap_or(Network::Wifi);
    let [password, other_password] = [first, second].map(|payload| text(payload.password.as_ref()));
    is_equal(first.name.as_deref(), second.name.as_deref(), is_either_cut)
        && is_equal(pop(first), pop(second), is_either_cut)
        && is_equal(
            first.transport.as_deref(),
            second.transport.as_deref(),
            is_either_cut,
        )
        && is_equal(username(first), username(second), is_either_cut)
        && (is_either_cut || network(first) == network(second))
        && is_equal(first.security, second.security, true)
        && is_equal(password, other_password, true)
}

/// Orders payloads: whole before cut, then by the number of values.
fn completeness(payload: &Payload) -> (bool, usize) {
    let values = [
        payload.ver.is_some(),
        payload.name.is_some(),
        payload.username.is_some(),
        payload.pop.is_some(),
        payload.transport.is_some(),
        payload.security.is_some(),
        payload.network.is_some(),
        payload.password.is_some(),
    ];
    (!is_cut(payload), values.into_iter().map(usize::from).sum())
}

fn is_cut(payload: &Payload) -> bool {
    let cut = |remark: &Remark| matches!(remark, Remark::Cut { .. });
    payload.remarks.iter().any(cut)
}

fn pop(payload: &Payload) -> Option<&str> {
    text(payload.pop.as_ref()).filter(|pop| !pop.is_empty())
}

fn text(secret: Option<&Secret<String>>) -> Option<&str> {
    secret.map(|secret| secret.expose().as_str())
}
