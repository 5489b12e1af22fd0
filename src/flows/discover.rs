//! Lists the devices in reach: every candidate of a driver's scan, and what each says about itself
//! before any keys: in its announcement, or else in its version document. Places that exist whether
//! or not a device is there are asked only when that is wanted. It secures nothing and changes nothing.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::{try_join, try_join_all};

use super::find;
use super::seen_device::SeenDevice;
use super::target::Target;
use super::{Event, FlowError, FlowStep, Run};
use crate::endpoint::version::Version;
use crate::session::{Connection, SessionError};
use crate::transport::{Address, Candidate, Discovery, Hints, Medium, TransportError};

/// A device in reach.
#[derive(Clone, Debug)]
pub struct Found {
    /// Over which transport.
    pub medium: &'static Medium,
    /// Where it is.
    pub address: Address,
    /// The name that it announced.
    pub name: Option<String>,
    /// What else it announced.
    pub hints: Hints,
    /// What it says about itself; `None` where it has no version endpoint, or was not asked.
    pub version: Option<Version>,
    /// Why it did not say it, where several were asked.
    pub silence: Option<Arc<FlowError>>,
}

impl Found {
    /// As lists of announced devices show it.
    pub fn seen(&self) -> SeenDevice {
        SeenDevice {
            medium: self.medium,
            name: self.name.clone(),
            address: self.address.clone(),
            hints: self.hints.clone(),
        }
    }
}

/// A device that was not asked what it is.
impl From<SeenDevice> for Found {
    fn from(device: SeenDevice) -> Self {
        let SeenDevice {
            medium,
            name,
            address,
            hints,
        } = device;
        Self {
            medium,
            address,
            name,
            hints,
            version: None,
            silence: None,
        }
    }
}

/// Who is in reach.
#[derive(Clone, Debug, Default)]
pub struct Discovered {
    /// Devices that could be provisioned, or that were asked for.
    pub devices: Vec<Found>,
    /// Whatever else announces itself there.
    pub others: Vec<Found>,
}

impl Discovered {
    /// The error that no device fits, with the devices that were seen.
    pub fn no_candidate(&self, medium: &'static Medium) -> FlowError {
        find::no_candidate(
            medium,
            &self.others.iter().map(Found::seen).collect::<Vec<_>>(),
        )
    }
}

/// Whom to ask what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The one at a known address, or where devices do not announce themselves.
    Known,
    /// Also every place where a device is likely: to open one can reset the device there, or disturb
    /// whatever else it is.
    Likely,
    /// Also every other place that this computer lists.
    All,
}

/// Looks for as long as the pace of the run allows, and reports every device that it sees. Nobody in reach is an empty list; whatever else is
/// in the way of an answer is an error.
pub async fn discover(run: &Run, target: &Target, probe: Probe) -> Result<Discovered, FlowError> {
    let discovery = target.medium.discovery;
    let search = target.search(run.pace.search);
    let mut candidates = target.driver.scan(&search);
    let is_wanted = |candidate: &Candidate| target.admits(&candidate.hints);
    // One list: what a device says may change, and its last word counts.
    let mut seen = Vec::new();
    loop {
        let candidate = candidates.next().await;
        find::report_host_changes(run, &search.changes);
        match candidate {
            None => break,
            Some(Ok(candidate)) => {
                run.report(&Event::DeviceSeen {
                    device: SeenDevice::of(&candidate),
                    is_wanted: is_wanted(&candidate),
                });
                find::upsert(&mut seen, candidate);
            }
            Some(Err(TransportError::Unreachable { .. })) => {}
            Some(Err(error)) => return Err(error.into()),
        }
    }
    let (wanted, others): (Vec<Candidate>, Vec<Candidate>) = seen.into_iter().partition(is_wanted);
    // Whoever announces itself has said what there is to show, and is left in peace.
    let is_asked = |was_wanted: bool| match discovery {
        _ if target.address.is_some() => true,
        Discovery::Announced => false,
        Discovery::Enumerated => match probe {
            Probe::Known => false,
            Probe::Likely => was_wanted,
            Probe::All => true,
        },
        Discovery::Fixed => true,
    };
    let look = |candidate: Candidate, is_asked: bool| async move {
        let announced = Found::from(SeenDevice::of(&candidate));
        if !is_asked {
            return Ok(announced);
        }
        match look_at(run, target, &candidate).await {
            Ok(version) => Ok(Found {
                version,
                ..announced
            }),
            // One of several that were asked: what the others say counts, too.
            Err(silence) if target.address.is_none() && discovery == Discovery::Enumerated => {
                Ok(Found {
                    silence: Some(Arc::new(silence)),
                    ..announced
                })
            }
            Err(error) => Err(error),
        }
    };
    let devices = try_join_all(wanted.into_iter().map(|one| look(one, is_asked(true))));
    let others = try_join_all(others.into_iter().map(|one| look(one, is_asked(false))));
    let (devices, others) = try_join(devices, others).await?;
    Ok(Discovered { devices, others })
}

async fn look_at(
    run: &Run,
    target: &Target,
    candidate: &Candidate,
) -> Result<Option<Version>, FlowError> {
    let reading = |source| FlowError::Session {
        step: FlowStep::ReadingVersion,
        source,
    };
    let service = candidate.service;
    let opening = target
        .driver
        .open(candidate, &target.options, &run.pace.limits);
    let transport = opening.await?.into_transport().await?;
    let mut connection = Connection::new(transport, service);
    let version = match connection.version().await {
        Ok(version) => Some(version),
        Err(SessionError::Transport(error)) if error.may_be_missing_endpoint() => None,
        Err(source) => return Err(reading(source)),
    };
    connection.close().await.map_err(reading)?;
    Ok(version)
}
