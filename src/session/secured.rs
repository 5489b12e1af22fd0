//! A session, and what it takes to agree one again with the same device.

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

/// A device and us with the same keys.
#[derive(Debug)]
pub struct Secured {
    /// The conversation.
    pub session: Session,
    /// The scheme that the device speaks.
    pub scheme: SecurityScheme,
    /// What the device said about itself before the handshake.
    pub version: Version,
    /// What the device accepted.
    pub credentials: Credentials,
    /// The way back to it. `None`: when contact is lost, the session is over.
    pub route: Option<Route>,
}

impl Secured {
    /// A session that cannot be agreed again.
    pub fn without_route(session: Session, scheme: SecurityScheme) -> Self {
        Self {
            session,
            scheme,
            version: Version::default(),
            credentials: Credentials::None,
            route: None,
        }
    }

    /// Opens a new connection and secures it as before, once. With the same device this costs no
    /// attempt; with another one at the same address one at most, so that a refusal is final.
    pub async fn reconnect(
        &mut self,
        permit: &HandshakePermit,
        within: Duration,
        limits: &Limits,
    ) -> Result<(), NotReconnected> {
        let route = self.route.as_ref().ok_or(SessionError::Lost)?;
        // A device serves one client. A connection that is closed late would take the new one with
        // it.
        if let Err(error) = self.session.close().await {
            tracing::debug!(%error, "the connection that was lost");
        }
        let unreachable = |_| NotReconnected::Unreachable;
        let found = route.find(within).await;
        let candidate = found
            .ok_or(NotReconnected::Unreachable)?
            .map_err(unreachable)?;
        let service = candidate.service;
        let opened = route.open(&candidate, limits).await;
        let mut connection = Connection::new(opened.map_err(unreachable)?, service)
            .recorded(route.transcript.clone());
        match connection.version().await {
            Ok(version) if version == self.version => {}
            Ok(_) => {
                let expected = "the version document of the device that was lost";
                return Err(SessionError::from(ReplyError::Unexpected { expected }).into());
            }
            Err(SessionError::Transport(error))
                if error.may_be_missing_endpoint() && self.version == Version::default() => {}
            Err(_) => return Err(NotReconnected::Unreachable),
        }
        let rng = UnwrapErr(SysRng);
        let agreed = connection.agree(self.scheme, &self.credentials, rng, permit);
        let keys = agreed.await?;
        self.session = connection.into_session(keys);
        Ok(())
    }
}

/// Why a device could not be reconnected.
#[derive(Debug)]
pub enum NotReconnected {
    /// It answered, and will answer the same again.
    Final(SessionError),
    /// It does not answer, or the connection broke: perhaps a moment later.
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
