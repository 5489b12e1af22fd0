//! Selects the device: runs a driver's scan and picks the candidate that the target describes. How a
//! medium is scanned is up to its driver.
//!
//! Over a medium on which devices announce themselves, an exact name or node id ends the scan at once.
//! The beginning of a name needs the whole scan, because only then it is known that no second device
//! fits. Without any name a person can choose while the scan goes on.

use std::cmp::Reverse;
use std::pin::pin;

use futures_util::future::{Fuse, FutureExt as _};
use futures_util::{StreamExt as _, stream::BoxStream};

use super::growing::Growing;
use super::seen_device::SeenDevice;
use super::target::Target;
use super::{Choice, Chosen, Event, FlowError, Run, Warning};
use crate::transport::{Candidate, HostChanges, Medium, TransportError};

/// Scans until one device is selected.
pub async fn find_device(run: &Run, target: &Target) -> Result<Candidate, FlowError> {
    let medium = target.medium;
    loop {
        run.report(&Event::SearchStarted {
            transport: medium,
            address: target.address.as_ref().map(ToString::to_string),
            name: target.announced_name().map(str::to_owned),
        });
        let selected = if medium.has_a_choice() && target.address.is_none() {
            select_from_scan(run, target).await?
        } else {
            let search = target.search(run.pace.search);
            let found = target.driver.scan(&search).next().await;
            report_host_changes(run, &search.changes);
            Some(found.ok_or_else(|| no_candidate(medium, &[]))??)
        };
        // `None` is the wish to scan again.
        if let Some(candidate) = selected {
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

/// Scans a medium with several devices for one of them; `None` if a person wants to scan again.
async fn select_from_scan(run: &Run, target: &Target) -> Result<Option<Candidate>, FlowError> {
    let medium = target.medium;
    let search = target.search(run.pace.search);
    let mut scan = target.driver.scan(&search);
    let mut scanned = Scanned::default();
    let (grower, list) = Growing::start();
    let can_choose_early = target.announced_name().is_none() && medium.announces();
    let mut list = Some(list).filter(|_| can_choose_early);
    let mut choosing = pin!(Fuse::terminated());
    let mut is_choosing = false;
    let early = loop {
        tokio::select! {
            biased;
            chosen = &mut choosing => {
                is_choosing = false;
                match chosen {
                    // Without a person to choose, the whole scan decides.
                    Chosen::Nothing => {}
                    chosen => break Some(chosen),
                }
            }
            candidate = scan.next() => {
                let Some(candidate) = candidate else { break None };
                // A message would tear a list that is shown.
                if !is_choosing {
                    report_host_changes(run, &search.changes);
                }
                if scanned.add(candidate?, target) == Fit::Exact {
                    scanned.add_simultaneous(&mut scan, target)?;
                    break None;
                }
                if !can_choose_early || scanned.fitting.is_empty() {
                    continue;
                }
                grower.show(list_devices(&scanned.fitting));
                if let Some(list) = list.take() {
                    is_choosing = true;
                    choosing.set(run.choose(Choice::Devices(list)).fuse());
                }
            }
        }
    };
    drop(scan);
    drop(grower);
    let was_asked = can_choose_early && list.is_none();
    let early = match early {
        None if is_choosing => Some(choosing.await),
        None if was_asked => Some(Chosen::Nothing),
        early => early,
    };
    report_host_changes(run, &search.changes);

    let Scanned {
        exact,
        fitting,
        others,
    } = scanned;
    let mut fitting = if exact.is_empty() { fitting } else { exact };
    if early.is_none() {
        fitting.sort_by_key(|candidate| Reverse(candidate.hints.signal));
    }
    let chosen = match (early, &fitting[..]) {
        (Some(chosen), _) => chosen,
        (None, []) => return Err(no_candidate(medium, &list_devices(&others))),
        // A name or its beginning fits only this one.
        (None, [_]) if target.announced_name().is_some() => Chosen::Item(0),
        // The only likely one over a medium on which devices do not announce themselves.
        (None, [_]) if !medium.announces() => Chosen::Item(0),
        (None, _) => {
            let list = Growing::complete(list_devices(&fitting));
            run.choose(Choice::Devices(list)).await
        }
    };
    match chosen {
        Chosen::Item(index) if index < fitting.len() => Ok(Some(fitting.swap_remove(index))),
        Chosen::Rescan => Ok(None),
        Chosen::Nothing if fitting.len() == 1 => Ok(fitting.pop()),
        Chosen::Nothing => {
            fitting.sort_by_key(|candidate| Reverse(candidate.hints.signal));
            Err(FlowError::Ambiguous {
                medium,
                seen: list_devices(&fitting),
            })
        }
        Chosen::Declined | Chosen::Item(_) | Chosen::Manual(_) => Err(FlowError::Declined),
    }
}

/// The candidates of one scan. Each keeps its place in its list, and moves only to a better one.
#[derive(Debug, Default)]
struct Scanned {
    exact: Vec<Candidate>,
    fitting: Vec<Candidate>,
    others: Vec<Candidate>,
}

/// How well a candidate fits what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Exact,
    Possible,
    None,
}

impl Fit {
    fn of(candidate: &Candidate, target: &Target) -> Self {
        match target.announced_name() {
            _ if !target.admits(&candidate.hints) => Self::None,
            None => Self::Possible,
            Some(name) if is_called(candidate, name) => Self::Exact,
            Some(name) if !target.is_whole_name && begins_with(candidate, name) => Self::Possible,
            Some(_) => Self::None,
        }
    }
}

impl Scanned {
    fn add(&mut self, candidate: Candidate, target: &Target) -> Fit {
        let fit = Fit::of(&candidate, target);
        if fit == Fit::Exact {
            self.fitting.retain(|known| !is_same(known, &candidate));
        }
        if fit != Fit::None {
            self.others.retain(|known| !is_same(known, &candidate));
        }
        let has_place = self.fitting.iter().any(|known| is_same(known, &candidate));
        let list = match fit {
            Fit::Exact => &mut self.exact,
            Fit::Possible => &mut self.fitting,
            Fit::None if has_place => &mut self.fitting,
            Fit::None => &mut self.others,
        };
        upsert(list, candidate);
        fit
    }

    /// Adds the candidates that the scan has found by now: where names are not unique, a second device
    /// of the same name may be among them.
    fn add_simultaneous(
        &mut self,
        scan: &mut BoxStream<'static, Result<Candidate, TransportError>>,
        target: &Target,
    ) -> Result<(), FlowError> {
        if target.medium.names_are_unique {
            return Ok(());
        }
        while let Some(Some(candidate)) = scan.next().now_or_never() {
            self.add(candidate?, target);
        }
        Ok(())
    }
}

fn list_devices(candidates: &[Candidate]) -> Vec<SeenDevice> {
    candidates.iter().map(SeenDevice::of).collect()
}

/// Reports what the driver changed on this computer.
pub(super) fn report_host_changes(run: &Run, changes: &HostChanges) {
    for message in changes.take() {
        let id = Warning::HostChanged;
        run.report(&Event::Warned { id, message });
    }
}

/// Adds a candidate, or replaces what was known about it.
pub(super) fn upsert(seen: &mut Vec<Candidate>, candidate: Candidate) {
    match seen.iter_mut().find(|known| is_same(known, &candidate)) {
        Some(known) => *known = candidate,
        None => seen.push(candidate),
    }
}

/// Whether both are the same device: over a medium with unique names one with the same name, wherever
/// it is now; elsewhere one with the same address.
fn is_same(known: &Candidate, candidate: &Candidate) -> bool {
    if candidate.medium.names_are_unique {
        known.name.is_some() && known.name == candidate.name
    } else {
        known.address == candidate.address
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
    candidate.address.is_called(name) || names(candidate).any(|known| known == name)
}

fn begins_with(candidate: &Candidate, name: &str) -> bool {
    names(candidate).any(|known| known.starts_with(name))
}

/// No device fits. Of the others, those with a name and a strong signal come first.
pub(super) fn no_candidate(medium: &'static Medium, others: &[SeenDevice]) -> FlowError {
    let mut seen = others.to_vec();
    seen.sort_by_key(|device| (device.name.is_none(), Reverse(device.hints.signal)));
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
            upsert(&mut seen, candidate(name, port));
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
            upsert(&mut seen, bluetooth(name, id, None));
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
