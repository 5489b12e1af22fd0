//! Lists the devices in reach: every candidate of a driver's scan, and what each says about itself
//! before any keys. It secures nothing and changes nothing.

use futures_util::StreamExt as _;

use super::find::Target;
use super::{Doing, FlowError, Pace};
use crate::endpoint::version::Version;
use crate::session::{Connection, SessionError};
use crate::transport::{self, Candidate, Driver, Search, TransportError, TransportKind};

/// A device in reach.
#[derive(Clone, Debug)]
pub struct Found {
    /// Over which transport.
    pub kind: TransportKind,
    /// Where it is.
    pub address: String,
    /// The name that it announced.
    pub name: Option<String>,
    /// What it says about itself; `None` where it has no version endpoint.
    pub version: Option<Version>,
}

/// Looks for as long as `pace.search` allows. Nobody in reach is an empty list; whatever else is
/// in the way of an answer is an error.
pub async fn run(target: &Target, pace: &Pace) -> Result<Vec<Found>, FlowError> {
    let kind = target.kind;
    let driver = transport::driver(kind).ok_or(FlowError::UnsupportedTransport(kind))?;
    let mut candidates = driver.scan(&Search {
        address: target.address.clone(),
        wait: pace.search,
    });
    let mut found = Vec::new();
    while let Some(candidate) = candidates.next().await {
        match candidate {
            Ok(candidate) => found.push(look_at(driver, candidate, pace).await?),
            Err(TransportError::Unreachable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

async fn look_at(
    driver: &dyn Driver,
    candidate: Candidate,
    pace: &Pace,
) -> Result<Found, FlowError> {
    let reading = |source| FlowError::Session {
        doing: Doing::ReadingVersion,
        source,
    };
    let (kind, service) = (candidate.kind, candidate.service);
    let address = candidate.address.to_string();
    let name = candidate.name.clone();
    let transport = driver.open(candidate, &pace.limits).await?;
    let mut connection = Connection::new(transport, service);
    let version = match connection.version().await {
        Ok(version) => Some(version),
        Err(SessionError::Transport(TransportError::NoSuchEndpoint { .. })) => None,
        Err(source) => return Err(reading(source)),
    };
    connection.close().await.map_err(reading)?;
    Ok(Found {
        kind,
        address,
        name,
        version,
    })
}
