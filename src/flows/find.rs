//! Finds the device that is wanted: runs a driver's scan and takes what fits. How a medium is
//! searched is the driver's.
//!
//! Where devices announce themselves, an exact name or node id ends the search at once. Otherwise
//! it takes its whole time, because only then it is known who else is there: a name's beginning
//! that fits one device, somebody's choice, or the only one.

use std::cmp::Reverse;

use futures_util::{FutureExt as _, StreamExt as _};

use super::seen_device::SeenDevice;
use super::target::Target;
use super::{Choice, Chosen, Event, FlowError, Run, Warning};
use crate::transport::{Candidate, HostChanges, Medium};

/// Searches until the device that fits is known.
pub async fn find_device(run: &Run, target: &Target) -> Result<Candidate, FlowError> {
    let medium = target.medium;
    loop {
        run.report(&Event::SearchStarted {
            transport: medium,
            address: target.address.as_ref().map(ToString::to_string),
            name: target.announced_name().map(str::to_owned),
        });
        let found = if medium.has_a_choice() && target.address.is_none() {
            among(run, target).await?
        } else {
            let search = target.search(run.pace.search);
            let found = target.driver.scan(&search).next().await;
            tell(run, &search.changes);
            Some(found.ok_or_else(|| nobody(medium, &[]))??)
        };
        // Otherwise: look again.
        if let Some(candidate) = found {
            run.report(&Event::DeviceFound {
                transport: candidate.medium,
                address: candidate.address.to_string(),
                name: candidate.name.clone(),
                node_id: candidate.hints.node_id.clone(),
            });
            return Ok(candidate);
        }
    }
}

/// The one among those that announce themselves; `None` when somebody wants to look again.
async fn among(run: &Run, target: &Target) -> Result<Option<Candidate>, FlowError> {
    let medium = target.medium;
    let search = target.search(run.pace.search);
    let mut scan = target.driver.scan(&search);
    let mut seen: Vec<Candidate> = Vec::new();
    let mut exact: Vec<Candidate> = Vec::new();
    while let Some(candidate) = scan.next().await {
        tell(run, &search.changes);
        let candidate = candidate?;
        if is_wanted(&candidate, target, is_called) {
            note(&mut exact, candidate);
            // Another one of the same name counts if it was seen at the same time.
            while !medium.names_are_unique
                && let Some(Some(other)) = scan.next().now_or_never()
            {
                let of = other?;
                note(
                    if is_wanted(&of, target, is_called) {
                        &mut exact
                    } else {
                        &mut seen
                    },
                    of,
                );
            }
            break;
        }
        note(&mut seen, candidate);
    }
    drop(scan);
    let (mut fitting, others): (Vec<Candidate>, Vec<Candidate>) =
        match (target.announced_name(), exact.len()) {
            (Some(_), 1..) => (exact, seen),
            (Some(_), 0) => seen
                .into_iter()
                .partition(|one| !target.is_whole_name && is_wanted(one, target, begins_with)),
            (None, _) => seen.into_iter().partition(|one| target.admits(&one.hints)),
        };
    fitting.sort_by_key(|one| Reverse(one.hints.signal));
    let listed: Vec<SeenDevice> = fitting.iter().map(SeenDevice::of).collect();
    let chosen = match &listed[..] {
        [] => {
            let others: Vec<SeenDevice> = others.iter().map(SeenDevice::of).collect();
            return Err(nobody(medium, &others));
        }
        // Named by its beginning, and only one is: nothing is left to choose.
        [_] if target.announced_name().is_some() => Chosen::Item(0),
        // Of those that say nothing, the only likely one.
        [_] if !medium.announces() => Chosen::Item(0),
        _ => run.choose(Choice::Devices(&listed)).await,
    };
    match chosen {
        Chosen::Item(index) if index < fitting.len() => Ok(Some(fitting.swap_remove(index))),
        Chosen::Rescan => Ok(None),
        // Nobody is there to choose.
        Chosen::Nothing if fitting.len() == 1 => Ok(fitting.pop()),
        Chosen::Nothing => Err(FlowError::Ambiguous {
            medium,
            seen: listed,
        }),
        Chosen::Declined | Chosen::Item(_) | Chosen::Manual(_) => Err(FlowError::Declined),
    }
}

/// Passes on what the driver did to this computer.
pub(super) fn tell(run: &Run, changes: &HostChanges) {
    for message in changes.take() {
        let id = Warning::HostChanged;
        run.report(&Event::Warned { id, message });
    }
}

/// Adds a device to those that were seen. Where names are unique, one that went and came back is
/// the same one under its name, wherever it is now; elsewhere, one with the same address is.
pub(super) fn note(seen: &mut Vec<Candidate>, candidate: Candidate) {
    let known = seen.iter_mut().find(|known| {
        if candidate.medium.names_are_unique {
            known.name.is_some() && known.name == candidate.name
        } else {
            known.address == candidate.address
        }
    });
    match known {
        Some(known) => *known = candidate,
        None => seen.push(candidate),
    }
}

fn is_wanted(
    candidate: &Candidate,
    target: &Target,
    is_meant: fn(&Candidate, &str) -> bool,
) -> bool {
    target
        .announced_name()
        .is_some_and(|name| is_meant(candidate, name))
        && target.admits(&candidate.hints)
}

fn names(candidate: &Candidate) -> impl Iterator<Item = &str> {
    candidate
        .name
        .as_deref()
        .into_iter()
        .chain(candidate.hints.node_id.as_deref())
}

fn is_called(candidate: &Candidate, name: &str) -> bool {
    candidate.address.is_called(name) || names(candidate).any(|one| one == name)
}

fn begins_with(candidate: &Candidate, name: &str) -> bool {
    names(candidate).any(|one| one.starts_with(name))
}

/// The wanted one is not there. Of the others, those with a name and a strong signal come first.
pub(super) fn nobody(medium: &'static Medium, others: &[SeenDevice]) -> FlowError {
    let mut seen = others.to_vec();
    seen.sort_by_key(|one| (one.name.is_none(), Reverse(one.hints.signal)));
    FlowError::NoCandidate { medium, seen }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::proto::Service;
    use crate::transport::built_in_drivers;
    use crate::transport::{Address, Hints};

    fn medium(name: &str) -> &'static Medium {
        let drivers = built_in_drivers();
        let mut media = drivers.iter().map(|driver| driver.medium(&Host::this()));
        media.find(|medium| medium.name == name).unwrap()
    }

    #[test]
    fn a_device_that_went_and_came_back_is_one_device() {
        let candidate = |name: Option<&str>, port: u16| Candidate {
            name: name.map(str::to_owned),
            ..Candidate::new(
                medium("on-network"),
                Address::new(format!("127.0.0.1:{port}")),
                Service::LocalControl,
            )
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

    fn bluetooth(name: &str, id: &str, node_id: Option<&str>) -> Candidate {
        let address = Address::new("C0:FF:EE:00:00:01").with_id(id);
        Candidate {
            name: Some(name.to_owned()),
            hints: Hints {
                node_id: node_id.map(str::to_owned),
                ..Hints::default()
            },
            ..Candidate::new(medium("ble"), address, Service::Provisioning)
        }
    }

    #[test]
    fn bluetooth_devices_with_one_name_are_told_apart_by_address() {
        let mut seen = Vec::new();
        for (name, id) in [("PROV_1", "a"), ("PROV_1", "b"), ("PROV_2", "a")] {
            note(&mut seen, bluetooth(name, id, None));
        }
        let names: Vec<_> = seen.iter().map(|one| one.name.as_deref()).collect();
        assert_eq!(names, [Some("PROV_2"), Some("PROV_1")]);
    }

    #[test]
    fn device_is_called_by_name_node_id_or_address() {
        let device = bluetooth("PROV_1", "hci0/dev_C0", Some("node1"));
        for name in ["PROV_1", "node1", "hci0/dev_C0", "c0:ff:ee:00:00:01"] {
            assert!(is_called(&device, name), "{name}");
        }
        for name in ["", "PROV", "PROV_12", "prov_1", "node", "HCI0/dev_C0"] {
            assert!(!is_called(&device, name), "{name}");
        }
        for (beginning, fits) in [
            ("", true),
            ("PROV", true),
            ("node", true),
            ("ROV_1", false),
            ("PROV_12", false),
            ("C0", false),
        ] {
            assert_eq!(begins_with(&device, beginning), fits, "{beginning}");
        }
    }
}
