//! Finds the device that is wanted: runs a driver's scan and takes what fits. How a medium is
//! searched is the driver's.

use futures_util::StreamExt as _;

use super::{Event, FlowError, Observer, Pace};
use crate::transport::record::Transcript;
use crate::transport::{self, Address, Candidate, Driver, Search, TransportKind};

/// Which device, and where.
#[derive(Clone, Debug)]
pub struct Target {
    /// Over which transport.
    pub kind: TransportKind,
    /// Where it is, when that is known.
    pub address: Option<Address>,
    /// Where the conversation with it is taken down.
    pub transcript: Option<Transcript>,
}

/// Searches until the first device that fits.
pub async fn run(
    target: &Target,
    pace: &Pace,
    observer: &mut dyn Observer,
) -> Result<(&'static dyn Driver, Candidate), FlowError> {
    let kind = target.kind;
    let driver = transport::driver(kind).ok_or(FlowError::UnsupportedTransport(kind))?;
    let search = Search {
        address: target.address.clone(),
        wait: pace.search,
    };
    observer.event(&Event::SearchStarted {
        transport: kind,
        address: target.address.as_ref().map(ToString::to_string),
    });

    let mut found = driver.scan(&search);
    let candidate = found
        .next()
        .await
        .ok_or(FlowError::NoCandidate { kind })??;
    observer.event(&Event::DeviceFound {
        transport: candidate.kind,
        address: candidate.address.to_string(),
        name: candidate.name.clone(),
    });
    Ok((driver, candidate))
}
