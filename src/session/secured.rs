//! A session with the data for a new handshake with the same device.

use std::time::Duration;

use getrandom::SysRng;
use rand_core::UnwrapErr;

use super::connection::Connection;
use super::error::SessionError;
use super::established::Session;
use super::handshakes::HandshakePermit;
use crate::endpoint::ReplyError;
use crate::endpoint::version::Version;
use crate::security::{Credentials, SecurityScheme};
use crate::transport::{Limits, Route};

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
    /// A session that cannot be reconnected.
    pub fn without_route(session: Session, scheme: SecurityScheme) -> Self {
        Self {
            session,
            scheme,
            version: Version::default(),
            credentials: Credentials::None,
            route: None,
        }
    }

    /// Opens a new connection and repeats the handshake, once. With the same device this costs no
    /// attempt. Another device at the same address counts at most one failed attempt, so a refusal
    /// is final.
    pub async fn reconnect(
        &mut self,
        permit: &HandshakePermit,
        within: Duration,
        limits: &Limits,
    ) -> Result<(), NotReconnected> {
        let route = self.route.as_ref().ok_or(SessionError::Lost)?;
        // A device serves one client. If the old connection were closed later, the device would
        // also close the new one.
        if let Err(error) = self.session.close().await {
            tracing::debug!(%error, "cannot close the lost connection");
        }
        let unreachable = |_| NotReconnected::Unreachable;
        let scan_result = route.find(within).await;
        let candidate = scan_result
            .ok_or(NotReconnected::Unreachable)?
            .map_err(unreachable)?;
        let service = candidate.service;
        let transport = route.open(&candidate, limits).await;
        let mut connection = Connection::new(transport.map_err(unreachable)?, service)
            .recorded(route.transcript.clone());
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
