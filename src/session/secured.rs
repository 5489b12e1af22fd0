//! A session with the data for a new handshake with the same device.

use std::time::Duration;

use getrandom::SysRng;
use rand_core::UnwrapErr;
use tokio::time::{Instant, timeout_at};

use super::connection::Connection;
use super::error::SessionError;
use super::established::Session;
use super::handshakes::{HandshakePermit, Handshakes};
use crate::endpoint::ReplyError;
use crate::endpoint::version::Version;
use crate::security::{Credentials, SecurityScheme};
use crate::transport::{Candidate, Limits, Route};

/// A device with which espctl shares keys.
#[derive(Debug)]
pub struct Secured {
    /// The session.
    pub session: Session,
    /// The device's security scheme.
    pub scheme: SecurityScheme,
    /// The device's version document, read before the handshake.
    pub version: Version,
    /// The credentials that the device accepted.
    pub credentials: Credentials,
    /// The route to the device. Without one, a lost session cannot be reconnected.
    pub route: Option<Route>,
}

impl Secured {
    /// Opens a new connection and repeats the handshake, once. With the same device this costs no
    /// attempt. Another device at the same address counts at most one failed attempt, so a refusal
    /// is final. `within` does not include the wait for other handshakes.
    pub async fn reconnect(
        &mut self,
        handshakes: &Handshakes,
        within: Duration,
        limits: &Limits,
    ) -> Result<(), NotReconnected> {
        let mut deadline = Instant::now() + within;
        let route = self.route.clone().ok_or(SessionError::Lost)?;
        // A device serves one client. If the old connection were closed later, the device would
        // also close the new one.
        if let Err(error) = self.session.close().await {
            tracing::debug!(%error, "cannot close the lost connection");
        }
        let Some(Ok(candidate)) = route.find(within).await else {
            return Err(NotReconnected::Unreachable);
        };
        // A search can take long, so it needs no permit.
        let waiting = Instant::now();
        let permit = handshakes.begin().await;
        deadline += waiting.elapsed();
        let securing = self.secure(&route, &candidate, &permit, limits);
        let secured = timeout_at(deadline, securing).await;
        secured.unwrap_or(Err(NotReconnected::Unreachable))
    }

    async fn secure(
        &mut self,
        route: &Route,
        candidate: &Candidate,
        permit: &HandshakePermit,
        limits: &Limits,
    ) -> Result<(), NotReconnected> {
        let service = candidate.service;
        let transport = route.open(candidate, limits).await;
        let transport = transport.map_err(|_| NotReconnected::Unreachable)?;
        let mut connection = Connection::new(transport, service).recorded(route.transcript.clone());
        match connection.version().await {
            Ok(version) if version == self.version => {}
            Ok(_) => {
                let expected = "the version document of the lost device";
                return Err(SessionError::from(ReplyError::Unexpected { expected }).into());
            }
            Err(SessionError::Transport(error))
                if error.may_be_missing_endpoint() && self.version == Version::default() => {}
            Err(_) => return Err(NotReconnected::Unreachable),
        }
        let rng = UnwrapErr(SysRng);
        let keys = connection.agree(self.scheme, &self.credentials, rng, permit);
        let keys = keys.await?;
        self.session = connection.into_session(keys);
        Ok(())
    }
}

/// Why a device could not be reconnected.
#[derive(Debug)]
pub enum NotReconnected {
    /// The device answered, and would answer the same again.
    Final(SessionError),
    /// The device does not answer, or the connection broke; a later attempt may succeed.
    Unreachable,
}

impl From<SessionError> for NotReconnected {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Transport(_) => Self::Unreachable,
            other => Self::Final(other),
        }
    }
}
