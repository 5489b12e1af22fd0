//! A session with keys: seals commands and opens replies.

use tracing::trace;
use zeroize::Zeroizing;

use super::error::SessionError;
use super::keys::Keys;
use crate::endpoint::{Command, ReplyError};
use crate::proto::EndpointName;
use crate::security::SecurityScheme;
use crate::transport::Transport;
use crate::transport::record::{self, Line, Transcript};

/// A session with keys: seals commands and opens replies.
#[derive(Debug)]
pub struct Session {
    pub(super) transport: Box<dyn Transport>,
    pub(super) keys: Keys,
    pub(super) transcript: Option<Transcript>,
    /// Whether the two sides may be out of step: set before each request, cleared when its answer
    /// was decrypted. Security 1 has no authentication, so an answer out of step decrypts to
    /// garbage.
    pub(super) lost: bool,
}

impl Session {
    /// Sends a command and reads its reply.
    pub async fn call<C: Command>(&mut self, command: &C) -> Result<C::Reply, SessionError> {
        if self.lost {
            return Err(SessionError::Lost);
        }
        let endpoint = C::ENDPOINT;
        record::note(self.transcript.as_ref(), || Line::Command {
            endpoint: endpoint.as_str(),
            command: format!("{command:?}"),
        });
        let reply = match self.exchange(&endpoint, &command.encode()).await {
            // The transport records that no answer arrived.
            Err(error @ SessionError::Transport(_)) => return Err(error),
            answer => answer.and_then(|answer| Ok(C::decode(&answer)?)),
        };
        record::note(self.transcript.as_ref(), || Line::Reply {
            endpoint: endpoint.as_str(),
            reply: match &reply {
                Ok(reply) => format!("{reply:?}"),
                Err(error) => error.to_string(),
            },
        });
        if let Err(SessionError::Reply(ReplyError::Malformed { .. })) = &reply {
            // The answer is not a message at all: the keystreams may be out of step.
            self.lost = true;
        }
        reply
    }

    /// The longest answer that reliably arrives, in bytes; `None` if the medium has no limit.
    pub fn longest_answer(&self) -> Option<usize> {
        let capacity = self.transport.capacity();
        if self.keys.scheme == SecurityScheme::Sec2 {
            capacity.answer_with_sec2
        } else {
            capacity.answer
        }
    }

    /// Whether the two sides may be out of step. Then no more commands can be sent.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Seals bytes, sends them to any endpoint, and opens the answer.
    pub async fn exchange(
        &mut self,
        endpoint: &EndpointName,
        plaintext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, SessionError> {
        if self.lost {
            return Err(SessionError::Lost);
        }
        self.lost = true;
        let request = self.keys.cipher.seal(plaintext)?;
        let answer = self.transport.exchange(endpoint, &request).await?;
        let opened = self.keys.cipher.open(&answer)?;
        trace!(%endpoint, sent = plaintext.len(), received = opened.len(), "call");
        self.lost = false;
        Ok(opened)
    }

    /// Closes the connection. The session cannot be used afterwards.
    pub async fn close(&mut self) -> Result<(), SessionError> {
        self.lost = true;
        Ok(self.transport.close().await?)
    }
}
