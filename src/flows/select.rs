//! Selects the device: runs a driver's scan and selects the candidate that the target describes. The
//! driver knows how to scan its medium.
//!
//! On a medium where devices announce themselves, an exact name or node id ends the scan at once. The
//! beginning of a name needs the whole scan, because a second device may match. Without a name, the user
//! can choose during the scan.

use std::cmp::Reverse;
use std::pin::pin;

use futures_util::StreamExt as _;
use futures_util::future::{Fuse, FusedFuture as _, FutureExt as _};

use super::growing::Growing;
use super::target::Target;
use super::{Choice, Chosen, Event, FlowError, Run, Warning};
use crate::transport::{Candidate, HostChanges, Medium};

/// Scans until one device is selected.
pub async fn select_device(run: &Run, target: &Target) -> Result<Candidate, FlowError> {
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
            let search = target.search(run.timing.search);
            let candidate = target.driver.scan(&search).next().await;
            report_host_changes(run, &search.changes);
            Some(candidate.ok_or_else(|| no_candidate(medium, Vec::new()))??)
        };
        // `None`: the user wants another scan.
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

/// Scans a medium with several devices for one of them; `None` if the user wants another scan.
async fn select_from_scan(run: &Run, target: &Target) -> Result<Option<Candidate>, FlowError> {
    let medium = target.medium;
    let search = target.search(run.timing.search);
    let mut scan = target.driver.scan(&search);
    let mut scanned = Scanned::default();
    let (grower, list) = Growing::start();
    let can_choose_early = target.announced_name().is_none() && medium.announces();
    let mut list = Some(list).filter(|_| can_choose_early);
    let mut choosing = pin!(Fuse::terminated());
    let early = loop {
        tokio::select! {
            biased;
            chosen = &mut choosing => match chosen {
                // A non-interactive run waits for the whole scan.
                Chosen::Nothing => {}
                chosen => break Some(chosen),
            },
            candidate = scan.next() => {
                let Some(candidate) = candidate else { break None };
                // A message would break the display of the list.
                if choosing.is_terminated() {
                    report_host_changes(run, &search.changes);
                }
                if scanned.add(candidate?, target) == Fit::Exact {
                    // If names are not unique, a second device with this name may be found already.
                    while !medium.names_are_unique
                        && let Some(Some(candidate)) = scan.next().now_or_never()
                    {
                        scanned.add(candidate?, target);
                    }
                    break None;
                }
                if !can_choose_early || scanned.fitting.is_empty() {
                    continue;
                }
                grower.show(scanned.fitting.clone());
                if let Some(list) = list.take() {
                    choosing.set(run.choose(Choice::Devices(list)).fuse());
                }
            }
        }
    };
    drop(scan);
    drop(grower);
    let was_asked = can_choose_early && list.is_none();
    let early = match early {
        None if !choosing.is_terminated() => Some(choosing.await),
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
    if matches!(early, None | Some(Chosen::Nothing)) {
        // Without a list on screen, the latest announcement counts.
        fitting.retain(|candidate| Fit::of(candidate, target) != Fit::None);
    }
    if early.is_none() {
        fitting.sort_by_key(|candidate| Reverse(candidate.hints.signal));
    }
    let chosen = match (early, &fitting[..]) {
        (None | Some(Chosen::Nothing), []) => {
            return Err(no_candidate(medium, others));
        }
        // Only this device matches the name, or is likely on a medium without announcements.
        (None, [_]) if target.announced_name().is_some() || !medium.announces() => Chosen::Item(0),
        (Some(chosen), _) => chosen,
        (None, _) => {
            let list = Growing::complete(fitting.clone());
            run.choose(Choice::Devices(list)).await
        }
    };
    match chosen {
        Chosen::Item(index) if index < fitting.len() => Ok(Some(fitting.swap_remove(index))),
        Chosen::Rescan => Ok(None),
        Chosen::Nothing if fitting.len() == 1 => Ok(fitting.pop()),
        Chosen::Nothing => {
            fitting.sort_by_key(|candidate| Reverse(candidate.hints.signal));
            let seen = fitting;
            Err(FlowError::Ambiguous { medium, seen })
        }
        Chosen::Declined | Chosen::Item(_) | Chosen::Manual(_) => Err(FlowError::Declined),
    }
}

/// The candidates of one scan. A candidate keeps its index in its list, and moves only to a list of a
/// better fit.
#[derive(Debug, Default)]
struct Scanned {
    exact: Vec<Candidate>,
    fitting: Vec<Candidate>,
    others: Vec<Candidate>,
}

/// How well a candidate matches the target.
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
            self.fitting.retain(|seen| !is_same(seen, &candidate));
        }
        if fit != Fit::None {
            self.others.retain(|seen| !is_same(seen, &candidate));
        }
        let is_listed = self.fitting.iter().any(|seen| is_same(seen, &candidate));
        let list = match fit {
            Fit::Exact => &mut self.exact,
            Fit::Possible => &mut self.fitting,
            Fit::None if is_listed => &mut self.fitting,
            Fit::None => &mut self.others,
        };
        upsert(list, candidate);
        fit
    }
}

/// Reports the settings of this computer that the driver changed.
pub(super) fn report_host_changes(run: &Run, changes: &HostChanges) {
    for message in changes.take() {
        run.warn(Warning::HostChanged, message);
    }
}

/// Adds a candidate, or replaces an earlier one of the same device.
pub(super) fn upsert(seen: &mut Vec<Candidate>, candidate: Candidate) {
    match seen.iter_mut().find(|earlier| is_same(earlier, &candidate)) {
        Some(earlier) => *earlier = candidate,
        None => seen.push(candidate),
    }
}

/// Whether both are the same device. If the medium has unique names, the name identifies a device, at
/// any address; otherwise the address does.
fn is_same(earlier: &Candidate, candidate: &Candidate) -> bool {
    if candidate.medium.names_are_unique {
        earlier.name.is_some() && earlier.name == candidate.name
    } else {
        earlier.address == candidate.address
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
    candidate.address.is_called(name) || names(candidate).any(|announced| announced == name)
}

fn begins_with(candidate: &Candidate, name: &str) -> bool {
    names(candidate).any(|announced| announced.starts_with(name))
}

/// The error that no device matches. It lists the others: those with a name first, then by signal.
pub(super) fn no_candidate(medium: &'static Medium, mut seen: Vec<Candidate>) -> FlowError {
    seen.sort_by_key(|device| (device.name.is_none(), Reverse(device.hints.signal)));
    FlowError::NoCandidate { medium, seen }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Service;
    use crate::transport::built_in_drivers;
    use crate::transport::{Address, Hints};

    fn medium(name: &str) -> &'static Medium {
        let drivers = built_in_drivers();
        let mut media = drivers.iter().map(|driver| driver.medium());
        media.find(|medium| medium.name == name).unwrap()
    }

    #[test]
    fn device_at_new_address_is_same_if_names_are_unique() {
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
        let addresses: Vec<String> = seen.iter().map(|seen| seen.address.to_string()).collect();
        let expected = [3, 2, 4, 5].map(|port| format!("127.0.0.1:{port}"));
        assert_eq!(addresses, expected);
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
    fn address_distinguishes_bluetooth_devices_with_equal_names() {
        let mut seen = Vec::new();
        for (name, id) in [("PROV_1", "a"), ("PROV_1", "b"), ("PROV_2", "a")] {
            upsert(&mut seen, bluetooth(name, id, None));
        }
        let names: Vec<_> = seen.iter().map(|seen| seen.name.as_deref()).collect();
        assert_eq!(names, [Some("PROV_2"), Some("PROV_1")]);
    }

    #[test]
    fn name_node_id_or_address_selects_device() {
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
