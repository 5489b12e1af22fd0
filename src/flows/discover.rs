//! Lists the devices in reach: every candidate of a driver's scan, and what each says about itself
//! before any keys: in its announcement, or else in its version document. It secures nothing and
//! changes nothing.

use futures_util::StreamExt as _;

use super::find::{self, Target};
use super::{Doing, FlowError, Pace};
use crate::endpoint::version::Version;
use crate::session::{Connection, SessionError};
use crate::transport::{self, Address, Candidate, Driver, Hints, TransportError, TransportKind};

/// A device in reach.
#[derive(Clone, Debug)]
pub struct Found {
    /// Over which transport.
    pub kind: TransportKind,
    /// Where it is.
    pub address: Address,
    /// The name that it announced.
    pub name: Option<String>,
    /// What else it announced.
    pub hints: Hints,
    /// What it says about itself; `None` where it has no version endpoint, or announced itself
    /// and was not asked.
    pub version: Option<Version>,
}

/// Looks for as long as `pace.search` allows. Nobody in reach is an empty list; whatever else is
/// in the way of an answer is an error.
pub async fn run(target: &Target, pace: &Pace) -> Result<Vec<Found>, FlowError> {
    let kind = target.kind;
    let driver = transport::driver(kind).ok_or(FlowError::UnsupportedTransport(kind))?;
    let mut candidates = driver.scan(&target.search(pace.search));
    let mut found = Vec::new();
    while let Some(candidate) = candidates.next().await {
        match candidate {
            Ok(candidate) => find::note(&mut found, candidate),
            Err(TransportError::Unreachable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    // Whoever announces itself has said what there is to show, and is left in peace.
    let was_announced = kind.announces() && target.address.is_none();
    let mut listed = Vec::new();
    for candidate in found {
        let announced = Found {
            kind: candidate.kind,
            address: candidate.address.clone(),
            name: candidate.name.clone(),
            hints: candidate.hints.clone(),
            version: None,
        };
        let version = if was_announced {
            None
        } else {
            look_at(driver, candidate, pace).await?
        };
        listed.push(Found {
            version,
            ..announced
        });
    }
    Ok(listed)
}

async fn look_at(
    driver: &dyn Driver,
    candidate: Candidate,
    pace: &Pace,
) -> Result<Option<Version>, FlowError> {
    let reading = |source| FlowError::Session {
        doing: Doing::ReadingVersion,
        source,
    };
    let service = candidate.service;
    let transport = driver.open(candidate, &pace.limits).await?;
    let mut connection = Connection::new(transport, service);
    let version = match connection.version().await {
        Ok(version) => Some(version),
        Err(SessionError::Transport(TransportError::NoSuchEndpoint { .. })) => None,
        Err(source) => return Err(reading(source)),
    };
    connection.close().await.map_err(reading)?;
    Ok(version)
}
