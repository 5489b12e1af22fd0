//! A secure conversation with one device: the one place where endpoint, security and transport
//! meet. What to say in which order is `flows`'.
//!
//! ```text
//! command ──encode──▶ plaintext ──seal──▶ ciphertext ──exchange──▶ answer ──open──▶ ──decode──▶ reply
//!         endpoint             security            transport               security   endpoint
//! ```
//!
//! [`Connection`] is the time before keys, [`Session`] after: a session cannot be secured again,
//! and nothing but the version document can be read before.

use rand_core::CryptoRng;
use thiserror::Error;
use tracing::trace;
use zeroize::Zeroizing;

use crate::endpoint::version::{self, Version};
use crate::endpoint::{Command, ReplyError};
use crate::proto::{EndpointName, Service};
use crate::security::{self, Cipher, Credentials, SecurityError, SecurityScheme, Step};
use crate::transport::record::{self, Line, Transcript};
use crate::transport::{Transport, TransportError};

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

    /// Has the conversation taken down: what travels, and what it means.
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
        note(self.transcript.as_ref(), || Line::Version {
            document: String::from_utf8_lossy(&answer).into_owned(),
        });
        Ok(Version::from_bytes(&answer)?)
    }

    /// Agrees keys. On failure the path comes back, for another scheme or to be closed.
    pub async fn secure(
        mut self,
        scheme: SecurityScheme,
        credentials: &Credentials,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Session, NotSecured> {
        match self.handshake(scheme, credentials, rng).await {
            Ok(cipher) => {
                let number = scheme.number();
                note(self.transcript.as_ref(), || Line::Secured {
                    scheme: number,
                });
                Ok(Session {
                    scheme,
                    transport: self.transport,
                    cipher,
                    transcript: self.transcript,
                    lost: false,
                })
            }
            Err(error) => {
                note(self.transcript.as_ref(), || Line::NotSecured {
                    error: error.to_string(),
                });
                Err(NotSecured {
                    connection: self,
                    error,
                })
            }
        }
    }

    /// Whether the path has room for the messages of this scheme.
    pub fn carries(&self, scheme: SecurityScheme) -> bool {
        let longest = self.transport.longest_request();
        longest.is_none_or(|longest| scheme.longest_message() <= longest)
    }

    async fn handshake(
        &mut self,
        scheme: SecurityScheme,
        credentials: &Credentials,
        rng: &mut (dyn CryptoRng + Send),
    ) -> Result<Box<dyn Cipher>, SessionError> {
        let endpoint = self.service.session_endpoint();
        let mut step = security::start(scheme, credentials, rng)?;
        loop {
            step = match step {
                Step::Established(cipher) => return Ok(cipher),
                Step::Send { request, next } => {
                    trace!(%endpoint, asked = request.len(), "handshake");
                    match self.transport.exchange(&endpoint, &request).await {
                        Ok(response) => next.receive(&response)?,
                        Err(how) if how.may_be_refusal() => {
                            return Err(SessionError::HandshakeRefused {
                                means: next.refused(),
                                how,
                            });
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            };
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) -> Result<(), SessionError> {
        Ok(self.transport.close().await?)
    }
}

/// Made only for whoever reads it.
fn note<'a>(transcript: Option<&Transcript>, line: impl FnOnce() -> Line<'a>) {
    if let Some(transcript) = transcript {
        transcript.note(&line());
    }
}

/// A handshake that failed, and the path on which it did.
#[derive(Debug)]
pub struct NotSecured {
    /// Still usable, unless the error says otherwise.
    pub connection: Connection,
    /// Why the handshake failed.
    pub error: SessionError,
}

/// A session: commands go out sealed, replies come back opened.
#[derive(Debug)]
pub struct Session {
    transport: Box<dyn Transport>,
    cipher: Box<dyn Cipher>,
    scheme: SecurityScheme,
    transcript: Option<Transcript>,
    /// Whether the two ends may be out of step: set before each request, cleared when its answer
    /// was understood. Security 1 has no authentication, so being out of step shows as nonsense.
    lost: bool,
}

impl Session {
    /// Sends a command and reads its reply.
    pub async fn call<C: Command>(&mut self, command: &C) -> Result<C::Reply, SessionError> {
        let endpoint = C::ENDPOINT;
        note(self.transcript.as_ref(), || Line::Command {
            endpoint: endpoint.as_str(),
            command: format!("{command:?}"),
        });
        let answer = self.exchange(&endpoint, &command.encode()).await;
        if let Err(error @ SessionError::Security(_)) = &answer {
            note(self.transcript.as_ref(), || Line::Reply {
                endpoint: endpoint.as_str(),
                reply: error.to_string(),
            });
        }
        let reply = C::decode(&answer?);
        note(self.transcript.as_ref(), || Line::Reply {
            endpoint: endpoint.as_str(),
            reply: match &reply {
                Ok(reply) => format!("{reply:?}"),
                Err(error) => error.to_string(),
            },
        });
        match reply {
            // Not a message at all: perhaps the keystreams have parted.
            Err(error @ ReplyError::Malformed { .. }) => {
                self.lost = true;
                Err(error.into())
            }
            outcome => Ok(outcome?),
        }
    }

    /// The longest answer that is sure to come through, in bytes, where the medium has a limit.
    pub fn longest_answer(&self) -> Option<usize> {
        self.transport
            .longest_answer(self.scheme == SecurityScheme::Sec2)
    }

    /// Gives the path up, whatever its state: nothing can be said any more.
    pub async fn leave(&mut self) -> Result<(), SessionError> {
        self.lost = true;
        Ok(self.transport.close().await?)
    }

    /// Whether the two ends may be out of step, so that nothing more can be said.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Sends bytes to any endpoint, sealed, and opens the answer.
    pub async fn exchange(
        &mut self,
        endpoint: &EndpointName,
        plaintext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SessionError> {
        if self.lost {
            return Err(SessionError::Lost);
        }
        self.lost = true;
        let request = self.cipher.seal(plaintext)?;
        let answer = self.transport.exchange(endpoint, &request).await?;
        let opened = self.cipher.open(&answer)?;
        trace!(%endpoint, asked = plaintext.len(), answered = opened.len(), "call");
        self.lost = false;
        Ok(opened)
    }

    /// Says goodbye.
    pub async fn close(mut self) -> Result<(), SessionError> {
        Ok(self.transport.close().await?)
    }
}

/// Why a conversation failed.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The device did not answer a handshake message. protocomm has no error message for that,
    /// so the waiting state says what it means.
    #[error("{means}")]
    HandshakeRefused {
        /// The interpretation.
        means: SecurityError,
        /// What was seen.
        #[source]
        how: TransportError,
    },
    /// An earlier error left the two ends out of step.
    #[error("the session ended with the error before")]
    Lost,
    /// The device's answer is not the reply.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// The handshake or a message broke the rules.
    #[error(transparent)]
    Security(#[from] SecurityError),
    /// The answer did not arrive.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
