//! Finds the device that is wanted: runs a driver's scan and takes what fits. How a medium is
//! searched is the driver's.
//!
//! Where devices announce themselves, an exact name or node id ends the search at once. Otherwise
//! it takes its whole time, because only then it is known who else is there: a name's beginning
//! that fits one device, somebody's choice, or the only one.

use futures_util::StreamExt as _;

use super::{Choice, Chosen, Event, FlowError, Observer, Pace};
use crate::transport::record::Transcript;
use crate::transport::{self, Address, Candidate, Driver, Hints, Search, TransportKind};

/// Which device, and where.
#[derive(Clone, Debug)]
pub struct Target {
    /// Over which transport.
    pub kind: TransportKind,
    /// Where it is, when that is known.
    pub address: Option<Address>,
    /// What it is called: its name, the beginning of it, or its node id. Over media that announce
    /// nothing, for messages only.
    pub name: Option<String>,
    /// On which of this computer's interfaces to look; all of them when not said.
    pub interface: Option<String>,
    /// Another port than that of mDNS, which keeps tests apart.
    pub mdns_port: Option<u16>,
    /// Where the conversation with it is taken down.
    pub transcript: Option<Transcript>,
}

impl Target {
    /// Any device of a kind.
    pub fn of_kind(kind: TransportKind) -> Self {
        Self {
            kind,
            address: None,
            name: None,
            interface: None,
            mdns_port: None,
            transcript: None,
        }
    }

    /// What a driver needs to know of it.
    pub(super) fn search(&self, wait: std::time::Duration) -> Search {
        Search {
            address: self.address.clone(),
            interface: self.interface.clone(),
            mdns_port: self.mdns_port,
            wait,
        }
    }
}

/// A device that was seen, as lists show it.
#[derive(Clone, Debug)]
pub struct Sighted {
    /// The name that it announced.
    pub name: Option<String>,
    /// Where it is.
    pub address: Address,
    /// What else it announced.
    pub hints: Hints,
}

impl Sighted {
    fn of(candidate: &Candidate) -> Self {
        Self {
            name: candidate.name.clone(),
            address: candidate.address.clone(),
            hints: candidate.hints.clone(),
        }
    }
}

/// Searches until the device that fits is known.
pub async fn run(
    target: &Target,
    pace: &Pace,
    observer: &mut dyn Observer,
) -> Result<(&'static dyn Driver, Candidate), FlowError> {
    let kind = target.kind;
    let driver = transport::driver(kind).ok_or(FlowError::UnsupportedTransport(kind))?;
    loop {
        observer.event(&Event::SearchStarted {
            transport: kind,
            address: target.address.as_ref().map(ToString::to_string),
        });
        let found = if kind.announces() && target.address.is_none() {
            among(driver, target, pace, observer).await?
        } else {
            let mut found = driver.scan(&target.search(pace.search));
            Some(found.next().await.ok_or_else(|| nobody(kind, &[]))??)
        };
        // Otherwise: look again.
        if let Some(candidate) = found {
            observer.event(&Event::DeviceFound {
                transport: candidate.kind,
                address: candidate.address.to_string(),
                name: candidate.name.clone(),
                node_id: candidate.hints.node_id.clone(),
            });
            return Ok((driver, candidate));
        }
    }
}

/// The one among those that announce themselves; `None` when somebody wants to look again.
async fn among(
    driver: &dyn Driver,
    target: &Target,
    pace: &Pace,
    observer: &mut dyn Observer,
) -> Result<Option<Candidate>, FlowError> {
    let kind = target.kind;
    let mut scan = driver.scan(&target.search(pace.search));
    let mut seen: Vec<Candidate> = Vec::new();
    while let Some(candidate) = scan.next().await {
        let candidate = candidate?;
        if target
            .name
            .as_deref()
            .is_some_and(|name| is_called(&candidate, name))
        {
            return Ok(Some(candidate));
        }
        note(&mut seen, candidate);
    }
    drop(scan);
    let mut fitting: Vec<Candidate> = match &target.name {
        None => std::mem::take(&mut seen),
        Some(name) => {
            let (fitting, others) = seen.into_iter().partition(|one| begins_with(one, name));
            seen = others;
            fitting
        }
    };
    let listed: Vec<Sighted> = fitting.iter().map(Sighted::of).collect();
    let chosen = match &listed[..] {
        [] => {
            let seen: Vec<Sighted> = seen.iter().map(Sighted::of).collect();
            return Err(nobody(kind, &seen));
        }
        // Named by its beginning, and only one is: nothing is left to choose.
        [_] if target.name.is_some() => Chosen::Item(0),
        _ => observer.choose(&Choice::Devices(&listed)).await,
    };
    match chosen {
        Chosen::Item(index) if index < fitting.len() => Ok(Some(fitting.swap_remove(index))),
        Chosen::Rescan => Ok(None),
        // Nobody is there to choose.
        Chosen::Nothing if fitting.len() == 1 => Ok(fitting.pop()),
        Chosen::Nothing => Err(FlowError::Ambiguous {
            kind,
            seen: listed.iter().map(describe).collect(),
        }),
        Chosen::Declined | Chosen::Item(_) | Chosen::Manual(_) => Err(FlowError::Declined),
    }
}

/// Adds a device to those that were seen. One that went and came back is the same one under its
/// name, wherever it is now.
pub(super) fn note(seen: &mut Vec<Candidate>, candidate: Candidate) {
    let known = seen
        .iter_mut()
        .find(|known| known.name.is_some() && known.name == candidate.name);
    match known {
        Some(known) => *known = candidate,
        None => seen.push(candidate),
    }
}

fn names(candidate: &Candidate) -> impl Iterator<Item = &str> {
    candidate
        .name
        .as_deref()
        .into_iter()
        .chain(candidate.hints.node_id.as_deref())
}

fn is_called(candidate: &Candidate, name: &str) -> bool {
    names(candidate).any(|one| one == name)
}

fn begins_with(candidate: &Candidate, name: &str) -> bool {
    names(candidate).any(|one| one.starts_with(name))
}

fn nobody(kind: TransportKind, seen: &[Sighted]) -> FlowError {
    FlowError::NoCandidate {
        kind,
        seen: seen.iter().map(describe).collect(),
    }
}

/// In messages.
fn describe(sighted: &Sighted) -> String {
    let name = sighted.name.as_deref().unwrap_or("without a name");
    let name = crate::ident::printable(name.as_bytes());
    match &sighted.hints.node_id {
        Some(node_id) if Some(node_id) != sighted.name.as_ref() => {
            let node_id = crate::ident::printable(node_id.as_bytes());
            format!("{name} (node {node_id}) at {}", sighted.address)
        }
        _ => format!("{name} at {}", sighted.address),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Service;

    #[test]
    fn a_device_that_went_and_came_back_is_one_device() {
        let candidate = |name: Option<&str>, port: u16| Candidate {
            address: Address::Http {
                host: "127.0.0.1".to_owned(),
                port,
            },
            handle: None,
            kind: TransportKind::OnNetwork,
            name: name.map(str::to_owned),
            hints: Hints::default(),
            service: Service::LocalControl,
        };
        let mut seen = Vec::new();
        for (name, port) in [
            (Some("Lamp"), 1),
            (Some("Socket"), 2),
            (Some("Lamp"), 3),
            (None, 4),
            (None, 5),
        ] {
            note(&mut seen, candidate(name, port));
        }
        let told: Vec<String> = seen.iter().map(|one| one.address.to_string()).collect();
        let expected = [3, 2, 4, 5].map(|port| format!("127.0.0.1:{port}"));
        assert_eq!(told, expected);
    }
}
