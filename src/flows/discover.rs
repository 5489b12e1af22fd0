//! Lists the devices in reach: every candidate of a driver's scan, with its announcement or its version
//! document. Addresses that exist with or without a device are probed only on request. It needs no
//! session and changes nothing.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::try_join_all;

use super::connect::read_version_document;
use super::select;
use super::target::Target;
use super::{Event, FlowError, FlowStep, Run};
use crate::endpoint::version::Version;
use crate::session::Connection;
use crate::transport::{Candidate, Discovery, Medium, TransportError};

/// A device in reach.
#[derive(Clone, Debug)]
pub struct DiscoveredDevice {
    /// The announcement. The device's own version document replaces its data about security.
    pub device: Candidate,
    /// The version document; `None` if the device has no version endpoint or was not probed.
    pub version: Option<Version>,
    /// Why the version document could not be read, if several devices were probed.
    pub version_error: Option<Arc<FlowError>>,
}

/// A device that was not probed.
impl From<Candidate> for DiscoveredDevice {
    fn from(device: Candidate) -> Self {
        Self {
            device,
            version: None,
            version_error: None,
        }
    }
}

/// The devices in reach.
#[derive(Clone, Debug, Default)]
pub struct Discovered {
    /// The devices that match the target.
    pub devices: Vec<DiscoveredDevice>,
    /// All others that the scan found.
    pub others: Vec<DiscoveredDevice>,
}

impl Discovered {
    /// The error that no device matches, with the others that the scan found.
    pub fn no_candidate(&self, medium: &'static Medium) -> FlowError {
        let others = self.others.iter().map(|other| other.device.clone());
        select::no_candidate(medium, others.collect())
    }
}

/// Which candidates to probe for a version document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The one at a given address, or at the only address of the medium.
    Known,
    /// Also every address where a device is likely. Opening one can reset the device there, or disturb
    /// another kind of device.
    Likely,
    /// Also every other address that this computer lists.
    All,
}

/// Scans for the search time of the run's timing, and reports every device that it finds. The list is
/// empty if no device is in reach.
pub async fn discover(run: &Run, target: &Target, probe: Probe) -> Result<Discovered, FlowError> {
    let discovery = target.medium.discovery;
    let search = target.search(run.timing.search);
    let mut candidates = target.driver.scan(&search);
    let is_wanted = |candidate: &Candidate| target.admits(&candidate.hints);
    // The last announcement of a device replaces the earlier ones, even if it no longer matches.
    let mut seen = Vec::new();
    loop {
        let candidate = candidates.next().await;
        select::report_host_changes(run, &search.changes);
        match candidate {
            None => break,
            Some(Ok(candidate)) => {
                run.report(&Event::DeviceSeen {
                    device: candidate.clone(),
                    is_wanted: is_wanted(&candidate),
                });
                select::upsert(&mut seen, candidate);
            }
            Some(Err(TransportError::Unreachable { .. })) => {}
            Some(Err(error)) => return Err(error.into()),
        }
    }
    // An announcement has all data to show, so a device that announces itself needs no probe.
    let should_probe = |candidate: &Candidate| match discovery {
        _ if target.address.is_some() => true,
        Discovery::Announced => false,
        Discovery::Enumerated => match probe {
            Probe::Known => false,
            Probe::Likely => is_wanted(candidate),
            Probe::All => true,
        },
        Discovery::Fixed => true,
    };
    let describe = |candidate: Candidate| async move {
        let should_probe = should_probe(&candidate);
        let mut described = DiscoveredDevice::from(candidate);
        if !should_probe {
            return Ok(described);
        }
        match read_candidate_version(run, target, &described.device).await {
            Ok(version) => {
                if let Some(version) = &version {
                    let hints = &mut described.device.hints;
                    hints.sec_version = version.sec_ver.or(hints.sec_version);
                    hints.pop_required = version.pop_required.or(hints.pop_required);
                }
                described.version = version;
            }
            // The list has several devices, so one that fails does not fail the others.
            Err(error) if target.address.is_none() && discovery == Discovery::Enumerated => {
                described.version_error = Some(Arc::new(error));
            }
            Err(error) => return Err(error),
        }
        Ok(described)
    };
    let described = try_join_all(seen.into_iter().map(describe)).await?;
    let (devices, others) = described.into_iter().partition(|it| is_wanted(&it.device));
    Ok(Discovered { devices, others })
}

async fn read_candidate_version(
    run: &Run,
    target: &Target,
    candidate: &Candidate,
) -> Result<Option<Version>, FlowError> {
    let opening = target
        .driver
        .open(candidate, &target.options, &run.timing.limits);
    let transport = opening.await?.into_transport().await?;
    let mut connection = Connection::new(transport, candidate.service);
    let version = read_version_document(&mut connection).await?;
    let closed = connection.close().await;
    closed.map_err(FlowError::of_session(FlowStep::ReadingVersion))?;
    Ok(version)
}
