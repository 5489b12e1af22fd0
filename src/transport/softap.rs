//! The `softap` driver: a device that offers its own hotspot and answers at a known address.
//! Joining that hotspot is the person's; what travels over HTTP is `http`'s.
//!
//! Source: `NP/src/scheme_softap.c`.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::time::{Instant, sleep};

use super::http::{HttpTransport, Socket};
use super::{
    Address, Candidate, DEVICE_PORT, Driver, Handle, Hints, Limits, Remarks, SOFTAP_HOST, Search,
    Transport, TransportError, TransportKind,
};
use crate::proto::Service;

/// A device's hotspot.
#[derive(Debug)]
pub(super) struct SoftAp;

#[async_trait]
impl Driver for SoftAp {
    fn kind(&self) -> TransportKind {
        TransportKind::SoftAp
    }

    /// One device at most: the one that answers at the address. Keeps trying, because the
    /// hotspot may be joined while we wait.
    fn scan(&self, search: &Search) -> BoxStream<'static, Result<Candidate, TransportError>> {
        let address = search.address.clone().unwrap_or_else(default_address);
        let interface = search.interface.clone();
        let deadline = Instant::now() + search.wait;
        stream::once(async move {
            let socket = first_answer(&address, interface.as_deref(), deadline).await?;
            Ok(Candidate {
                address,
                handle: Some(Handle::new(socket)),
                kind: TransportKind::SoftAp,
                name: None,
                hints: Hints::default(),
                remarks: Remarks::default(),
                service: Service::Provisioning,
            })
        })
        .boxed()
    }

    async fn open(
        &self,
        candidate: Candidate,
        limits: &Limits,
    ) -> Result<Box<dyn Transport>, TransportError> {
        // The scan's own socket: a device has room for one, and a second would evict it.
        let found = candidate.handle.and_then(Handle::take::<Socket>);
        let socket = match found {
            Some(socket) => socket,
            None => Socket::connect(&candidate.address, None, limits.connect).await?,
        };
        Ok(Box::new(HttpTransport::new(
            candidate.address,
            socket,
            limits.clone(),
        )))
    }
}

async fn first_answer(
    address: &Address,
    interface: Option<&str>,
    deadline: Instant,
) -> Result<Socket, TransportError> {
    loop {
        let left = deadline
            .saturating_duration_since(Instant::now())
            .clamp(SHORTEST, LONGEST);
        match Socket::connect(address, interface, left).await {
            Err(TransportError::Unreachable { .. }) if Instant::now() + BETWEEN < deadline => {
                sleep(BETWEEN).await;
            }
            outcome => return outcome,
        }
    }
}

fn default_address() -> Address {
    Address::Http {
        host: SOFTAP_HOST.to_owned(),
        port: DEVICE_PORT,
    }
}

/// Between two attempts to connect.
const BETWEEN: Duration = Duration::from_millis(200);
/// Even with no time to wait, one attempt is made.
const SHORTEST: Duration = Duration::from_millis(100);
/// An attempt keeps the route that it began with: one from before the hotspot was joined goes
/// nowhere, for as long as the system tries.
const LONGEST: Duration = Duration::from_secs(2);
