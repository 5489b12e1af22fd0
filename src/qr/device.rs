//! Of the payloads that stand in one place, that of the one device. Which device is meant is never
//! chosen here: two that differ are refused.

use super::{Fault, Found, Network, Payload, Remark};
use crate::secret::Secret;

/// Collects what was found. The same in another form is the same; of a cut payload and its whole,
/// the whole one is kept.
#[derive(Debug, Default)]
pub struct OneDevice(Option<Found>);

impl OneDevice {
    /// Adds one. Fails when it is another device's.
    pub fn add(&mut self, new: Found) -> Result<(), Fault> {
        match &self.0 {
            Some(known) if !agree(&known.payload, &new.payload) => return Err(Fault::Several),
            Some(known) if worth(&known.payload) >= worth(&new.payload) => {}
            _ => self.0 = Some(new),
        }
        Ok(())
    }

    /// The one, if any was found.
    pub fn found(self) -> Option<Found> {
        self.0
    }
}

/// Whether two payloads may be one. What is cut off may be anything; what the compact form cannot
/// say is no difference either.
fn agree(one: &Payload, other: &Payload) -> bool {
    fn same<T: PartialEq>(one: Option<T>, other: Option<T>, unsaid: bool) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => one == other,
            (None, None) => true,
            _ => unsaid,
        }
    }
    let cut = is_cut(one) || is_cut(other);
    let usual = |payload: &Payload| {
        let name = payload.username.clone();
        name.or_else(|| (!is_cut(payload)).then(|| "wifiprov".to_owned()))
    };
    let network = |payload: &Payload| payload.network.unwrap_or(Network::Wifi);
    same(one.name.as_deref(), other.name.as_deref(), cut)
        && same(pop(one), pop(other), cut)
        && same(one.transport.as_deref(), other.transport.as_deref(), cut)
        && same(usual(one), usual(other), cut)
        && (cut || network(one) == network(other))
        && same(one.security, other.security, true)
        && same(
            text(one.password.as_ref()),
            text(other.password.as_ref()),
            true,
        )
}

/// The whole one first, then the one that says more.
fn worth(payload: &Payload) -> (bool, usize) {
    let said = [
        payload.ver.is_some(),
        payload.name.is_some(),
        payload.username.is_some(),
        payload.pop.is_some(),
        payload.transport.is_some(),
        payload.security.is_some(),
        payload.network.is_some(),
        payload.password.is_some(),
    ];
    let said = said.into_iter().filter(|said| *said).count();
    (!is_cut(payload), said)
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
