//! A conversation before keys: the version document, and the handshake.

use rand_core::CryptoRng;
use tracing::trace;

use super::error::SessionError;
use super::established::Session;
use super::handshakes::HandshakePermit;
use super::keys::Keys;
use crate::endpoint::version::{self, Version};
use crate::proto::Service;
use crate::security::{self, Cipher, Credentials, SecurityScheme, Step};
use crate::transport::Transport;
use crate::transport::record::{self, Line, Transcript};

/// An open path to a device, before any keys.
#[derive(Debug)]
pub struct Connection {
    transport: Box<dyn Transport>,
    service: Service,
    transcript: Option<Transcript>,
}

impl Connection {
    /// Takes over an open path.
    pub fn new(transport: Box<dyn Transport>, service: Service) -> Self {
        Self {
            transport,
            service,
            transcript: None,
        }
    }

    /// Records the conversation: what travels, and what it means.
    #[must_use]
    pub fn recorded(self, transcript: Option<Transcript>) -> Self {
        Self {
            transport: record::recorded(self.transport, transcript.as_ref()),
            transcript,
            ..self
        }
    }

    /// Which service runs at the other end.
    pub fn service(&self) -> Service {
        self.service
    }

    /// Reads the version document: the one endpoint in the clear.
    pub async fn version(&mut self) -> Result<Version, SessionError> {
        let endpoint = self.service.version_endpoint();
        let answer = self.transport.exchange(&endpoint, version::REQUEST).await?;
        trace!(%endpoint, answered = answer.len(), "version");
        record::note(self.transcript.as_ref(), || Line::Version {
            document: String::from_utf8_lossy(&answer).into_owned(),
        });
        Ok(Version::from_bytes(&answer)?)
    }

    /// Whether the path has room for the messages of this scheme.
    pub fn carries(&self, scheme: SecurityScheme) -> bool {
        let longest = self.transport.capacity().request;
        longest.is_none_or(|longest| scheme.longest_message() <= longest)
    }

    /// Agrees keys. After most failures the path can be used for another scheme; an error of the
    /// transport ends it.
    pub async fn agree(
        &mut self,
        scheme: SecurityScheme,
        credentials: &Credentials,
        rng: impl CryptoRng + Send + 'static,
        permit: &HandshakePermit,
    ) -> Result<Keys, SessionError> {
        let agreed = self.exchange_keys(scheme, credentials, rng, permit);
        let agreed = agreed.await;
        record::note(self.transcript.as_ref(), || match &agreed {
            Ok(_) => Line::Secured {
                scheme: scheme.number(),
            },
            Err(error) => Line::NotSecured {
                error: error.to_string(),
            },
        });
        let cipher = agreed?;
        Ok(Keys { scheme, cipher })
    }

    async fn exchange_keys(
        &mut self,
        scheme: SecurityScheme,
        credentials: &Credentials,
        mut rng: impl CryptoRng + Send + 'static,
        permit: &HandshakePermit,
    ) -> Result<Box<dyn Cipher>, SessionError> {
        let endpoint = self.service.session_endpoint();
        let credentials = credentials.clone();
        let started = move || security::start(scheme, &credentials, &mut rng);
        let mut step = permit.compute(started).await?;
        loop {
            let (request, next) = match step {
                Step::Established(cipher) => return Ok(cipher),
                Step::Send { request, next } => (request, next),
            };
            trace!(%endpoint, asked = request.len(), "handshake");
            let response = match self.transport.exchange(&endpoint, &request).await {
                Err(how) if how.may_be_refusal() => {
                    let means = next.refused();
                    return Err(SessionError::HandshakeRefused { means, how });
                }
                response => response?,
            };
            step = permit.compute(move || next.receive(&response)).await?;
        }
    }

    /// The same path with keys that were agreed on it.
    pub fn into_session(self, keys: Keys) -> Session {
        Session {
            transport: self.transport,
            keys,
            transcript: self.transcript,
            lost: false,
        }
    }

    /// Closes the path.
    pub async fn close(&mut self) -> Result<(), SessionError> {
        Ok(self.transport.close().await?)
    }
}
