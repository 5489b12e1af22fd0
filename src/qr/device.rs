//! Collects the payloads of one text or picture, which must be those of one device. espctl never
//! chooses between two that differ.

use super::payload::{Payload, Problem};

/// Collects payloads of one device. Another form of the same values is no second device; of a cut
/// payload and its whole, the whole one is kept.
#[derive(Debug, Default)]
pub(super) struct SingleDevice(Option<Payload>);

impl SingleDevice {
    /// Adds a payload. Fails if it is another device's.
    pub(super) fn add(&mut self, new: Payload) -> Result<(), Problem> {
        match &self.0 {
            Some(known) if !is_same_device(known, &new) => return Err(Problem::Several),
            Some(known) if completeness(known) >= completeness(&new) => {}
            _ => self.0 = Some(new),
        }
        Ok(())
    }

    /// The most complete payload, if one was added.
    pub(super) fn into_payload(self) -> Option<Payload> {
        self.0
    }
}

/// Whether two payloads may be the same device's. A value that is cut off, or that the compact form
/// cannot express, is no difference.
fn is_same_device(first: &Payload, second: &Payload) -> bool {
    let is_either_cut = first.is_cut() || second.is_cut();
    let mut pairs = comparable_values(first).zip(comparable_values(second));
    pairs.all(|((key, first), (_, second))| {
        let can_lack = is_either_cut || matches!(key, "security" | "password");
        key == "ver" || first == second || can_lack && (first.is_none() || second.is_none())
    })
}

/// The values, with the usual ones for those that a whole payload lacks.
fn comparable_values(payload: &Payload) -> impl Iterator<Item = (&'static str, Option<&str>)> {
    let is_whole = !payload.is_cut();
    payload.values().map(move |(key, value)| {
        let usual = match key {
            "username" if is_whole => Some("wifiprov"),
            "network" if is_whole => Some("wifi"),
            _ => None,
        };
        let value = value.filter(|value| key != "pop" || !value.is_empty());
        (key, value.or(usual))
    })
}

/// Orders payloads: whole before cut, then by the number of values.
fn completeness(payload: &Payload) -> (bool, usize) {
    let values = payload.values().filter(|(_, value)| value.is_some());
    (!payload.is_cut(), values.count())
}
